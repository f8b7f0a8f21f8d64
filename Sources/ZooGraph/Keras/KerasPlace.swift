/// Where the Keras model that a network comes from keeps the weights of one layer.
///
/// A graph is flat and calls layers as often as it likes; Keras finds weights by the layers of its model,
/// those of the models inside it, and their order.
package struct KerasPlace: Sendable, Hashable {
  /// A model, or the layer itself, among the layers of the model around it.
  package struct Step: Sendable, Hashable {
    /// Its name in Keras.
    package let name: String
    /// What Keras 3's store calls it under `layers`: its class and, from the second of its class on, its
    /// number from 1 (`conv2d`, `conv2d_1`).
    package let group: String

    package init(name: String, group: String) {
      self.name = name
      self.group = group
    }
  }

  /// The index in ``Graph/nodes`` of the node that has the weights.
  package let node: Int
  /// From the outermost model inwards; the last is the layer. At least one.
  package let steps: [Step]
  /// Whether neither the layer nor a model that it is in is frozen.
  package let isTrainable: Bool

  package init(node: Int, steps: [Step], isTrainable: Bool) {
    self.node = node
    self.steps = steps
    self.isTrainable = isTrainable
  }

  /// The layer's own name.
  package var layer: String { steps.last?.name ?? "" }

  /// The group in Keras 3's store: `layers/functional/layers/conv2d_1`.
  package var storePath: String { Self.path(of: steps) }

  /// The group of the model around the layer: `layers/functional`; empty at the top.
  package var container: String { Self.path(of: steps.dropLast()) }

  private static func path(of steps: some Sequence<Step>) -> String {
    steps.map { "layers/\($0.group)" }.joined(separator: "/")
  }

  /// How deep models may be nested in each other.
  package static let depthLimit = 16
}

extension Graph {
  /// Where Keras keeps the layers, with weights and without, if the graph is its model, in the order of
  /// `model.layers`.
  package var kerasLayerPlaces: [KerasPlace] {
    var counts: [String: Int] = [:]
    return kerasOrder.map { index in
      let className = nodes[index].operation.kerasClassName
      let ordinal = counts[className, default: 0]
      counts[className] = ordinal + 1
      let group = ordinal == 0 ? className : "\(className)_\(ordinal)"
      return KerasPlace(
        node: index, steps: [.init(name: nodes[index].name, group: group)], isTrainable: true)
    }
  }

  /// Whether a Keras model of this graph's nodes as its layers has its weights at `places`.
  package func tells(_ places: [KerasPlace]) -> Bool {
    guard !nodes.contains(where: { $0.sharing != nil || $0.name.contains("/") }) else { return false }
    return kerasLayerPlaces.filter { hasOwnWeights($0.node) }.map(\.steps) == places.map(\.steps)
  }

  /// What is wrong with `places` as those of all weights of this graph; nil where nothing is.
  package func fault(of places: [KerasPlace]) -> (layer: String, why: String)? {
    var placed: Set<Int> = []
    var groups: Set<String> = []
    var names: Set<[String]> = []
    for place in places {
      guard nodes.indices.contains(place.node), hasOwnWeights(place.node),
        placed.insert(place.node).inserted
      else { return ("#\(place.node)", "it is not a layer with weights of its own, or is listed twice") }
      let name = nodes[place.node].name
      guard (1...KerasPlace.depthLimit + 1).contains(place.steps.count) else {
        return (name, "it is in \(place.steps.count - 1) models")
      }
      for step in place.steps {
        guard !step.name.isEmpty, !step.name.utf8.contains(0), !step.group.isEmpty,
          step.group.utf8.allSatisfy(Self.isOfGroup)
        else { return (name, "'\(step.group)' is not a group of Keras' store, or has no name") }
      }
      guard groups.insert(place.storePath).inserted, names.insert(place.steps.map(\.name)).inserted else {
        return (name, "its place '\(place.storePath)' is taken")
      }
    }
    let missing = nodes.indices.first { hasOwnWeights($0) && !placed.contains($0) }
    return missing.map { (nodes[$0].name, "it is not listed") }
  }

  private func hasOwnWeights(_ node: Int) -> Bool {
    nodes[node].sharing == nil && !nodes[node].weights.isEmpty
  }

  private static func isOfGroup(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
    default: false
    }
  }
}
