import ZooSystem

/// What the bytes of a tensor are checked by.
///
/// It finds damage. That the header is what was written, these checksums among it, is said by the header's SHA-256.
package enum TensorChecksum: Sendable, Hashable {
  /// XXH3 of 128 bits with seed 0, canonical, that is with the highest byte first.
  case xxh3(high: UInt64, low: UInt64)
  /// SHA-256, in files of version 1.
  case sha256(Checksum)

  /// The place of one that is not known yet.
  static let zero = TensorChecksum.xxh3(high: 0, low: 0)

  /// The XXH3 of `bytes`.
  package init(hashing bytes: UnsafeRawBufferPointer) {
    self.init(XXH3Hasher.hash(bytes))
  }

  init(_ digest: XXH3Hasher.Digest) { self = .xxh3(high: digest.high, low: digest.low) }

  /// As `version` of the format stores it; `nil` where `bytes` are not as many as that has.
  init?(_ bytes: some Collection<UInt8>, version: UInt32) {
    guard version > 1 else {
      guard let checksum = Checksum(bytes) else { return nil }
      self = .sha256(checksum)
      return
    }
    guard bytes.count == Self.byteCount(version: version) else { return nil }
    func word(_ part: some Sequence<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
    self = .xxh3(high: word(bytes.prefix(8)), low: word(bytes.dropFirst(8)))
  }

  static func byteCount(version: UInt32) -> Int { version > 1 ? 16 : Checksum.byteCount }

  /// Whether it is that of `bytes`, and if not, which they have.
  func verify(_ bytes: UnsafeRawBufferPointer) -> TensorChecksum? {
    let found: TensorChecksum =
      switch self {
      case .xxh3: TensorChecksum(hashing: bytes)
      case .sha256: .sha256(Checksum(hashing: bytes))
      }
    return found == self ? nil : found
  }

  /// The hash's name.
  package var algorithm: String {
    switch self {
    case .xxh3: "XXH3-128"
    case .sha256: "SHA-256"
    }
  }

  package var bytes: [UInt8] {
    switch self {
    case .xxh3(let high, let low):
      [high, low].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    case .sha256(let checksum): checksum.bytes
    }
  }

  /// In lower-case hexadecimal digits, as `xxhsum -H2` and `sha256sum` print it.
  package var hexadecimal: String { ZooFormat.hexadecimal(bytes) }
}

/// Two lower-case digits per byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
