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

/// Calls `body` with 0 ..< `count`, on as many threads as the caller has.
package typealias WorkSharing = (_ count: Int, _ body: (Int) -> Void) -> Void

/// Where an engine gets the values of a graph's weights.
package protocol WeightSource: Sendable {
  /// The tensor for `slot`, in the slot's shape.
  func tensor(for slot: WeightSlot) throws -> StoredTensor

  /// The same, decoded by several threads where it has to be decoded.
  func tensor(for slot: WeightSlot, sharing share: WorkSharing) throws -> StoredTensor

  /// The same as it is stored, with the order that makes it that of the slot.
  func tensorView(for slot: WeightSlot) throws -> TensorView

  /// The same as codes and scales; nil where it is stored otherwise.
  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor?
}

extension WeightSource {
  package func tensor(for slot: WeightSlot, sharing share: WorkSharing) throws -> StoredTensor {
    try tensor(for: slot)
  }

  package func tensorView(for slot: WeightSlot) throws -> TensorView { TensorView(try tensor(for: slot)) }

  package func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? { nil }
}
