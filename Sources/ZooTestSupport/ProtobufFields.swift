import ZooSystem

/// The fields of a message of Protocol Buffers, for what is written by this package to be read by other means.
package struct ProtobufFields {
  package enum Field: Equatable {
    case varint(Int)
    case fixed32(UInt32)
    case fixed64(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  package let fields: [(number: Int, field: Field)]

  package init(_ bytes: ArraySlice<UInt8>) throws {
    var rest = bytes
    var fields: [(number: Int, field: Field)] = []
    while !rest.isEmpty {
      let key = try Self.varint(&rest)
      let field: Field
      switch key & 7 {
      case 0: field = .varint(Int(bitPattern: UInt(try Self.varint(&rest))))
      case 1: field = .fixed64(try Self.take(8, &rest).reversed().reduce(0) { $0 << 8 | UInt64($1) })
      case 2: field = .bytes(try Self.take(Int(clamping: try Self.varint(&rest)), &rest))
      case 5: field = .fixed32(try Self.take(4, &rest).reversed().reduce(0) { $0 << 8 | UInt32($1) })
      default: throw Self.malformed("a field of the wire type \(key & 7)")
      }
      fields.append((number: Int(key >> 3), field: field))
    }
    self.fields = fields
  }

  private static func malformed(_ why: String) -> ZooError {
    ZooError(.malformed, what: "malformed message", at: "", why)
  }

  private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw malformed("it ends too early") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw malformed("it ends in a number") }
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw malformed("a number of more than ten bytes")
  }

  // MARK: Fields by number

  package func all(_ number: Int) -> [Field] { fields.filter { $0.number == number }.map(\.field) }

  package func int(_ number: Int) -> Int? {
    guard case .varint(let value)? = all(number).last else { return nil }
    return value
  }

  package func ints(_ number: Int) -> [Int] {
    all(number).compactMap { field in
      guard case .varint(let value) = field else { return nil }
      return value
    }
  }

  package func float(_ number: Int) -> Float? {
    guard case .fixed32(let bits)? = all(number).last else { return nil }
    return Float(bitPattern: bits)
  }

  package func bytes(_ number: Int) -> [ArraySlice<UInt8>] {
    all(number).compactMap { field in
      guard case .bytes(let bytes) = field else { return nil }
      return bytes
    }
  }

  package func texts(_ number: Int) -> [String] { bytes(number).map { String(decoding: $0, as: UTF8.self) } }

  package func text(_ number: Int) -> String { texts(number).last ?? "" }

  package func messages(_ number: Int) throws -> [ProtobufFields] {
    try bytes(number).map(ProtobufFields.init)
  }
}
