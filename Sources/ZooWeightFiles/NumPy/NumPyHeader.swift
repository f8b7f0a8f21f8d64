import ZooSystem
import ZooTensor

/// The header of an `.npy` array, versions 1 to 3: magic, version, length, and a Python dictionary.
struct NumPyHeader: Sendable, Hashable {
  let shape: Shape
  let elementType: ElementType
  let isBigEndian: Bool
  /// First axis fastest.
  let isFortranOrder: Bool
  /// The header's own size: the data starts there.
  let byteCount: Int

  /// The largest header that is read; NumPy's own limit for safe parsing is 10,000 characters.
  static let byteLimit = 1 << 16
  private static let rankLimit = 32

  var dataByteCount: Int { shape.elementCount * elementType.byteCount }

  /// How many bytes the header takes, by the first 12 bytes of an array that takes `total` bytes.
  static func byteCount(
    startingWith bytes: [UInt8], of total: Int, at location: String
  ) throws(ZooError) -> Int {
    guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes.count >= 12 else {
      throw ZooError(
        .malformed, "NumPy array", at: location, "it does not start like an .npy array")
    }
    let major = bytes[6]
    guard (1...3).contains(major) else {
      throw ZooError(
        .unsupported, "NumPy array", at: location, ".npy version \(major); 1 to 3 are read")
    }
    let short = Int(bytes[8]) | Int(bytes[9]) << 8
    let count = major == 1 ? 10 + short : 12 + (short | Int(bytes[10]) << 16 | Int(bytes[11]) << 24)
    guard count <= total else {
      throw ZooError(.malformed, "NumPy array", at: location, "its header reaches beyond the end")
    }
    guard count <= byteLimit else {
      throw ZooError(.unsupported, "NumPy array", at: location, "a header of \(count) bytes")
    }
    return count
  }

  /// The element type of an array whose header `bytes` start with, where that is text (`<U19`, `|S8`).
  static func typeOfText(_ bytes: [UInt8]) -> String? {
    guard let count = try? byteCount(startingWith: bytes, of: bytes.count, at: "") else { return nil }
    var literal = PythonLiteral(bytes[(bytes[6] == 1 ? 10 : 12)..<count])
    guard case .dictionary(let members)? = literal.parse(), case .string(let type)? = members["descr"],
      let order = type.first, "<>|=".contains(order), let kind = type.dropFirst().first, "US".contains(kind),
      type.dropFirst(2).allSatisfy(\.isWholeNumber)
    else { return nil }
    return type
  }

  /// Parses the header that `bytes` start with; the array with its header takes `total` bytes.
  init(parsing bytes: [UInt8], of total: Int, at location: String) throws(ZooError) {
    func malformed(_ why: String) -> ZooError {
      ZooError(.malformed, "NumPy array", at: location, why)
    }
    byteCount = try Self.byteCount(startingWith: bytes, of: total, at: location)
    guard bytes.count >= byteCount else { throw malformed("its header reaches beyond the end") }
    var literal = PythonLiteral(bytes[(bytes[6] == 1 ? 10 : 12)..<byteCount])
    guard case .dictionary(let members)? = literal.parse(),
      Set(members.keys) == ["descr", "fortran_order", "shape"]
    else { throw malformed("its header is not a dictionary of descr, fortran_order and shape") }

    switch members["descr"] {
    case .string(let text):
      let isScalar = if case .tuple(let extents) = members["shape"] { extents.isEmpty } else { false }
      (elementType, isBigEndian) = try Self.elementType(text, isScalar: isScalar, at: location)
    case .list:
      throw ZooError(
        .unsupported, "NumPy array", at: location, "its elements are records of several fields")
    default: throw malformed("descr is not a string")
    }
    guard case .bool(let isFortranOrder) = members["fortran_order"] else {
      throw malformed("fortran_order is neither True nor False")
    }
    self.isFortranOrder = isFortranOrder
    guard case .tuple(let values) = members["shape"] else { throw malformed("shape is not a tuple") }
    var extents: [Int] = []
    for value in values {
      guard case .integer(let extent) = value else { throw malformed("an extent of shape is not an integer") }
      extents.append(extent)
    }
    guard extents.count <= Self.rankLimit, let shape = Shape(checking: extents) else {
      throw malformed("shape \(extents) is negative or larger than any tensor may be")
    }
    self.shape = shape
  }

