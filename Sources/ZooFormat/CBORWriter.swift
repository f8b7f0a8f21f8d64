import ZooTensor

/// Writes the core deterministic encoding of CBOR (RFC 8949, section 4.2.1): the shortest form of
/// everything, definite lengths, map keys in the order of their encoded bytes.
struct CBORWriter {
  private(set) var bytes: [UInt8] = []

  mutating func unsigned(_ value: UInt64) { head(.unsigned, value) }

  /// - Precondition: `value` is not negative.
  mutating func unsigned(_ value: Int) { unsigned(UInt64(value)) }

  mutating func byteString(_ value: some Collection<UInt8>) {
    head(.bytes, UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func text(_ value: String) {
    head(.text, UInt64(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }

  mutating func bool(_ value: Bool) { bytes.append(value ? CBOR.true : CBOR.false) }

  /// The shortest of the three sizes that keeps the value.
  mutating func float(_ value: Double) {
    let single = Float(value)
    guard Double(single).bitPattern == value.bitPattern else {
      bytes.append(CBOR.float64)
      return append(value.bitPattern)
    }
    let half = single.float16Bits
    guard Float(float16Bits: half).bitPattern == single.bitPattern else {
      bytes.append(CBOR.float32)
      return append(single.bitPattern)
    }
    bytes.append(CBOR.float16)
    append(half)
  }

  /// An array whose elements `body` writes.
  mutating func array<Elements: Collection>(
    _ elements: Elements, _ body: (inout CBORWriter, Elements.Element) -> Void
  ) {
    head(.array, UInt64(elements.count))
    for element in elements { body(&self, element) }
  }

  /// The head of an array whose `count` elements follow.
  mutating func array(count: Int) { head(.array, UInt64(count)) }

  /// A map; the order of `entries` does not matter, their keys must differ.
  mutating func map(_ entries: [(key: String, write: (inout CBORWriter) -> Void)]) {
    let encoded = entries.map { entry in
      var key = CBORWriter()
      key.text(entry.key)
      return (key: key.bytes, write: entry.write)
    }
    head(.map, UInt64(entries.count))
    for entry in encoded.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      bytes.append(contentsOf: entry.key)
      entry.write(&self)
    }
  }

  private mutating func head(_ type: CBOR.MajorType, _ value: UInt64) {
    let type = type.rawValue << 5
    switch value {
    case ..<24: bytes.append(type | UInt8(value))
    case ...0xff:
      bytes.append(type | 24)
      append(UInt8(value))
    case ...0xffff:
      bytes.append(type | 25)
      append(UInt16(value))
    case ...0xffff_ffff:
      bytes.append(type | 26)
      append(UInt32(value))
    default:
      bytes.append(type | 27)
      append(value)
    }
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
}

/// The parts of CBOR's initial bytes that occur in a `.zoo` header.
enum CBOR {
  enum MajorType: UInt8 {
    case unsigned = 0
    case bytes = 2
    case text = 3
    case array = 4
    case map = 5
    case simple = 7
  }

  static let `false`: UInt8 = 0xf4
  static let `true`: UInt8 = 0xf5
  static let float16: UInt8 = 0xf9
  static let float32: UInt8 = 0xfa
  static let float64: UInt8 = 0xfb
}
