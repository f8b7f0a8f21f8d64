import ZooGraph
import ZooWeightFiles

/// A network as a Keras configuration describes it.
package struct KerasNetwork: Sendable {
  /// The model's name in the configuration.
  package let name: String
  /// Nested models flattened; the layers keep their names, with the container's in front only where a
  /// name would repeat.
  package let graph: Graph
  /// Every layer that became a node, in the order of `model.layers`, a nested model's in its place.
  package let layerOrder: [Placement]

  /// Where a layer stands in the configuration and in Keras 3's weight store.
  package struct Placement: Hashable, Sendable {
    /// The layer's own name in the configuration.
    package let layer: String
    /// The names of the enclosing nested models and the layer's own.
    package let path: [String]
    /// The path of the enclosing nested models in the store (`layers/functional`); empty at the top.
    package let container: String
    /// The class in snake case (`conv2d`).
    package let className: String
    /// Counted from 0 per class among the layers of one model.
    package let ordinal: Int
    /// The index in `graph.nodes` of the node that has the layer's weights, else of its first call's last.
    package let node: Int
    /// Whether neither it nor a nested model that it is in is frozen.
    package let isTrainable: Bool

    /// Its group in the store: `layers/functional/layers/conv2d_3`.
    package var storePath: String {
      StoreKey(container: container, className: className, ordinal: ordinal, variable: 0).layerPath
    }
  }
}

extension KerasNetwork {
  /// Where the model keeps its weights; empty where its graph alone tells it.
  package var places: [KerasPlace] {
    let places = layerOrder.filter { !graph.nodes[$0.node].weights.isEmpty }.map { place in
      let groups = place.storePath.split(separator: "/").filter { $0 != "layers" }.map(String.init)
      return KerasPlace(
        node: place.node, steps: zip(place.path, groups).map { .init(name: $0, group: $1) },
        isTrainable: place.isTrainable)
    }
    return graph.tells(places) ? [] : places
  }
}
