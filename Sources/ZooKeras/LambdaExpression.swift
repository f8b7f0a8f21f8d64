import ZooSystem

/// What a person states that a Lambda layer computes: arithmetic of its input, numbers and functions.
///
/// It is written as in Python, `x / 127.5 - 1`, and may begin with `lambda x:`. Numbers in brackets,
/// `[0.485, 0.456, 0.406]`, are one for each channel; `x[..., ::-1]` turns the channels round.
indirect enum LambdaExpression: Sendable, Hashable {
  /// What the layer is given.
  case input
  /// One number, or one for each channel.
  case numbers([Double])
  case negative(LambdaExpression)
  case arithmetic(Sign, LambdaExpression, LambdaExpression)
  case channelsReversed(LambdaExpression)
  /// A function by its name without a module, its arguments, and the numbers that have a name.
  case call(String, [LambdaExpression], keywords: [String: [Double]])

  enum Sign: String, Sendable {
    case plus = "+"
    case minus = "-"
    case times = "*"
    case over = "/"
    case power = "**"
  }

  /// The longest text, in bytes.
  static let lengthLimit = 1000
  /// How deep parentheses, signs and powers may be nested.
  static let depthLimit = 50

  /// Reads `text`.
  ///
  /// - Parameters:
  ///   - text: the expression.
  ///   - layer: the layer that it is stated for, for errors.
  /// - Throws: an error that points at the place where the text stops making sense.
  init(_ text: String, for layer: String) throws(ZooError) {
    guard text.utf8.count <= LambdaExpression.lengthLimit else {
      throw ZooError(
        .tooLarge, what: "expression too long", at: "--lambda \(layer)",
        "it has \(text.utf8.count) characters; \(LambdaExpression.lengthLimit) is the most")
    }
    var parser = LambdaParser(text, layer: layer)
    self = try parser.parse()
  }
}

/// Reads one expression from left to right.
struct LambdaParser {
  private let characters: [UInt8]
  private let layer: String
  private var position = 0
  private var depth = 0
  private var variable = "x"

  init(_ text: String, layer: String) {
    characters = Array(text.utf8)
    self.layer = layer
  }

  mutating func parse() throws(ZooError) -> LambdaExpression {
    try readVariable()
    let expression = try sum()
    guard next == nil else { throw failure("an operator is expected", at: position) }
    return expression
  }

  // MARK: Errors

  private func failure(_ why: String, at place: Int) -> ZooError {
    let rest = String(decoding: characters[min(place, characters.count)...].prefix(20), as: UTF8.self)
    let here = place >= characters.count ? "at its end" : "at character \(place + 1), '\(rest)'"
    return ZooError(
      .invalidArgument, what: "invalid expression", at: "--lambda \(layer)", "\(here): \(why)",
      remedy: LambdaStatements.help)
  }

  // MARK: Characters

  private mutating func skipSpaces() {
    while position < characters.count, [0x20, 0x09, 0x0A, 0x0D].contains(characters[position]) {
      position += 1
    }
  }

  /// The next character that is no space; nil at the end.
  private var next: UInt8? {
    mutating get {
      skipSpaces()
      return position < characters.count ? characters[position] : nil
    }
  }

