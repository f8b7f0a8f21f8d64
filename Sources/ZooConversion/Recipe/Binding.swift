import ZooGraph
import ZooModels
import ZooTensor
import ZooWeightFiles

/// Which tensor of a weight file fills which slot of a graph, and why.
package struct Binding: Sendable {
  /// One tensor in one slot.
  package struct Assignment: Sendable {
    package let slot: WeightSlot
    package let entry: TensorEntry
    package let transform: LayoutTransform
    /// What the match rests on.
    package let evidence: Evidence
  }

  /// What says that a tensor belongs to a slot; the shape has to fit in any case.
  package enum Evidence: String, Sendable {
    case name = "layer and weight name"
    case layerAndIndex = "layer name and place among its weights"
    case storeOrder = "place in the Keras 3 store, counted per class in the order of the layers"
    case position = "place in the order of get_weights()"
  }

  /// One for every slot of the graph, in its order.
  package let assignments: [Assignment]
  /// The file's tensors that no slot takes.
  package let unused: [TensorEntry]
}

/// How a tensor's axes change on the way into a slot. No value changes.
package enum LayoutTransform: String, Sendable {
  case none = "none"
  /// The same values in the same order with axes of extent 1 added or left out, as between a dense
  /// kernel (in, out) and a 1x1 convolution (1, 1, in, out).
  case unitAxes = "axes of extent 1 added or dropped"

  /// The transform that turns shape `source` into `target`, or nil.
  static func between(_ source: Shape, _ target: Shape) -> LayoutTransform? {
    if source == target { return LayoutTransform.none }
    let bare = { (shape: Shape) in shape.dimensions.filter { $0 != 1 } }
    return bare(source) == bare(target) ? .unitAxes : nil
  }
}

/// Why a file's tensors do not fill a graph.
package struct BindingFailure: Error {
  /// The slots without a tensor.
  package var missing: [WeightSlot] = []
  /// Tensors whose shape is not that of the slot that their name says.
  package var mismatches: [(entry: TensorEntry, slot: WeightSlot)] = []
  /// Slots that two tensors claim.
  package var conflicts: [(slot: WeightSlot, entries: [TensorEntry])] = []
  /// How many slots were filled, to tell near misses from strangers.
  package var filled = 0

  /// The first problem in words.
  package var explanation: String {
    if let (entry, slot) = mismatches.first {
      return "tensor '\(entry.name)' has the shape \(entry.shape), '\(slot.name)' needs \(slot.shape)"
        + more(mismatches.count - 1, "more shapes differ")
    }
    if let (slot, entries) = conflicts.first {
      return "\(entries.count) tensors claim '\(slot.name)': "
        + entries.map { "'\($0.name)'" }.joined(separator: ", ")
    }
    if let slot = missing.first {
      return "no tensor for '\(slot.name)' of shape \(slot.shape)"
        + more(missing.count - 1, "more are missing")
    }
    return "nothing fits"
  }

  private func more(_ count: Int, _ words: String) -> String { count > 0 ? "; \(count) \(words)" : "" }
}

