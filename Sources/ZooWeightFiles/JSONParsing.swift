import Foundation

extension JSONValue {
  /// Larger than the configuration of any network.
  private static let byteLimit = 64 << 20
  private static let depthLimit = 200

  /// Parses a JSON document that lies at `location`.
  package init(parsing text: [UInt8], location: String) throws(WeightFileError) {
    guard text.count <= Self.byteLimit else {
      throw WeightFileError(.unsupported, "JSON", at: location, "it is larger than \(Self.byteLimit) bytes")
    }
    guard Self.depth(of: text) <= Self.depthLimit else {
      throw WeightFileError(
        .malformed, "JSON", at: location, "it is nested more than \(Self.depthLimit) deep")
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

  /// How deep brackets nest, counted before parsing recurses into them.
  private static func depth(of text: [UInt8]) -> Int {
    var depth = 0
    var deepest = 0
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
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
    }
    return deepest
  }
}
