/// How a weight is made before training, as Keras does it.
package enum Initializer: Sendable, Hashable {
  case constant(Double)
  /// Evenly between two numbers.
  case uniform(low: Double, high: Double)
  case normal(mean: Double, deviation: Double)
  /// Normal, without what is farther from the mean than two of these deviations. What is left has a deviation
  /// of 0.88 times the one stated.
  case truncatedNormal(mean: Double, deviation: Double)
  /// Around 0, with a variance that follows from the shape.
  case varianceScaling(VarianceScaling)
  /// A matrix of (all but the last axis, outputs), whose columns, or rows where these are fewer, are orthogonal and of
  /// this length (Saxe et al., 2014, https://arxiv.org/abs/1312.6120).
  case orthogonal(gain: Double)

  /// The variance scale/n, where n is the number of inputs or outputs of a unit.
  package struct VarianceScaling: Sendable, Hashable {
    /// What n is.
    package enum Mode: String, Sendable, Hashable {
      case fanIn = "fan_in"
      case fanOut = "fan_out"
      /// The mean of both.
      case fanAverage = "fan_avg"
    }

    /// Which numbers have that variance.
    package enum Distribution: String, Sendable, Hashable {
      case uniform
      /// Without what is farther from 0 than two deviations before that; the variance is that of what is
      /// left.
      case truncatedNormal = "truncated_normal"
      case normal = "untruncated_normal"
    }

    package var scale: Double
    package var mode: Mode
    package var distribution: Distribution

    package init(_ scale: Double, _ mode: Mode, _ distribution: Distribution) {
      self.scale = scale
      self.mode = mode
      self.distribution = distribution
    }
  }

  package static let zeros = Initializer.constant(0)
  package static let ones = Initializer.constant(1)
  /// Glorot and Bengio, 2010.
  package static let glorotUniform = scaled(1, .fanAverage, .uniform)
  package static let glorotNormal = scaled(1, .fanAverage, .truncatedNormal)
  /// He et al., 2015.
  package static let heUniform = scaled(2, .fanIn, .uniform)
  package static let heNormal = scaled(2, .fanIn, .truncatedNormal)
  /// LeCun et al., 1998.
  package static let lecunUniform = scaled(1, .fanIn, .uniform)
  package static let lecunNormal = scaled(1, .fanIn, .truncatedNormal)

  private static func scaled(
    _ scale: Double, _ mode: VarianceScaling.Mode, _ distribution: VarianceScaling.Distribution
  ) -> Initializer {
    .varianceScaling(VarianceScaling(scale, mode, distribution))
  }

  /// What Keras' layers do where nobody says otherwise.
  package static func usual(for role: WeightRole) -> Initializer {
    switch role {
    case .kernel, .depthwiseKernel, .pointwiseKernel: glorotUniform
    case .gamma, .movingVariance, .variance: ones
    case .bias, .beta, .movingMean, .alpha, .mean: zeros
    }
  }

  /// Whether its numbers are ones that it can have.
  package var isValid: Bool {
    switch self {
    case .constant(let value): value.isFinite
    case .uniform(let low, let high): low.isFinite && high.isFinite && low <= high
    case .normal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
      mean.isFinite && deviation >= 0 && deviation.isFinite
    case .varianceScaling(let own): own.scale > 0 && own.scale.isFinite
    case .orthogonal(let gain): gain.isFinite
    }
  }
}