  /// For a dictionary of layers, which NumPy stores as one object.
  private static let rewriteDictionary =
    "If you trust the file, store its arrays by name in Python: d = numpy.load(FILE, allow_pickle=True).item(); "
    + "numpy.savez('weights.npz', **{f'{l}/{k}': a for l, w in d.items() for k, a in "
    + "(w.items() if hasattr(w, 'items') else zip(('kernel', 'bias'), w))})"
  /// For what `get_weights()` returns, stored as one array.
  private static let rewriteList =
    "If you trust the file, store its arrays one by one in Python: a = numpy.load(FILE, allow_pickle=True); "
    + "numpy.savez('weights.npz', *(a if a.dtype == object else a[a.files[0]]))"

  private static func elementType(
    _ text: String, isScalar: Bool, at location: String
  ) throws(ZooError) -> (ElementType, isBigEndian: Bool) {
    func unsupported(_ why: String, remedy: String? = nil) -> ZooError {
      ZooError(.unsupported, "NumPy array", at: location, why, remedy: remedy)
    }
    let order = text.first ?? " "
    guard "<>|=".contains(order) else { throw unsupported("element type \(text)") }
    let code = String(text.dropFirst())
    if code.hasPrefix("O") {
      throw unsupported(
        "its elements are Python objects (a pickle), which can run code and are not read",
        remedy: isScalar ? rewriteDictionary : rewriteList)
    }
    let types: [String: ElementType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
      "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
      // ml_dtypes' bfloat16 is an opaque type to NumPy.
      "V2": .bfloat16,
    ]
    guard let type = types[code] else { throw unsupported("element type \(text)") }
    return (type, order == ">" && type.byteCount > 1)
  }
}

/// The part of Python's literals that occurs in an `.npy` header.
private struct PythonLiteral {
  indirect enum Value {
    case string(String)
    case bool(Bool)
    case integer(Int)
    case tuple([Value])
    case list([Value])
    case dictionary([String: Value])
  }

  private var rest: ArraySlice<UInt8>
  private var depth = 0
  private static let depthLimit = 8

  init(_ text: ArraySlice<UInt8>) { rest = text }

  /// The one value that the text is, with nothing but white space after it; else nil.
  mutating func parse() -> Value? {
    guard let result = value() else { return nil }
    skipSpace()
    return rest.isEmpty ? result : nil
  }

  private mutating func value() -> Value? {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { return nil }
    skipSpace()
    switch rest.first {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return string().map(Value.string)
    case UInt8(ascii: "{"): return dictionary()
    case UInt8(ascii: "("): return elements(until: UInt8(ascii: ")")).map(Value.tuple)
    case UInt8(ascii: "["): return elements(until: UInt8(ascii: "]")).map(Value.list)
    case UInt8(ascii: "T"): return take("True") ? .bool(true) : nil
    case UInt8(ascii: "F"): return take("False") ? .bool(false) : nil
    default: return integer()
    }
  }

  private mutating func string() -> String? {
    guard let quote = rest.popFirst(), let end = rest.firstIndex(of: quote) else { return nil }
    let text = rest[rest.startIndex..<end]
    rest = rest[(end + 1)...]
    // No type or key needs an escape.
    guard !text.contains(UInt8(ascii: "\\")) else { return nil }
    return String(validating: text, as: UTF8.self)
  }

  private mutating func integer() -> Value? {
    let digits = rest.prefix {
      $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    rest = rest[digits.endIndex...]
    // Python 2 marks long integers.
    _ = take("L")
    return Int(String(decoding: digits, as: UTF8.self)).map(Value.integer)
  }

  private mutating func elements(until close: UInt8) -> [Value]? {
    rest.removeFirst()
    var values: [Value] = []
    while true {
      skipSpace()
      if rest.first == close {
        rest.removeFirst()
        return values
      }
      guard let next = value() else { return nil }
      values.append(next)
      skipSpace()
      if rest.first == UInt8(ascii: ",") { rest.removeFirst() } else if rest.first != close { return nil }
    }
  }

  private mutating func dictionary() -> Value? {
    rest.removeFirst()
    var members: [String: Value] = [:]
    while true {
      skipSpace()
      if rest.first == UInt8(ascii: "}") {
        rest.removeFirst()
        return .dictionary(members)
      }
      guard rest.first == UInt8(ascii: "'") || rest.first == UInt8(ascii: "\""), let key = string() else {
        return nil
      }
      skipSpace()
      guard rest.popFirst() == UInt8(ascii: ":"), let next = value(),
        members.updateValue(next, forKey: key) == nil
      else { return nil }
      skipSpace()
      if rest.first == UInt8(ascii: ",") {
        rest.removeFirst()
      } else if rest.first != UInt8(ascii: "}") {
        return nil
      }
    }
  }

  private mutating func take(_ word: String) -> Bool {
    guard rest.starts(with: word.utf8) else { return false }
    rest = rest.dropFirst(word.utf8.count)
    return true
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\t") }
  }
}
