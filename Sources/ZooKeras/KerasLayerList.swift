import ZooSystem
import ZooWeightFiles

/// A layer as a configuration lists it, whether or not it is supported.
package struct ListedLayer: Sendable {
  /// Its name, with the models around it in front: `backbone/conv1`.
  package let name: String
  /// Its class in Keras, `Conv2D`.
  package let className: String
  /// The models around it, outermost first, and the layer.
  fileprivate let path: [String]
  /// Where Keras 3's store has its weights.
  fileprivate let group: String

  /// Whether a tensor of the file is the layer's.
  package func owns(_ tensor: TensorEntry) -> Bool {
    if let key = tensor.storeKey { return key.layerPath == group }
    guard tensor.layer == path.last else { return false }
    return tensor.container == nil || path.dropLast().last == tensor.container
  }
}

/// The layers that a configuration lists, those of models inside the model in their places.
///
/// - Throws: where the configuration lists none.
package func kerasLayers(of configuration: JSONValue) throws(ZooError) -> [ListedLayer] {
  var list: [ListedLayer] = []
  func add(_ model: KerasModel, path: [String], container: String) throws(ZooError) {
    var counts: [String: Int] = [:]
    for layer in model.layers {
      let ordinal = counts[layer.storeName, default: 0]
      counts[layer.storeName] = ordinal + 1
      let place = "layers/\(layer.storeName)" + (ordinal == 0 ? "" : "_\(ordinal)")
      let group = container.isEmpty ? place : "\(container)/\(place)"
      let inner = path + [layer.name]
      if layer.isModel, inner.count < KerasImporter.depthLimit {
        let model = try KerasModel(layer.document, name: layer.name, dialect: layer.dialect)
        try add(model, path: inner, container: group)
      } else {
        list.append(
          ListedLayer(
            name: inner.joined(separator: "/"), className: layer.className, path: inner, group: group))
      }
    }
  }
  let model = try KerasModel(
    configuration, name: "the model", dialect: KerasDialect(of: configuration))
  try add(model, path: [], container: "")
  return list
}
