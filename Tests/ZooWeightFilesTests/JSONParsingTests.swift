import Testing
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

@Suite struct JSONParsingTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), location: "text")
  }

  @Test func everyKindOfValue() throws {
    #expect(try parse(" null ") == .null)
    #expect(try parse("[true,false]\n") == .array([.bool(true), .bool(false)]))
    #expect(try parse("{\"a\" : {}, \"b\":[ ]}") == .object(["a": .object([:]), "b": .array([])]))
    for (text, number) in [
      ("0", 0), ("-0.5", -0.5), ("12", 12), ("1e3", 1000), ("1.25E-2", 0.0125), ("9007199254740993", 0x1p53),
    ] {
      #expect(try parse(text) == .number(number), "\(text)")
    }
    #expect(try parse(#""\"\\\/\b\f\n\r\t""#) == .string("\"\\/\u{8}\u{C}\n\r\t"))
    #expect(try parse(#""é\u00e9\u20AC\ud83d\ude00😀""#) == .string("éé€😀😀"))
  }

  /// Values of one key are guessed to be of one kind, which they need not be.
  @Test func kindsMayChange() throws {
    let values: [(String, JSONValue)] = [
      ("1", .number(1)), ("\"x\"", .string("x")), ("true", .bool(true)), ("null", .null), ("2", .number(2)),
      ("[]", .array([])), ("[1,\"b\",[],{}]", .array([.number(1), .string("b"), .array([]), .object([:])])),
      ("[\"c\",2]", .array([.string("c"), .number(2)])), ("{\"a\":false}", .object(["a": .bool(false)])),
    ]
    for turn in values.indices {
      let order = values[turn...] + values[..<turn]
      let text = order.map { "{\"a\":\($0.0)}" }.joined(separator: ",")
      #expect(try parse("[\(text)]") == .array(order.map { .object(["a": $0.1]) }))
    }
  }

  /// A fault deep inside is found as fast as one outside.
  @Test func deepFaults() {
    let depth = ReadingLimits.current.nesting / 4
    let text = String(repeating: "[{\"a\":", count: depth) + "1e999" + String(repeating: "}]", count: depth)
    #expect(errorCode { try parse("[1,\(text)]") } == .malformed)
  }

  @Test(arguments: [
    "", " ", "nul", "True", "NaN", "Infinity", "+1", "01", "-", ".5", "1.", "1e", "1e+", "1e999", "0x10",
    "1 2", "[1 2]", "[", "]", "{", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1 \"b\":2}",
    "{\"a\":1,\"\\u0061\":2}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u+123\"",
    "\"\\ud800\"",
    "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "//\n1",
  ])
  func whatIsNoJSON(text: String) {
    let error = #expect(throws: ZooError.self) { try parse(text) }
    #expect(error?.code == .malformed, "\(text)")
    #expect(error?.why.isEmpty == false && error?.why.contains("\n") == false)
  }

  @Test func stringsThatAreNotUTF8() {
    #expect(
      errorCode {
        try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22], location: "text")
      } == .malformed)
  }

  @Test func limits() {
    let deep = String(repeating: "[", count: ReadingLimits.current.nesting + 1)
    let error = #expect(throws: ZooError.self) { try parse(deep) }
    #expect(error?.code == .unsupported)
  }
}