  /// Goes past `text` where it is what comes next.
  private mutating func take(_ text: String) -> Bool {
    skipSpaces()
    guard characters[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  private mutating func expect(_ text: String, _ purpose: String) throws(ZooError) {
    guard take(text) else { throw failure("'\(text)' is expected \(purpose)", at: position) }
  }

  private static func isLetter(_ c: UInt8) -> Bool {
    (0x41...0x5A).contains(c) || (0x61...0x7A).contains(c) || c == 0x5F
  }

  private static func isDigit(_ c: UInt8) -> Bool { (0x30...0x39).contains(c) }

  /// A name with its modules, `tf.nn.relu`; empty where none comes next.
  private mutating func name() -> String {
    skipSpaces()
    let start = position
    while position < characters.count, Self.isLetter(characters[position]) {
      position += 1
      while position < characters.count,
        Self.isLetter(characters[position]) || Self.isDigit(characters[position])
      {
        position += 1
      }
      let after = position + 1
      guard after < characters.count, characters[position] == 0x2E, Self.isLetter(characters[after]) else {
        break
      }
      position = after
    }
    return String(decoding: characters[start..<position], as: UTF8.self)
  }

  // MARK: Grammar, by ascending rank as in Python

  /// `lambda v:` in front says what the input is called.
  private mutating func readVariable() throws(ZooError) {
    let start = position
    guard name() == "lambda" else {
      position = start
      return
    }
    let place = position
    variable = name()
    guard !variable.isEmpty, !variable.contains(".") else {
      throw failure("the name of the one input is expected", at: place)
    }
    try expect(":", "after 'lambda \(variable)'; only one input can be stated")
  }

  private mutating func sum() throws(ZooError) -> LambdaExpression {
    var left = try product()
    while let sign = next {
      if sign == 0x2B, take("+") {
        left = .arithmetic(.plus, left, try product())
      } else if sign == 0x2D, take("-") {
        left = .arithmetic(.minus, left, try product())
      } else {
        break
      }
    }
    return left
  }

  private mutating func product() throws(ZooError) -> LambdaExpression {
    var left = try signed()
    while let sign = next {
      if sign == 0x2F {
        let place = position
        _ = take("/")
        guard !take("/") else { throw failure("whole division is not supported", at: place) }
        left = .arithmetic(.over, left, try signed())
      } else if sign == 0x2A, take("*") {
        left = .arithmetic(.times, left, try signed())
      } else {
        break
      }
    }
    return left
  }

  private mutating func signed() throws(ZooError) -> LambdaExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= LambdaExpression.depthLimit else {
      throw failure("it is nested more than \(LambdaExpression.depthLimit) deep", at: position)
    }
    if take("-") { return .negative(try signed()) }
    if take("+") { return try signed() }
    let base = try item()
    return take("**") ? .arithmetic(.power, base, try signed()) : base
  }

  /// A value with what Python's brackets take of it.
  private mutating func item() throws(ZooError) -> LambdaExpression {
    var value = try atom()
    while next == 0x5B {
      let start = position
      let end = characters[start...].firstIndex(of: 0x5D) ?? characters.count
      let inside = characters[start..<end].filter { $0 != 0x20 }
      guard end < characters.count,
        ["[...,::-1", "[:,:,:,::-1"].contains(String(decoding: inside, as: UTF8.self))
      else { throw failure("only [..., ::-1] is supported, which reverses the channels", at: start) }
      position = end + 1
      value = .channelsReversed(value)
    }
    return value
  }

  private mutating func atom() throws(ZooError) -> LambdaExpression {
    guard let first = next else {
      throw failure("\(variable), a number or a function is expected", at: position)
    }
    if take("(") {
      let inner = try sum()
      try expect(")", "to match '('")
      return inner
    }
    if first == 0x5B { return .numbers(try list()) }
    if Self.isDigit(first) || first == 0x2E { return .numbers([try number()]) }
    let place = position
    let name = name()
    if name == variable { return .input }
    guard !name.isEmpty else {
      throw failure("\(variable), a number or a function is expected", at: place)
    }
    let function = name.split(separator: ".").last.map(String.init) ?? name
    guard LambdaFunction(named: function) != nil else {
      throw failure(
        next == 0x28
          ? "there is no function '\(function)'; known are \(LambdaFunction.names.joined(separator: ", "))"
          : "'\(name)' is unknown: the input is called \(variable)", at: place)
    }
    return try call(function, at: place)
  }

  private mutating func number() throws(ZooError) -> Double {
    skipSpaces()
    let start = position
    func isPart(_ index: Int) -> Bool {
      let c = characters[index]
      if Self.isDigit(c) || Self.isLetter(c) || c == 0x2E { return true }
      // The sign of an exponent.
      return (c == 0x2B || c == 0x2D) && index > start && (characters[index - 1] | 0x20) == 0x65
    }
    while position < characters.count, isPart(position) { position += 1 }
    let text = String(decoding: characters[start..<position], as: UTF8.self)
    let plain = text.hasSuffix(".") ? text + "0" : text.hasPrefix(".") ? "0" + text : text
    guard text.allSatisfy({ $0.isNumber || ".eE+-".contains($0) }), let value = Double(plain),
      value.isFinite
    else { throw failure("'\(text)' is not a number", at: start) }
    return value
  }

  private mutating func signedNumber() throws(ZooError) -> Double {
    if take("-") { return -(try signedNumber()) }
    return try number()
  }

  /// `[103.939, 116.779, 123.68]`.
  private mutating func list() throws(ZooError) -> [Double] {
    try expect("[", "")
    var values: [Double] = []
    repeat { values.append(try signedNumber()) } while take(",")
    try expect("]", "after the last number")
    return values
  }

  /// The arguments of a function whose name has just been read.
  private mutating func call(_ function: String, at place: Int) throws(ZooError) -> LambdaExpression {
    try expect("(", "after the function '\(function)'")
    var arguments: [LambdaExpression] = []
    var keywords: [String: [Double]] = [:]
    repeat {
      skipSpaces()
      let start = position
      let key = name()
      if !key.isEmpty, take("=") {
        keywords[key] =
          next == 0x5B ? try list() : [take("True") ? 1 : take("False") ? 0 : try signedNumber()]
      } else {
        position = start
        guard keywords.isEmpty else {
          throw failure("arguments with a name come last", at: start)
        }
        arguments.append(try sum())
      }
    } while take(",")
    try expect(")", "after the arguments of '\(function)'")
    if let why = LambdaFunction(named: function)?.fault(arguments.count, Set(keywords.keys)) {
      throw failure("'\(function)' \(why)", at: place)
    }
    return .call(function, arguments, keywords: keywords)
  }
}
