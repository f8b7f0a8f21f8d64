import CZooHash

/// SHA-1, by which git knows the content of files; the digest has 20 bytes.
package struct SHA1Hasher: ByteHasher {
  private var state = zoo_sha1()

  package init() { zoo_sha1_init(&state) }

  package mutating func update(_ part: UnsafeRawBufferPointer) {
    zoo_sha1_update(&state, part.baseAddress, part.count)
  }

  package func finalize() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 20) { digest, count in
      withUnsafePointer(to: state) { zoo_sha1_final($0, digest.baseAddress) }
      count = 20
    }
  }
}
