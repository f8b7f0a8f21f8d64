/// What can speak for the match of a tensor and a slot. They are independent of each other; where two
/// disagree, a conversion stops.
package enum Witness: String, Sendable, CaseIterable {
  /// The layer's name, and with it the weight's name or its number in the layer.
  case names
  /// The place in the file, where the format promises an order.
  case order
  /// The shape, which has to fit in any case.
  case shape
  /// The bytes of the file are those of a published one.
  case hash
  /// What really reaches a batch normalization agrees with its statistics, of which the tensor is a cause.
  case testimony
}

extension Binding.MatchRule {
  /// Who speaks in a match of this kind.
  var witnesses: Set<Witness> {
    switch self {
    case .name, .layerAndIndex: [.names, .shape]
    case .storeOrder, .position, .layerPosition: [.order, .shape]
    case .arrayOrder: [.shape]
    }
  }
}
