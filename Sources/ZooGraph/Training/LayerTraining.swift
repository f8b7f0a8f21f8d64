/// What training needs to know of a layer beyond what it computes, where that is not usual.
///
/// It stands beside a graph, in tables by the names of nodes; nothing in it changes what a network computes.
package struct LayerTraining: Sendable, Hashable {
  /// Whether the layer's weights stay as they are; a batch normalization then uses its stored statistics.
  package var isFrozen = false
  /// What the layer does to values in training only.
  package var noise: TrainingNoise?
  /// The share of a batch normalization's stored statistics that a step keeps; nil: ``usualMomentum``.
  package var momentum: Double?
  /// Whether weights before a batch normalization have learned since its statistics were measured: then these no longer
  /// tell what reaches it.
  package var hasOldStatistics = false
  /// What is added to the loss for the layer's weights.
  package var regularizers: [WeightRole: Regularizer] = [:]
  /// What weights are before the first step; ``Initializer/usual(for:)`` where there is none.
  package var initializers: [WeightRole: Initializer] = [:]

  /// The momentum of Keras' batch normalization.
  package static let usualMomentum = 0.99

  package init() {}

  /// Whether it says nothing.
  package var isUsual: Bool { self == LayerTraining() }

  /// What of it does not fit a node; nil where all does.
  package func fault(of node: Node) -> String? {
    let roles = node.sharing == nil ? Set(node.weights.map(\.role)) : []
    if isFrozen, roles.isEmpty { return "it has no weights of its own that could be frozen" }
    if let noise {
      guard case .identity = node.operation else { return "its operation is not one of training only" }
      guard noise.isValid else { return "its \(noise.kind.rawValue) is of \(noise.amount)" }
    }
    if let momentum {
      guard case .batchNormalization = node.operation, !roles.isEmpty else {
        return "it has a momentum, but no statistics of its own"
      }
      guard (0...1).contains(momentum) else { return "its momentum is \(momentum), not in 0...1" }
    }
    if hasOldStatistics {
      guard case .batchNormalization = node.operation, !roles.isEmpty else {
        return "it has old statistics, but none of its own"
      }
    }
    for (role, regularizer) in regularizers {
      guard roles.contains(role), role.isTrainable else { return "it has no \(role.rawValue) to regularize" }
      guard regularizer.isValid else { return "a regularizer's factor is below 0 or not finite" }
    }
    for (role, initializer) in initializers {
      guard roles.contains(role) else { return "it has no \(role.rawValue) to initialize" }
      guard initializer.isValid else { return "its \(role.rawValue) can't be initialized like that" }
    }
    return nil
  }
}

extension Regularizer {
  fileprivate var isValid: Bool { l1 >= 0 && l2 >= 0 && l1.isFinite && l2.isFinite }
}

extension Graph {
  /// What is wrong with a table of what training needs to know of this graph's nodes; nil where nothing is.
  package func fault(of training: [String: LayerTraining]) -> (layer: String, why: String)? {
    for (name, own) in training.sorted(by: { $0.key < $1.key }) {
      guard let node = node(named: name) else { return (name, "there is no such layer") }
      if own.isUsual { return (name, "it says nothing") }
      if let why = own.fault(of: node) { return (name, why) }
    }
    return nil
  }

  /// The names of the batch normalizations with statistics of their own that other values reach when `slots` change.
  package func batchNorms(reachedBy slots: Set<WeightSlot>) -> [String] {
    var isReached = [Bool](repeating: false, count: nodes.count)
    return nodes.enumerated().compactMap { index, node in
      let hasNewInput = node.inputs.contains { isReached[$0.index] }
      isReached[index] = hasNewInput || node.weights.contains { slots.contains($0) }
      guard hasNewInput, node.sharing == nil, case .batchNormalization = node.operation else { return nil }
      return node.name
    }
  }

  /// The part of another graph's table that concerns nodes of this one.
  package func part(of training: [String: LayerTraining]) -> [String: LayerTraining] {
    training.filter { name, own in node(named: name).map { own.fault(of: $0) == nil } ?? false }
  }
}
