import ZooSystem
import ZooTensor

/// A layer's noise in one training step: a function of the seed, the step, the layer and the place of a value. Neither
/// masks nor the state of a generator have to be stored.
package struct NoiseMask: Sendable {
  private let noise: TrainingNoise
  private let random: CounterRandom
  private let shape: Shape

  /// - Parameters:
  ///   - layer: the name of the layer.
  ///   - shape: of its output for one example; the last axis counts the channels.
  package init(_ noise: TrainingNoise, seed: UInt64, step: Int, layer: String, shape: Shape) {
    self.noise = noise
    self.shape = shape
    // FNV-1a.
    let name = layer.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    let key = splitMix64(splitMix64(seed) ^ name)
    random = CounterRandom(seed: splitMix64(key &+ UInt64(truncatingIfNeeded: step)))
  }

  /// What the value `index` (row-major) of the example `example` of the batch is multiplied by, and what is added.
  package func affine(example: Int, index: Int) -> (factor: Double, offset: Double) {
    let rate = noise.amount
    let place = example * shape.elementCount + index
    switch noise.kind {
    case .dropout: return (dropout(place), 0)
    case .spatialDropout:
      let channels = max(1, shape.dimensions.last ?? 1)
      return (dropout(example * channels + index % channels), 0)
    case .stochasticDepth: return (dropout(example), 0)
    case .gaussianDropout: return (1 + (rate / (1 - rate)).squareRoot() * normal(place), 0)
    case .gaussianNoise: return (1, rate * normal(place))
    case .alphaDropout:
      let limit = -Activation.seluScale * Activation.seluAlpha
      let scale = 1 / ((1 - rate) * (1 + rate * limit * limit)).squareRoot()
      let offset = -scale * limit * rate
      return random.unit(place) < rate ? (0, scale * limit + offset) : (scale, offset)
    }
  }

  /// The factor of what is kept or dropped by the number at `place`.
  private func dropout(_ place: Int) -> Double {
    random.unit(place) < noise.amount ? 0 : 1 / (1 - noise.amount)
  }

  /// A normal number of the mean 0 and the variance 1 (Box and Muller 1958).
  private func normal(_ place: Int) -> Double {
    let radius = (-2 * log(1 - random.unit(2 * place))).squareRoot()
    return radius * cos(2 * Double.pi * random.unit(2 * place + 1))
  }
}
