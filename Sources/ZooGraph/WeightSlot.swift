import ZooSystem
import ZooTensor

/// What a weight is to its layer; the raw values are Keras' own names.
package enum WeightRole: String, Hashable, Sendable, CaseIterable {
  case kernel
  case depthwiseKernel = "depthwise_kernel"
  case pointwiseKernel = "pointwise_kernel"
  case bias
  case gamma
  case beta
  case movingMean = "moving_mean"
  case movingVariance = "moving_variance"
  case alpha
  case mean
  case variance

  /// False for statistics, which training updates without a gradient.
  package var isTrainable: Bool {
    switch self {
    case .movingMean, .movingVariance, .mean, .variance: false
    default: true
    }
  }
}

/// A place in the graph that takes exactly one tensor.
package struct WeightSlot: Hashable, Sendable {
  /// The layer's name.
  package let layer: String
  package let role: WeightRole
  package let shape: Shape

  package init(layer: String, role: WeightRole, shape: Shape) {
    self.layer = layer
    self.role = role
    self.shape = shape
  }

  /// `layer/role`: unique in a graph, and the tensor's name in a `.zoo` file.
  package var name: String { "\(layer)/\(role.rawValue)" }
}

/// Where an engine gets the values of a graph's weights.
package protocol WeightSource: Sendable {
  /// The tensor for `slot`, in the slot's shape.
  func tensor(for slot: WeightSlot) throws -> StoredTensor
}

extension Operation {
  /// Whether this kind of operation can have weights.
  package var hasWeights: Bool {
    switch self {
    case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution, .dense,
      .batchNormalization, .layerNormalization, .normalization, .channelScaling, .parametricRectifier:
      true
    case .input, .rescaling, .activation, .maxPooling, .averagePooling, .globalAveragePooling,
      .globalMaxPooling, .zeroPadding, .cropping, .resize, .merge, .concatenate, .flatten, .reshape, .permute,
      .identity:
      false
    }
  }

  /// The weights that this operation needs for one input of the given shape, in Keras' order.
  ///
  /// Throws where a weight would have more elements than any tensor may have.
  func weights(of layer: String, input: Shape) throws(ZooError) -> [WeightSlot] {
    let channels = input.dimensions.last ?? 0
    var slots: [WeightSlot] = []
    func need(_ role: WeightRole, _ dimensions: Int...) throws(ZooError) { try need(role, dimensions) }
    func need(_ role: WeightRole, _ dimensions: [Int]) throws(ZooError) {
      guard let shape = Shape(checking: dimensions) else {
        throw ZooError.invalidNetwork(layer: layer, "its \(role.rawValue) would have the shape \(dimensions)")
      }
      slots.append(WeightSlot(layer: layer, role: role, shape: shape))
    }
    switch self {
    case .convolution(let c):
      try need(.kernel, c.kernel.height, c.kernel.width, channels / c.groups, c.filters)
      if c.useBias { try need(.bias, c.filters) }
    case .depthwiseConvolution(let c):
      try need(.depthwiseKernel, c.kernel.height, c.kernel.width, channels, c.multiplier)
      if c.useBias { try need(.bias, channels * c.multiplier) }
    case .separableConvolution(let c):
      try need(.depthwiseKernel, c.kernel.height, c.kernel.width, channels, c.multiplier)
      try need(.pointwiseKernel, 1, 1, channels * c.multiplier, c.filters)
      if c.useBias { try need(.bias, c.filters) }
    case .transposedConvolution(let c):
      try need(.kernel, c.kernel.height, c.kernel.width, c.filters, channels)
      if c.useBias { try need(.bias, c.filters) }
    case .dense(let d):
      try need(.kernel, channels, d.units)
      if d.useBias { try need(.bias, d.units) }
    case .batchNormalization(let b):
      if b.scale { try need(.gamma, channels) }
      if b.center { try need(.beta, channels) }
      try need(.movingMean, channels)
      try need(.movingVariance, channels)
    case .layerNormalization(let n):
      let extents = Array(input.dimensions.suffix(n.axes))
      if n.scale { try need(.gamma, extents) }
      if n.center { try need(.beta, extents) }
    case .normalization(let n):
      try need(.mean, n.perChannel ? channels : 1)
      try need(.variance, n.perChannel ? channels : 1)
    case .channelScaling:
      try need(.gamma, channels)
    case .parametricRectifier(let sharedAxes):
      try need(.alpha, input.dimensions.enumerated().map { sharedAxes.contains($0) ? 1 : $1 })
    default:
      break
    }
    return slots
  }
}
