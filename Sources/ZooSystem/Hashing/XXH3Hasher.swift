import CZooHash

/// XXH3 of 128 bits with seed 0: fast, and no protection against intent.
package struct XXH3Hasher: SelectableHasher {
  package struct Digest: Sendable, Hashable {
    package let high, low: UInt64

    package init(high: UInt64, low: UInt64) {
      self.high = high
      self.low = low
    }
  }

  private var state = zoo_xxh3()

  package static var implementations: [String] { names(zoo_xxh3_implementation) }

  package init() { zoo_xxh3_init(&state) }

  package init?(implementation index: Int) {
    guard let index = Int32(exactly: index), zoo_xxh3_init_with(&state, index) else { return nil }
  }

  package mutating func update(_ part: UnsafeRawBufferPointer) {
    zoo_xxh3_update(&state, part.baseAddress, part.count)
  }

  package func finalize() -> Digest {
    let digest = withUnsafePointer(to: state) { zoo_xxh3_final($0) }
    return Digest(high: digest.high, low: digest.low)
  }
}
