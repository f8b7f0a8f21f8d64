import ZooSystem
import ZooTensor

/// Reads the core deterministic encoding of CBOR (RFC 8949, section 4.2.1), item by item, and refuses
/// any other encoding.
///
/// The caller asks for the item that the schema has next, so nothing nests deeper than the schema does,
/// and no length is believed beyond the bytes that are there.
struct CBORReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  /// `bytes` must stay valid as long as the reader is used.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// What is wrong, and at which byte.
  struct Failure: Error {
    let position: Int
    var code = ZooError.Code.malformed
    /// What it is about, where that says more than the position.
    var item: String?
    let why: String
  }

  func failure(_ why: String) -> Failure { Failure(position: position, why: why) }

  var isAtEnd: Bool { position == bytes.count }

  // MARK: Items

  mutating func unsigned() throws(Failure) -> UInt64 { try head(.unsigned, "an unsigned integer") }

  /// An unsigned integer that fits `Int`.
  mutating func int() throws(Failure) -> Int {
    let start = position
    guard let value = Int(exactly: try unsigned()) else {
      throw Failure(position: start, why: "an integer beyond 2^63 - 1")
    }
    return value
  }

  mutating func text() throws(Failure) -> String {
    let start = position
    let count = try length(.text, "a text")
    let raw = try take(count)
    guard let text = String(validating: raw, as: UTF8.self) else {
      throw Failure(position: start, why: "a text that is not UTF-8")
    }
    return text
  }

  /// A byte string of exactly `count` bytes.
  mutating func byteString(count: Int) throws(Failure) -> UnsafeRawBufferPointer {
    let start = position
    let found = try length(.bytes, "a byte string")
    guard found == count else {
      throw Failure(position: start, why: "a byte string of \(found) bytes, expected \(count)")
    }
    return try take(count)
  }

  mutating func bool() throws(Failure) -> Bool {
    switch try peek() {
    case CBOR.true:
      position += 1
      return true
    case CBOR.false:
      position += 1
      return false
    default: throw failure("expected true or false")
    }
  }

  /// A finite float in its shortest form.
  mutating func float() throws(Failure) -> Double {
    let start = position
    let value: Double
    switch try peek() {
    case CBOR.float16:
      position += 1
      value = Double(Float(float16Bits: try bigEndian(UInt16.self)))
    case CBOR.float32:
      position += 1
      let single = Float(bitPattern: try bigEndian(UInt32.self))
      guard !single.isFinite || Float(float16Bits: single.float16Bits) != single else {
        throw Failure(position: start, why: "a float that is not in its shortest form")
      }
      value = Double(single)
    case CBOR.float64:
      position += 1
      value = Double(bitPattern: try bigEndian(UInt64.self))
      guard !value.isFinite || Double(Float(value)) != value else {
        throw Failure(position: start, why: "a float that is not in its shortest form")
      }
    default: throw failure("expected a float")
    }
    guard value.isFinite else { throw Failure(position: start, why: "a float that is not finite") }
    return value
  }

  /// The head of an array whose number of elements must be in `counts`.
  mutating func arrayHead(_ counts: ClosedRange<Int>) throws(Failure) -> Int {
    let start = position
    let count = try length(.array, "an array")
    guard counts.contains(count) else {
      throw Failure(
        position: start,
        why: "an array of \(count) elements, expected \(counts.lowerBound) to \(counts.upperBound)")
    }
    return count
  }

  /// An array of at most `limit` elements, each read by `element`.
  mutating func array<Element>(
    limit: Int, _ element: (inout CBORReader) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    let count = try arrayHead(0...limit)
    var result: [Element] = []
    result.reserveCapacity(min(count, 4096))
    for _ in 0..<count { result.append(try element(&self)) }
    return result
  }

  /// Calls `entry` for every key, which must read the value. Returns the number of entries.
  @discardableResult
  mutating func map(
    _ entry: (inout CBORReader, _ key: String) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    let count = try length(.map, "a map")
    var previous: UnsafeRawBufferPointer?
    for _ in 0..<count {
      let start = position
      let key = try text()
      let encoded = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
      if let previous, !previous.lexicographicallyPrecedes(encoded) {
        throw Failure(position: start, why: "key '\(key)' is given twice or is not in order")
      }
      previous = encoded
      try entry(&self, key)
    }
    return count
  }

  /// The type of the next item.
  func nextType() throws(Failure) -> CBOR.MajorType {
    guard let type = CBOR.MajorType(rawValue: try peek() >> 5) else {
      throw failure("a negative integer or a tag")
    }
    return type
  }

  /// The first byte of the next item.
  func peek() throws(Failure) -> UInt8 {
    guard position < bytes.count else { throw failure("the header ends inside an item") }
    return bytes[position]
  }

  // MARK: Parts of items

  private mutating func head(_ type: CBOR.MajorType, _ expected: String) throws(Failure) -> UInt64 {
    let start = position
    let initial = try peek()
    guard initial >> 5 == type.rawValue else { throw failure("expected \(expected)") }
    position += 1
    let value: UInt64
    let least: UInt64
    switch initial & 31 {
    case let small where small < 24: return UInt64(small)
    case 24: (value, least) = (UInt64(try bigEndian(UInt8.self)), 24)
    case 25: (value, least) = (UInt64(try bigEndian(UInt16.self)), 0x100)
    case 26: (value, least) = (UInt64(try bigEndian(UInt32.self)), 0x1_0000)
    case 27: (value, least) = (try bigEndian(UInt64.self), 0x1_0000_0000)
    default: throw Failure(position: start, why: "an indefinite or reserved length")
    }
    guard value >= least else {
      throw Failure(position: start, why: "an integer that is not in its shortest form")
    }
    return value
  }

  /// A length or count, of which at least one byte each must be there.
  private mutating func length(_ type: CBOR.MajorType, _ expected: String) throws(Failure) -> Int {
    let start = position
    let value = try head(type, expected)
    guard value <= UInt64(bytes.count - position) else {
      throw Failure(position: start, why: "\(expected) of length \(value) goes beyond the header's end")
    }
    return Int(value)
  }

  private mutating func take(_ count: Int) throws(Failure) -> UnsafeRawBufferPointer {
    guard count <= bytes.count - position else { throw failure("the header ends inside an item") }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  private mutating func bigEndian<Bits: FixedWidthInteger & BitwiseCopyable>(
    _: Bits.Type
  ) throws(Failure) -> Bits {
    let raw = try take(MemoryLayout<Bits>.size)
    return Bits(bigEndian: raw.loadUnaligned(as: Bits.self))
  }
}
