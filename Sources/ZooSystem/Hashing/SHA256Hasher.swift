import CZooHash

/// SHA-256; the digest has 32 bytes.
package struct SHA256Hasher: SelectableHasher {
  private var state = zoo_sha256()

  package static var implementations: [String] { names(zoo_sha256_implementation) }

  package init() { zoo_sha256_init(&state) }

  package init?(implementation index: Int) {
    guard let index = Int32(exactly: index), zoo_sha256_init_with(&state, index) else { return nil }
  }

  package mutating func update(_ part: UnsafeRawBufferPointer) {
    zoo_sha256_update(&state, part.baseAddress, part.count)
  }

  package func finalize() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
      withUnsafePointer(to: state) { zoo_sha256_final($0, digest.baseAddress) }
      count = 32
    }
  }
}
