#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads of Python's compiled code, as Keras stores it, what a function is called. Nothing of it is run.
package struct PythonCode {
  /// The most characters of a stored function that is looked at.
  private static let lengthLimit = 1 << 20
  /// How deep objects may be nested.
  private static let depthLimit = 20

  private enum Object {
    case text(String)
    case bytes
    case code(name: String?)
    case other
  }

  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  /// Objects that may be named again by their number.
  private var objects: [Object] = []

  /// The name of the function whose code `text` is; nil for a lambda, and where the code can't be read.
  package static func functionName(inBase64 text: String) -> String? {
    guard text.utf8.count <= lengthLimit,
      let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters)
    else { return nil }
    var reader = PythonCode([UInt8](data))
    guard case .code(let name?)? = reader.object() else { return nil }
    let isName = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || $0 == 0x5F
    }
    return isName && !name.isEmpty && name.utf8.count <= 100 ? name : nil
  }

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next `count` bytes; nil where there are not so many.
  private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= bytes.count - position else { return nil }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func number() -> Int? {
    take(4).map { Int(Int32(truncatingIfNeeded: $0.reversed().reduce(0) { $0 << 8 | Int($1) })) }
  }

  private mutating func text(length: Int?) -> Object? {
    guard let length, let part = take(length) else { return nil }
    return .text(String(decoding: part, as: UTF8.self))
  }

  private mutating func skip(_ count: Int?) -> Object? {
    guard let count, take(count) != nil else { return nil }
    return .other
  }

  private mutating func objects(_ count: Int?) -> Object? {
    guard let count, count >= 0, count <= bytes.count else { return nil }
    for _ in 0..<count { guard object() != nil else { return nil } }
    return .other
  }

  /// Reads one object of Python's marshal format; nil where it breaks the format's rules.
  private mutating func object() -> Object? {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit, let mark = take(1)?.first else { return nil }
    let slot = mark & 0x80 == 0 ? nil : objects.count
    if slot != nil { objects.append(.other) }
    guard let result = contents(mark & 0x7F) else { return nil }
    if let slot { objects[slot] = result }
    return result
  }

  private mutating func contents(_ type: UInt8) -> Object? {
    switch Character(UnicodeScalar(type)) {
    case "0", "N", "F", "T", "S", ".": return .other
    case "i": return skip(4)
    case "I", "g": return skip(8)
    case "y": return skip(16)
    case "l": return skip(number().map { abs($0) * 2 })
    case "f": return skip((take(1)?.first).map(Int.init))
    case "s":
      guard skip(number()) != nil else { return nil }
      return .bytes
    case "t", "u", "a", "A": return text(length: number())
    case "z", "Z": return text(length: (take(1)?.first).map(Int.init))
    case "r":
      guard let index = number(), objects.indices.contains(index) else { return nil }
      return objects[index]
    case "(", "[", "<", ">": return objects(number())
    case ")": return objects((take(1)?.first).map(Int.init))
    case "c": return code()
    default: return nil
    }
  }

  /// A function's code: 4 numbers in Python 2, 5 in 3.0 to 3.7 and from 3.11 on, 6 between, then objects, of which
  /// the name is one.
  private mutating func code() -> Object? {
    guard skip(16) != nil else { return nil }
    for _ in 0..<2 where position < bytes.count && bytes[position] & 0x7F != UInt8(ascii: "s") {
      guard number() != nil else { return nil }
    }
    // The code itself, its constants and its names.
    guard objects(3) != nil, objects(1) != nil, let kinds = object() else { return nil }
    if case .bytes = kinds {} else if object() == nil { return nil }
    guard object() != nil, let name = object() else { return nil }
    if case .text(let text) = name { return .code(name: text) }
    return .code(name: nil)
  }
}
