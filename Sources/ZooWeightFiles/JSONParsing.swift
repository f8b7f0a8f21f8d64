import Foundation
import ZooTensor

extension JSONValue {
  /// Parses a JSON document in memory that is copied only where it is not too long.
  package init(parsing text: ByteSlice, location: String) throws(WeightFileError) {
    try Self.checkLength(text.count, location: location)
    try self.init(parsing: text.withUnsafeBytes { Array($0) }, location: location)
  }

  /// Parses a JSON document that lies at `location`.
  package init(parsing text: [UInt8], location: String) throws(WeightFileError) {
    try Self.checkLength(text.count, location: location)
    let limits = ReadingLimits.current
    let (depth, values, memberCount) = Self.extent(of: text)
    guard depth <= limits.nesting else {
      throw WeightFileError(
        .unsupported, "JSON", at: location, "it is nested more than \(limits.nesting) deep",
        remedy: ReadingLimits.remedy("nesting"))
    }
    guard values <= limits.objects else {
      throw WeightFileError(
        .unsupported, "JSON", at: location, "it has more than \(limits.objects) values",
        remedy: ReadingLimits.remedy("objects"))
    }
    let document: Any
    do {
      document = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
    } catch {
      let why = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String ?? "it is not JSON"
      throw WeightFileError(
        .malformed, "JSON", at: location, why.split(separator: "\n").joined(separator: " "))
    }
    self.init(document)
    // `JSONSerialization` keeps one of several members of the same name, other readers another.
    guard self.memberCount == memberCount else {
      throw WeightFileError(.malformed, "JSON", at: location, "an object in it has two members of one name")
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

  private static func checkLength(_ count: Int, location: String) throws(WeightFileError) {
    let limit = ReadingLimits.current.text
    guard count <= limit else {
      throw WeightFileError(
        .unsupported, "JSON", at: location, "it is larger than \(limit) bytes",
        remedy: ReadingLimits.remedy("text"))
    }
  }

  /// What `JSONSerialization` returns, with types.
  ///
  /// Where it returns Swift's own types, a comparison of types spares a cast through Objective-C's,
  /// which copies what it casts.
  private init(_ document: Any) {
    let type = Swift.type(of: document)
    if type == String.self, let text = document as? String {
      self = .string(text)
    } else if type == [Any].self, let values = document as? [Any] {
      self = .array(values.map(JSONValue.init))
    } else if type == [String: Any].self, let members = document as? [String: Any] {
      self = .object(members.mapValues(JSONValue.init))
    } else if let text = document as? String {
      self = .string(text)
    } else if let values = document as? [Any] {
      self = .array(values.map(JSONValue.init))
    } else if let members = document as? [String: Any] {
      self = .object(members.mapValues(JSONValue.init))
    } else if let number = document as? NSNumber {
      // A Boolean is a number of C's type `char`, and nothing else in JSON is.
      let isBoolean = number.objCType.pointee == CChar(UInt8(ascii: "c"))
      self = isBoolean ? .bool(number.boolValue) : .number(number.doubleValue)
    } else {
      self = .null
    }
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
