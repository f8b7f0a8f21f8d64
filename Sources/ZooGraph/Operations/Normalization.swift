import ZooSystem
import ZooTensor

// MARK: Batch normalization

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

extension BatchNormalization: WeightedPayload {
  static let kinds = ["batch_normalization"]
  var operation: Operation { .batchNormalization(self) }
  var kerasClassName: String { "batch_normalization" }

  var attributes: [(String, AttributeValue)] {
    [("epsilon", .double(epsilon)), ("scale", .bool(scale)), ("center", .bool(center))]
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      epsilon: try fields.double("epsilon"), scale: try fields.bool("scale"),
      center: try fields.bool("center"))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let input = try inputs.vectors()
    try inputs.check(epsilon: epsilon)
    return input
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    let channels = [input.channels]
    return (scale ? [(.gamma, channels)] : []) + (center ? [(.beta, channels)] : [])
      + [(.movingMean, channels), (.movingVariance, channels)]
  }
}

// MARK: Layer normalization

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

extension LayerNormalization: WeightedPayload {
  static let kinds = ["layer_normalization"]
  var operation: Operation { .layerNormalization(self) }
  var kerasClassName: String { "layer_normalization" }

  var attributes: [(String, AttributeValue)] {
    [
      ("axes", .int(axes)), ("epsilon", .double(epsilon)), ("scale", .bool(scale)),
      ("center", .bool(center)),
    ]
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      axes: try fields.int("axes"), epsilon: try fields.double("epsilon"),
      scale: try fields.bool("scale"), center: try fields.bool("center"))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    guard axes >= 1, axes <= inputs.first.rank else {
      throw inputs.invalid("it normalizes \(axes) axes of \(inputs.first)")
    }
    try inputs.check(epsilon: epsilon)
    return inputs.first
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    let extents = Array(input.dimensions.suffix(axes))
    return (scale ? [(.gamma, extents)] : []) + (center ? [(.beta, extents)] : [])
  }
}

// MARK: Normalization by stored statistics

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

extension Normalization: WeightedPayload {
  static let kinds = ["normalization"]
  var operation: Operation { .normalization(self) }
  var kerasClassName: String { "normalization" }

  var attributes: [(String, AttributeValue)] {
    [("per_channel", .bool(perChannel)), ("inverted", .bool(inverted)), ("epsilon", .double(epsilon))]
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      perChannel: try fields.bool("per_channel"), inverted: try fields.bool("inverted"),
      epsilon: try fields.double("epsilon"))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let input = try inputs.vectors()
    try inputs.check(epsilon: epsilon)
    return input
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    let count = [perChannel ? input.channels : 1]
    return [(.mean, count), (.variance, count)]
  }
}

// MARK: Rescaling

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

  /// Whether it computes anything.
  var changesValues: Bool { scale.contains { $0 != 1 } || offset.contains { $0 != 0 } }
}

extension Rescaling: OperationPayload {
  static let kinds = ["rescaling"]
  var operation: Operation { .rescaling(self) }
  var kerasClassName: String { "rescaling" }

  var attributes: [(String, AttributeValue)] { [("scale", .doubles(scale)), ("offset", .doubles(offset))] }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(scale: try fields.doubles("scale"), offset: try fields.doubles("offset"))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    for numbers in [scale, offset] {
      guard numbers.count == 1 || numbers.count == inputs.first.dimensions.last,
        numbers.count <= Rescaling.countLimit, numbers.allSatisfy(\.isFinite)
      else { throw inputs.invalid("\(numbers.count) finite constants do not fit \(inputs.first)") }
    }
    return inputs.first
  }
}

// MARK: Layer scale

extension Operation {
  struct LayerScale: WeightedPayload, EmptyPayload {
    static let kinds = ["channel_scaling"]
    var operation: Operation { .layerScale }
    var kerasClassName: String { "layer_scale" }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape { try inputs.vectors() }

    func weights(for input: Shape) -> [WeightDeclaration] { [(.gamma, [input.channels])] }
  }
}

// MARK: Scale and shift by weights

/// Per channel (last axis): gamma * x + beta. It ends a norm whose statistics are not those of the last axes.
package struct ChannelAffine: Hashable, Sendable {
  /// Whether there is a gamma.
  package var scale: Bool
  /// Whether there is a beta.
  package var center: Bool

  package init(scale: Bool, center: Bool) {
    self.scale = scale
    self.center = center
  }
}

extension ChannelAffine: WeightedPayload {
  static let kinds = ["channel_affine"]
  var operation: Operation { .channelAffine(self) }
  var kerasClassName: String { "group_normalization" }

  var attributes: [(String, AttributeValue)] { [("scale", .bool(scale)), ("center", .bool(center))] }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(scale: try fields.bool("scale"), center: try fields.bool("center"))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape { try inputs.vectors() }

  func weights(for input: Shape) -> [WeightDeclaration] {
    let channels = [input.channels]
    return (scale ? [(.gamma, channels)] : []) + (center ? [(.beta, channels)] : [])
  }
}