/// Fills the slots of a graph from a weight file: every slot exactly once, by the best evidence that
/// the file's layout offers.
package struct Binder {
  private let graph: Graph
  /// The node indices in the order of Keras' `model.layers`.
  private let layerOrder: [Int]
  /// Where Keras 3's store keeps each node.
  private let nodesByStorePath: [StorePath: Node]
  /// The graph's name for a layer that the file may call otherwise.
  private let layerName: (String) -> String?

  private struct StorePath: Hashable {
    let container: String
    let className: String
    let ordinal: Int
  }

  /// A binder for a network of the catalogue, whose layers older files call by other names.
  package init(graph: Graph, architecture: Architecture) {
    self.graph = graph
    layerOrder = graph.kerasOrder
    nodesByStorePath = Dictionary(
      graph.kerasStorePaths.map {
        (StorePath(container: "", className: $0.className, ordinal: $0.ordinal), graph.nodes[$0.node])
      }, uniquingKeysWith: { first, _ in first })
    layerName = { architecture.layer(named: $0, in: graph) }
  }

  /// A binder for a network with the file's own layer names.
  package init(network: KerasNetwork) {
    let graph = network.graph
    self.graph = graph
    layerOrder = network.layerOrder.map(\.node)
    nodesByStorePath = Dictionary(
      network.layerOrder.map {
        (
          StorePath(container: $0.container, className: $0.className, ordinal: $0.ordinal),
          graph.nodes[$0.node]
        )
      }, uniquingKeysWith: { first, _ in first })
    layerName = { $0 }
  }

  /// A binder for tensors that bear the names of the graph's own slots.
  init(graph: Graph) {
    self.graph = graph
    layerOrder = []
    nodesByStorePath = [:]
    layerName = { $0 }
  }

  /// Matches all tensors of a file.
  package func bind(_ file: some WeightFile) throws(BindingFailure) -> Binding {
    try bind(file.tensors, layout: file.layout)
  }

  func bind(_ entries: [TensorEntry], layout: WeightFileLayout) throws(BindingFailure) -> Binding {
    var claims: [WeightSlot: [(TensorEntry, Binding.Evidence)]] = [:]
    var unused: [TensorEntry] = []
    for (entry, claim) in zip(entries, self.claims(of: entries, layout: layout)) {
      if let (slot, evidence) = claim {
        claims[slot, default: []].append((entry, evidence))
      } else {
        unused.append(entry)
      }
    }
    return try settle(claims, unused: unused)
  }

  private func settle(
    _ claims: [WeightSlot: [(TensorEntry, Binding.Evidence)]], unused: [TensorEntry]
  ) throws(BindingFailure) -> Binding {
    var failure = BindingFailure()
    var assignments: [Binding.Assignment] = []
    for slot in graph.weightSlots {
      let claimants = claims[slot] ?? []
      guard let (entry, evidence) = claimants.first else {
        failure.missing.append(slot)
        continue
      }
      guard claimants.count == 1 else {
        failure.conflicts.append((slot, claimants.map(\.0)))
        continue
      }
      guard let transform = LayoutTransform.between(entry.shape, slot.shape) else {
        failure.mismatches.append((entry, slot))
        continue
      }
      assignments.append(.init(slot: slot, entry: entry, transform: transform, evidence: evidence))
    }
    failure.filled = assignments.count
    guard failure.missing.isEmpty, failure.mismatches.isEmpty, failure.conflicts.isEmpty else {
      throw failure
    }
    return Binding(assignments: assignments, unused: unused)
  }

  /// The slot that each tensor belongs to as the file has it, or nil for one that the graph lacks.
  private func claims(
    of entries: [TensorEntry], layout: WeightFileLayout
  ) -> [(WeightSlot, Binding.Evidence)?] {
    switch layout {
    case .legacyWeights, .legacyModel, .namedArrays, .safetensors, .zoo:
      return entries.map { slot(byNameOf: $0).map { ($0, .name) } }
    case .kerasStore, .kerasArchive:
      return entries.map { entry in
        guard let key = entry.storeKey else { return slot(byNameOf: entry).map { ($0, .name) } }
        if let layer = entry.layer {
          return node(named: layer)?.weights.element(at: key.variable).map { ($0, .layerAndIndex) }
        }
        let path = StorePath(container: key.container, className: key.className, ordinal: key.ordinal)
        return nodesByStorePath[path]?.weights.element(at: key.variable).map { ($0, .storeOrder) }
      }
    case .positionalArrays:
      let slots = layerOrder.flatMap { graph.nodes[$0].weights }
      return entries.indices.map { slots.element(at: $0).map { ($0, .position) } }
    }
  }

  private func slot(byNameOf entry: TensorEntry) -> WeightSlot? {
    guard let layer = entry.layer, let variable = entry.variable, let node = node(named: layer) else {
      return nil
    }
    if let slot = node.weights.first(where: { $0.role.rawValue == variable }) { return slot }
    // Keras' LayerScale gives its only weight no name.
    if case .channelScaling = node.operation, variable.hasPrefix("variable") { return node.weights.first }
    // Keras 3 calls the kernel of a depthwise layer just 'kernel'.
    guard variable == WeightRole.kernel.rawValue, case .depthwiseConvolution = node.operation else {
      return nil
    }
    return node.weights.first { $0.role == .depthwiseKernel }
  }

  private func node(named name: String) -> Node? { layerName(name).flatMap { graph.node(named: $0) } }
}

extension Array {
  fileprivate func element(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
