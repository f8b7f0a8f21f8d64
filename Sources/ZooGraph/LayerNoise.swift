import ZooSystem
import ZooTensor

/// What a layer such as dropout does to its input in training: it multiplies each value by a random factor and adds a
/// random offset.
package enum LayerNoise: Hashable, Sendable {
  /// Which values are kept or dropped together.
  package enum Unit: Hashable, Sendable {
    /// Each for itself: `Dropout`.
    case value
    /// The values of a channel (last axis) in an example: `SpatialDropout2D`.
    case channel
    /// The values of an example: stochastic depth.
    case example
  }

  /// Drops with the probability `rate`; what is kept is divided by 1 - rate.
  case dropout(rate: Double, unit: Unit)
  /// Times a normal number of the mean 1 and the variance rate / (1 - rate).
  case gaussianDropout(rate: Double)
  /// Plus a normal number of the mean 0.
  case gaussianNoise(deviation: Double)
  /// Sets what is dropped to SELU's lower limit, then scales and shifts all values so that a mean of 0 and a variance
  /// of 1 stay (Klambauer et al. 2017).
  case alphaDropout(rate: Double, unit: Unit)

  /// Throws where the rate is no probability, or the deviation no finite positive number.
  package func check(layer: String) throws(ZooError) {
    let isValid =
      switch self {
      case .dropout(let rate, _): rate >= 0 && rate <= 1
      case .gaussianDropout(let rate), .alphaDropout(let rate, _): rate >= 0 && rate < 1
      case .gaussianNoise(let deviation): deviation >= 0 && deviation.isFinite
      }
    guard isValid else {
      throw ZooError(.invalidArgument, what: "no such noise", at: "layer '\(layer)'", "\(self)")
    }
  }
}

/// A layer's noise in one training step: a function of the seed, the step, the layer and the place of a value. Neither
/// masks nor the state of a generator have to be stored.
package struct NoiseMask: Sendable {
  private let noise: LayerNoise
  private let random: CounterRandom
  private let shape: Shape

  /// - Parameters:
  ///   - layer: the name of the layer.
  ///   - shape: of its output for one example; the last axis counts the channels.
  package init(_ noise: LayerNoise, seed: UInt64, step: Int, layer: String, shape: Shape) {
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
    switch noise {
    case .dropout(let rate, let unit):
      return (random.unit(place(example, index, unit)) < rate ? 0 : 1 / (1 - rate), 0)
    case .gaussianDropout(let rate):
      return (1 + (rate / (1 - rate)).squareRoot() * normal(place(example, index, .value)), 0)
    case .gaussianNoise(let deviation):
      return (1, deviation * normal(place(example, index, .value)))
    case .alphaDropout(let rate, let unit):
      let limit = -Activation.seluScale * Activation.seluAlpha
      let scale = 1 / ((1 - rate) * (1 + rate * limit * limit)).squareRoot()
      let offset = -scale * limit * rate
      let isDropped = random.unit(place(example, index, unit)) < rate
      return isDropped ? (0, scale * limit + offset) : (scale, offset)
    }
  }

  private func place(_ example: Int, _ index: Int, _ unit: LayerNoise.Unit) -> Int {
    let channels = max(1, shape.dimensions.last ?? 1)
    return switch unit {
    case .value: example * shape.elementCount + index
    case .channel: example * channels + index % channels
    case .example: example
    }
  }

  /// A normal number of the mean 0 and the variance 1 (Box and Muller 1958).
  private func normal(_ place: Int) -> Double {
    let radius = (-2 * log(1 - random.unit(2 * place))).squareRoot()
    return radius * cos(2 * Double.pi * random.unit(2 * place + 1))
  }
}
