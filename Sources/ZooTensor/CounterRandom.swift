/// Random numbers by their place in a sequence: the n-th is a function of the seed and n alone, so
/// that any of them can be had in any order, with the same bits on every platform.
///
/// The function is SplitMix64 (Steele, Lea and Flood, 2014).
package struct CounterRandom: Sendable {
  private let key: UInt64

  package init(seed: UInt64) {
    // Seeds that differ by a multiple of the increment would otherwise share a sequence.
    key = splitMix64(seed &+ splitMix64Increment)
  }

  /// The `index`-th 64 random bits.
  package subscript(index: Int) -> UInt64 {
    splitMix64(key &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* splitMix64Increment)
  }

  /// The `index`-th number, uniform in 0..<1 in steps of 2⁻⁵³.
  package func unit(_ index: Int) -> Double {
    Double(self[index] >> 11) * (1 / 9_007_199_254_740_992)
  }

  /// The `index`-th number, uniform in -1..<1.
  package func signed(_ index: Int) -> Double { unit(index) * 2 - 1 }
}

/// SplitMix64's mixing function: the output for a state, which the caller advances.
package func splitMix64(_ state: UInt64) -> UInt64 {
  var z = state
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// What SplitMix64 adds to its state at each step.
package let splitMix64Increment: UInt64 = 0x9E37_79B9_7F4A_7C15
