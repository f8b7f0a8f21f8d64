/// A hash of bytes that come in parts. A copy goes on by itself.
package protocol ByteHasher: Sendable {
  associatedtype Digest: Sendable, Hashable

  init()

  mutating func update(_ part: UnsafeRawBufferPointer)

  /// The digest of the bytes until now; more may follow.
  func finalize() -> Digest
}

extension ByteHasher {
  /// The digest of `bytes`.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var hasher = Self()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The digest of `bytes`.
  package static func hash(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { hash($0) } }
}

/// A hash that has several implementations with equal digests; a machine need not be able to run all.
package protocol SelectableHasher: ByteHasher {
  /// The names of those for this kind of processor, the fastest first.
  static var implementations: [String] { get }

  /// Begins with the implementation of this index; `nil` where this machine can't run it.
  init?(implementation index: Int)
}

/// The texts of a C function's answers to 0, 1, …, until it has none.
func names(_ name: (Int32) -> UnsafePointer<CChar>?) -> [String] {
  var names: [String] = []
  while let next = name(Int32(names.count)) { names.append(String(cString: next)) }
  return names
}
