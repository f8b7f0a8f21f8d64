import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension JSONValue {
  /// Decodes a document whose length and depth are within the limits.
  init(decoding text: Data) throws {
    let decoder = JSONDecoder()
    if let key = KnownKinds.key { decoder.userInfo[key] = KnownKinds() }
    self = try decoder.decode(JSONValue.self, from: text)
  }
}

extension JSONValue: Decodable {
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    guard !value.decodeNil() else {
      self = .null
      return
    }
    let kinds = KnownKinds.key.flatMap { decoder.userInfo[$0] as? KnownKinds } ?? KnownKinds()
    self = try kinds.first(at: decoder.codingPath) { kind in
      switch kind {
      case .string: .string(try value.decode(String.self))
      case .number: .number(try value.decode(Double.self))
      case .bool: .bool(try value.decode(Bool.self))
      case .object: .object(try value.decode([String: JSONValue].self))
      case .array: .array(try value.decode([JSONValue].self))
      }
    }
  }
}

/// Of which kind a document's values so far were, by their places.
///
/// `JSONDecoder` doesn't tell what a value is, and each question in vain costs a thrown error. Configurations repeat
/// themselves: the values of a key are nearly always of one kind, which is asked for first.
private final class KnownKinds: Sendable {
  static let key = CodingUserInfoKey(rawValue: "kinds")

  enum Kind: CaseIterable {
    case string, number, bool, object, array
  }

  /// The nearest key, how many arrays there are below it, and which of the last one's first elements it is.
  private struct Place: Hashable {
    var key = ""
    var depth = 0
    var index = 0

    init(_ path: [any CodingKey]) {
      index = min(path.last?.intValue ?? 0, 7)
      for part in path.reversed() {
        guard part.intValue != nil else {
          key = part.stringValue
          return
        }
        depth += 1
      }
    }
  }

  private let kinds = Mutex<[Place: Kind]>([:])

  /// The value of the first kind that can be decoded. No kind is tried twice, as what lies in a value is decoded with it.
  ///
  /// - Throws: what `decode` throws for the last kind.
  func first(at path: [any CodingKey], _ decode: (Kind) throws -> JSONValue) throws -> JSONValue {
    let place = Place(path)
    let known = kinds.withLock { $0[place] }
    if let known, let value = try? decode(known) { return value }
    let others = Kind.allCases.filter { $0 != known }
    for kind in others.dropLast() {
      guard let value = try? decode(kind) else { continue }
      kinds.withLock { $0[place] = kind }
      return value
    }
    let last = others[others.count - 1]
    let value = try decode(last)
    kinds.withLock { $0[place] = last }
    return value
  }
}
