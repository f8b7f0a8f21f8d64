import ZooTensor

/// Numbers that look random and follow from a seed: SplitMix64 (Steele, Lea and Flood, 2014).
package struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= splitMix64Increment
    return splitMix64(state)
  }
}
