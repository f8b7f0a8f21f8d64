import ZooGraph

/// A network as a Keras configuration describes it.
package struct KerasNetwork: Sendable {
  /// The model's name in the configuration.
  package let name: String
  /// Nested models flattened; the layers keep their names, with the container's in front only where a
  /// name would repeat.
  package let graph: Graph
  /// Every layer that became a node, in the order of `model.layers`, a nested model's in its place: where it
  /// stands, and the node that has its weights, or its first call's last node where it has none.
  package let layerOrder: [KerasPlace]
  /// By the name of a node with weights, what the low-rank update of its kernel (LoRA) is multiplied by.
  package let updateFactors: [String: Double]

  /// What training needs to know of layers, by the name of the node that has the weights or stands for the
  /// layer.
  package let training: [String: LayerTraining]

  /// By node and role: the weights that the model keeps with other axes than the graph's slot has.
  package let storedAxes: [String: [WeightRole: StoredAxes]]

  /// Where the model keeps its weights; empty where its graph alone tells it.
  package var places: [KerasPlace] {
    let places = layerOrder.filter { !graph.nodes[$0.node].weights.isEmpty }
    return graph.tells(places) ? [] : places
  }
}

/// The axes of a weight as a model keeps it, and their order in a graph, where some are one.
package struct StoredAxes: Hashable, Sendable {
  /// As the model keeps it; axes of extent 1 may be missing or added.
  package let extents: [Int]
  /// Axis i in the graph's order is axis `order[i]` of ``extents``.
  package let order: [Int]

  init(extents: [Int], order: [Int]? = nil) {
    self.extents = extents
    self.order = order ?? Array(extents.indices)
  }
}
