/// Per channel (last axis), at inference: gamma * (x - mean) / sqrt(variance + epsilon) + beta.
package struct BatchNormalization: Hashable, Sendable {
  package var epsilon: Double
  /// Whether there is a gamma.
  package var scale: Bool
  /// Whether there is a beta.
  package var center: Bool

  package init(epsilon: Double, scale: Bool = true, center: Bool = true) {
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
  }
}

/// Over the last `axes` axes of each example: gamma * (x - mean) / sqrt(variance + epsilon) + beta, with
/// the mean and variance of these values themselves. Gamma and beta have the extents of these axes.
package struct LayerNormalization: Hashable, Sendable {
  package var axes: Int
  package var epsilon: Double
  /// Whether there is a gamma.
  package var scale: Bool
  /// Whether there is a beta.
  package var center: Bool

  package init(axes: Int = 1, epsilon: Double, scale: Bool = true, center: Bool = true) {
    self.axes = axes
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
  }
}

/// (x - mean) / d or, inverted, mean + x * d, where d = max(sqrt(variance), epsilon); mean and variance
/// are weights.
package struct Normalization: Hashable, Sendable {
  /// Whether each channel (last axis) has a mean and variance of its own, or all values have one.
  package var perChannel: Bool
  package var inverted: Bool
  package var epsilon: Double

  package init(perChannel: Bool, inverted: Bool, epsilon: Double) {
    self.perChannel = perChannel
    self.inverted = inverted
    self.epsilon = epsilon
  }
}

/// x * scale + offset; each one number for all, or one for each channel (last axis).
package struct Rescaling: Hashable, Sendable {
  /// The most numbers that a scale or offset may have.
  package static let countLimit = 1 << 16

  package var scale: [Double]
  package var offset: [Double]

  package init(scale: [Double], offset: [Double]) {
    self.scale = scale
    self.offset = offset
  }
}
