import ZooSystem
import ZooTensor

/// Keras 0's HDF5: the root says `nb_layers`, group `layer_{k}` says `nb_params` and holds `param_{p}`.
///
/// There are no names. Layers without weights have groups too, so that `k` counts all layers.
enum NumberedLayers {
  /// Lists the weights in the order of layers and of each layer's weights.
  static func contents(of file: HDF5File, root: RootGroup) throws(ZooError) -> KerasContents {
    let layers = try count("nb_layers", of: "", in: file)
    var contents = KerasContents()
    for layer in 0..<layers {
      let group = "layer_\(layer)"
      let weights = try count("nb_params", of: group, in: file)
      guard contents.tensors.count + weights <= KerasFile.tensorLimit else {
        throw file.unsupported("", "more than \(KerasFile.tensorLimit) tensors")
      }
      for index in 0..<weights {
        let dataset = try file.dataset("\(group)/param_\(index)")
        let key = StoreKey(container: "", className: "layer", ordinal: layer, variable: index)
        contents.tensors.append(
          (
            TensorEntry(
              name: dataset.path, shape: dataset.shape, elementType: dataset.elementType, storeKey: key),
            dataset
          ))
      }
    }
    var rest = UnlistedTensors(file: file, listed: Set(contents.tensors.map(\.dataset.path)))
    for member in root.members { rest.visit(member.name, isDataset: member.isDataset) }
    contents.tensors += rest.tensors
    contents.ignored += rest.ignored
    return contents
  }

  private static func count(
    _ name: String, of path: String, in file: HDF5File
  ) throws(ZooError) -> Int {
    guard let count = try file.integer(name, of: path) else {
      throw file.malformed(path, "it has no attribute \(name)")
    }
    guard (0...KerasFile.tensorLimit).contains(count) else {
      throw file.malformed(path, "attribute \(name) is \(count)")
    }
    return count
  }
}
