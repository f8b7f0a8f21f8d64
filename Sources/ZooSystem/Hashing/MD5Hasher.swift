import CZooHash

/// MD5, by which files are known but nothing is protected; the digest has 16 bytes.
package struct MD5Hasher: ByteHasher {
  private var state = zoo_md5()

  package init() { zoo_md5_init(&state) }

  package mutating func update(_ part: UnsafeRawBufferPointer) {
    zoo_md5_update(&state, part.baseAddress, part.count)
  }

  package func finalize() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 16) { digest, count in
      withUnsafePointer(to: state) { zoo_md5_final($0, digest.baseAddress) }
      count = 16
    }
  }
}
