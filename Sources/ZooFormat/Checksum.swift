import ZooSystem

/// A SHA-256 digest.
package struct Checksum: Sendable, Hashable {
  static let byteCount = 32

  /// The digest in four words, each with its first byte lowest.
  private var words: (UInt64, UInt64, UInt64, UInt64)

  /// All zero: the place of a digest that is not known yet.
  package static let zero = Checksum(words: (0, 0, 0, 0))

  private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// Returns `nil` where `bytes` are not 32.
  init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Checksum.byteCount else { return nil }
    words = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
  }

  /// Returns `nil` where `hexadecimal` is not 64 lower-case digits.
  package init?(hexadecimal: String) {
    let digits = hexadecimal.utf8.map { digit -> UInt8? in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard digits.count == 2 * Checksum.byteCount else { return nil }
    var bytes: [UInt8] = []
    for pair in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[pair], let low = digits[pair + 1] else { return nil }
      bytes.append(high << 4 | low)
    }
    self.init(bytes)
  }

  /// The digest of `bytes`.
  package init(hashing bytes: UnsafeRawBufferPointer) {
    var hash = SHA256Hasher()
    hash.update(bytes)
    self.init(hash)
  }

  /// The digest of what `hash` was given.
  init(_ hash: SHA256Hasher) {
    words = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: hash.finalize()) }
  }

  package var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

  package var hexadecimal: String { ZooFormat.hexadecimal(bytes) }

  package static func == (a: Checksum, b: Checksum) -> Bool { a.words == b.words }

  package func hash(into hasher: inout Hasher) {
    withUnsafeBytes(of: words) { hasher.combine(bytes: $0) }
  }
}
