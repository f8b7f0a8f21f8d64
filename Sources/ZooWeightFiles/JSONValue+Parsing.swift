import ZooSystem
import ZooTensor

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension JSONValue {
  /// Parses a JSON document in memory that is copied only where it is not too long.
  package init(parsing text: ByteSlice, location: String) throws(ZooError) {
    try Self.checkLength(text.count, location: location)
    try self.init(parsing: text.withUnsafeBytes { Array($0) }, location: location)
  }

  /// Parses a JSON document that lies at `location`.
  package init(parsing text: [UInt8], location: String) throws(ZooError) {
    try Self.checkLength(text.count, location: location)
    let limits = ReadingLimits.current
    let (depth, values, memberCount) = Self.extent(of: text)
    guard depth <= limits.nesting else {
      throw ZooError(
        .unsupported, "JSON", at: location, "it is nested more than \(limits.nesting) deep",
        remedy: ReadingLimits.remedy("nesting"))
    }
    guard values <= limits.objects else {
      throw ZooError(
        .unsupported, "JSON", at: location, "it has more than \(limits.objects) values",
        remedy: ReadingLimits.remedy("objects"))
    }
    do {
      self = try JSONValue(decoding: Data(text))
    } catch {
      throw ZooError(.malformed, "JSON", at: location, Self.reason(for: error))
    }
    // `JSONDecoder` keeps one of several members of the same name, other readers another.
    guard self.memberCount == memberCount else {
      throw ZooError(.malformed, "JSON", at: location, "an object has two members with the same name")
    }
  }

  /// The members of all objects in this value.
  private var memberCount: Int {
    switch self {
    case .array(let values): values.reduce(0) { $0 + $1.memberCount }
    case .object(let members): members.values.reduce(members.count) { $0 + $1.memberCount }
    default: 0
    }
  }

  private static func checkLength(_ count: Int, location: String) throws(ZooError) {
    let limit = ReadingLimits.current.text
    guard count <= limit else {
      throw ZooError(
        .unsupported, "JSON", at: location, "it is larger than \(limit) bytes",
        remedy: ReadingLimits.remedy("text"))
    }
  }

  /// What the decoder says, on one line.
  private static func reason(for error: any Error) -> String {
    guard case DecodingError.dataCorrupted(let context) = error else { return "it is not JSON" }
    let why = context.underlyingError.map { "\($0)" } ?? context.debugDescription
    return why.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// How deep brackets nest, counted before parsing recurses into them; how many values there can be at
  /// most: every one but the first of its container comes after a comma; and how many members objects have.
  private static func extent(of text: [UInt8]) -> (depth: Int, values: Int, members: Int) {
    var memberCount = 0
    var depth = 0
    var deepest = 0
    var values = 1
    var inString = false
    var isEscaped = false
    for byte in text {
      if inString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        deepest = max(deepest, depth)
        values += 1
      case UInt8(ascii: ","): values += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ":"): memberCount += 1
      default: break
      }
    }
    return (deepest, values, memberCount)
  }
}
