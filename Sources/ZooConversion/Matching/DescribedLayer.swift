import ZooKeras
import ZooWeightFiles

/// A layer that a file's configuration lists, known without the network's graph.
package struct DescribedLayer: Sendable {
  /// Its name, with the models around it in front.
  package let name: String
  /// Its class in Keras.
  package let className: String
  /// How many numbers its tensors have.
  package let parameters: Int

  /// The layers that the configuration of `file` lists; none where it has no configuration that does.
  package static func all(of file: any WeightFile) -> [DescribedLayer] {
    guard let configuration = file.modelConfiguration, let layers = try? kerasLayers(of: configuration) else {
      return []
    }
    return layers.map { layer in
      DescribedLayer(
        name: layer.name, className: layer.className,
        parameters: file.tensors.filter(layer.owns).reduce(0) { $0 + $1.shape.elementCount })
    }
  }
}
