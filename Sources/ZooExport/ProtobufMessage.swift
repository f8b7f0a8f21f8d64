/// A message of Protocol Buffers as it is written.
///
/// Bytes of which there are many are left open: only how many there are is stated, and they are written when it is
/// their turn, so that no file has to be in memory.
package struct ProtobufMessage: Sendable {
  package enum Part: Sendable {
    case bytes([UInt8])
    /// Place for the bytes of the payload `index`.
    case payload(index: Int, count: Int)
  }

  package private(set) var parts: [Part] = []
  /// In bytes, payloads included.
  package private(set) var length = 0

  package init() {}

  private enum WireType: UInt64 {
    case varint = 0
    case lengthDelimited = 2
    case fixed32 = 5
  }

  package mutating func add(_ field: Int, int value: Int) {
    append(key(field, .varint) + Self.varint(UInt64(bitPattern: Int64(value))))
  }

  /// A repeated number in its packed form.
  package mutating func add(_ field: Int, packed values: [Int]) {
    add(field, bytes: values.flatMap { Self.varint(UInt64(bitPattern: Int64($0))) })
  }

  package mutating func add(_ field: Int, float value: Float) {
    append(key(field, .fixed32) + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) })
  }

  package mutating func add(_ field: Int, text: String) { add(field, bytes: Array(text.utf8)) }

  package mutating func add(_ field: Int, bytes: [UInt8]) {
    append(key(field, .lengthDelimited) + Self.varint(UInt64(bytes.count)) + bytes)
  }

  package mutating func add(_ field: Int, payload index: Int, count: Int) {
    append(key(field, .lengthDelimited) + Self.varint(UInt64(count)))
    parts.append(.payload(index: index, count: count))
    length += count
  }

  package mutating func add(_ field: Int, message: ProtobufMessage) {
    append(key(field, .lengthDelimited) + Self.varint(UInt64(message.length)))
    for part in message.parts {
      switch part {
      case .bytes(let bytes): append(bytes)
      case .payload(_, let count):
        parts.append(part)
        length += count
      }
    }
  }

  private mutating func append(_ bytes: [UInt8]) {
    length += bytes.count
    if case .bytes(var last)? = parts.last {
      parts.removeLast()
      last += bytes
      parts.append(.bytes(last))
    } else {
      parts.append(.bytes(bytes))
    }
  }

  private func key(_ field: Int, _ type: WireType) -> [UInt8] {
    Self.varint(UInt64(field) << 3 | type.rawValue)
  }

  /// Seven bits a byte, the lowest first.
  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
  }
}
