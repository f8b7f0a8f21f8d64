import ZooGraph
import ZooImages
import ZooRuntime
import ZooTensor

/// Weights that keep activations in range: He's uniform distribution for kernels, batch norms that
/// change nothing, small biases.
struct RandomWeights: WeightSource {
  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    let shape = slot.shape
    switch slot.role {
    case .gamma, .movingVariance, .variance: return uniform(shape, around: 1, bound: 0)
    case .beta, .movingMean, .mean, .alpha, .bias: return uniform(shape, around: 0, bound: 0.05)
    case .depthwiseKernel:
      return uniform(shape, around: 0, bound: (6 / Double(shape[0] * shape[1])).squareRoot())
    case .kernel, .pointwiseKernel:
      let inputs = shape.dimensions.dropLast().reduce(1, *)
      return uniform(shape, around: 0, bound: (6 / Double(inputs)).squareRoot())
    }
  }

  private func uniform(_ shape: Shape, around center: Double, bound: Double) -> StoredTensor {
    let random = CounterRandom(seed: 1)
    return StoredTensor(
      shape: shape,
      values: (0..<shape.elementCount).map { Float(center + bound * random.signed($0)) })
  }
}
