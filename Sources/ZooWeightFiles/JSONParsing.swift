import ZooTensor

extension JSONValue {
  /// Parses a JSON document in memory that is copied only where it is not too long.
  package init(parsing text: ByteSlice, location: String) throws(WeightFileError) {
    try JSONParser.checkLength(text.count, location: location)
    try self.init(parsing: text.withUnsafeBytes { Array($0) }, location: location)
  }

  /// Parses a JSON document that lies at `location`.
  package init(parsing text: [UInt8], location: String) throws(WeightFileError) {
    try JSONParser.checkLength(text.count, location: location)
    var parser = JSONParser(text: text, location: location)
    self = try parser.document()
  }
}

/// Reads JSON as RFC 8259 has it, in UTF-8, and nothing beyond; an object with two members of one name is
/// refused, since readers differ in which of them they keep.
private struct JSONParser {
  private let text: [UInt8]
  private let location: String
  private let limits = ReadingLimits.current
  private var position = 0
  private var depth = 0
  private var values = 0

  init(text: [UInt8], location: String) {
    self.text = text
    self.location = location
  }

  static func checkLength(_ count: Int, location: String) throws(WeightFileError) {
    let limit = ReadingLimits.current.text
    guard count <= limit else {
      throw WeightFileError(
        .unsupported, "JSON", at: location, "it is larger than \(limit) bytes",
        remedy: ReadingLimits.remedy("text"))
    }
  }

  mutating func document() throws(WeightFileError) -> JSONValue {
    let document = try value()
    skipSpace()
    guard position == text.count else { throw malformed("there is more after its end") }
    return document
  }

  // MARK: Values

  private mutating func value() throws(WeightFileError) -> JSONValue {
    values += 1
    guard values <= limits.objects else {
      throw WeightFileError(
        .unsupported, "JSON", at: location, "it has more than \(limits.objects) values",
        remedy: ReadingLimits.remedy("objects"))
    }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return .object(try nested { p throws(WeightFileError) in try p.members() })
    case UInt8(ascii: "["): return .array(try nested { p throws(WeightFileError) in try p.elements() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  /// Counts how deep brackets nest, before reading recurses into them.
  private mutating func nested<Result>(
    _ body: (inout JSONParser) throws(WeightFileError) -> Result
  ) throws(WeightFileError) -> Result {
    depth += 1
    guard depth <= limits.nesting else {
      throw WeightFileError(
        .unsupported, "JSON", at: location, "it is nested more than \(limits.nesting) deep",
        remedy: ReadingLimits.remedy("nesting"))
    }
    position += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  private mutating func elements() throws(WeightFileError) -> [JSONValue] {
    var elements: [JSONValue] = []
    if skip(UInt8(ascii: "]")) { return elements }
    while true {
      elements.append(try value())
      if skip(UInt8(ascii: "]")) { return elements }
      guard skip(UInt8(ascii: ",")) else { throw malformed("',' or ']' is missing") }
    }
  }

  private mutating func members() throws(WeightFileError) -> [String: JSONValue] {
    var members: [String: JSONValue] = [:]
    if skip(UInt8(ascii: "}")) { return members }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw malformed("a member's name is missing") }
      let name = try string()
      guard skip(UInt8(ascii: ":")) else { throw malformed("':' is missing") }
      guard members.updateValue(try value(), forKey: name) == nil else {
        throw malformed("an object in it has two members of one name")
      }
      if skip(UInt8(ascii: "}")) { return members }
      guard skip(UInt8(ascii: ",")) else { throw malformed("',' or '}' is missing") }
    }
  }

  private mutating func word(
    _ word: StaticString, _ value: JSONValue
  ) throws(WeightFileError) -> JSONValue {
    let end = position + word.utf8CodeUnitCount
    guard end <= text.count, text[position..<end].elementsEqual(String(describing: word).utf8) else {
      throw malformed("this is no value")
    }
    position = end
    return value
  }

  private mutating func number() throws(WeightFileError) -> Double {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let whole = digits()
    guard whole > 0, whole == 1 || text[position - whole] != UInt8(ascii: "0") else {
      throw malformed("this is no value")
    }
    if next == UInt8(ascii: ".") {
      position += 1
      guard digits() > 0 else { throw malformed("a number ends with its point") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      guard digits() > 0 else { throw malformed("a number has no exponent") }
    }
    guard let number = Double(String(decoding: text[start..<position], as: UTF8.self)), number.isFinite else {
      throw malformed("a number is too large")
    }
    return number
  }

  /// Goes past digits; returns how many there are.
  private mutating func digits() -> Int {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }

  // MARK: Strings

  private mutating func string() throws(WeightFileError) -> String {
    position += 1
    var bytes: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw malformed("a string is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): bytes += try escaped()
      case 0..<0x20: throw malformed("a string has a control character")
      default: bytes.append(byte)
      }
    }
    throw malformed("a string does not end")
  }

  /// What follows a backslash, in UTF-8.
  private mutating func escaped() throws(WeightFileError) -> [UInt8] {
    let byte = next
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte].compactMap(\.self)
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var units = [try codeUnit()]
      if UTF16.isLeadSurrogate(units[0]), next == UInt8(ascii: "\\") {
        position += 1
        guard next == UInt8(ascii: "u") else { throw malformed("a string has half a character") }
        position += 1
        units.append(try codeUnit())
      }
      guard let character = String(validating: units, as: UTF16.self) else {
        throw malformed("a string has half a character")
      }
      return Array(character.utf8)
    default: throw malformed("a string has an unknown escape")
    }
  }

  /// Four hexadecimal digits.
  private mutating func codeUnit() throws(WeightFileError) -> UInt16 {
    let end = position + 4
    guard end <= text.count,
      text[position..<end].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let unit = UInt16(String(decoding: text[position..<end], as: UTF8.self), radix: 16)
    else { throw malformed("an escape has no four hexadecimal digits") }
    position = end
    return unit
  }

  // MARK: Bytes

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// Goes past spaces and `byte`, where that is next.
  private mutating func skip(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    position += 1
    return true
  }

  private func malformed(_ why: String) -> WeightFileError {
    WeightFileError(.malformed, "JSON", at: location, "\(why), at byte \(position)")
  }
}
