import ZooGraph
import ZooTensor

/// Weights that keep activations in range: He's uniform distribution for kernels, batch norms that change
/// nothing, small biases. The same seed gives the same bits on every platform.
package struct RandomWeights: WeightSource {
  private let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  package func tensor(for slot: WeightSlot) -> StoredTensor {
    let shape = slot.shape
    switch slot.role {
    case .gamma, .movingVariance, .variance: return uniform(slot, around: 1, bound: 0)
    case .beta, .movingMean, .mean, .alpha, .bias: return uniform(slot, around: 0, bound: 0.05)
    case .depthwiseKernel:
      return uniform(slot, around: 0, bound: (6 / Double(shape[0] * shape[1])).squareRoot())
    case .kernel, .pointwiseKernel:
      let inputs = shape.dimensions.dropLast().reduce(1, *)
      return uniform(slot, around: 0, bound: (6 / Double(inputs)).squareRoot())
    }
  }

  private func uniform(_ slot: WeightSlot, around center: Double, bound: Double) -> StoredTensor {
    // Each tensor has a sequence of its own.
    let name = slot.name.utf8.reduce(seed) { splitMix64($0 &+ UInt64($1) &+ splitMix64Increment) }
    let random = CounterRandom(seed: name)
    return StoredTensor(
      shape: slot.shape,
      values: (0..<slot.shape.elementCount).map { Float(center + bound * random.signed($0)) })
  }
}
