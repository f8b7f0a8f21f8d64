import ZooSystem
import ZooTensor

/// Keras' HDF5 of `layer_names` and `weight_names`: the order is in these attributes alone, since
/// groups are stored sorted by name.
enum LegacyLayout {
  /// Lists the weights.
  static func contents(
    of file: HDF5File, root: RootGroup, nestedModels: Set<String>
  ) throws(ZooError) -> KerasContents {
    guard let layers = try file.names("layer_names", of: root.weights) else {
      throw file.malformed(root.weights, "it has no attribute layer_names")
    }
    var contents = KerasContents(layers: layers)
    for layer in layers {
      let group = join(root.weights, layer)
      guard let names = try file.names("weight_names", of: group) else {
        throw file.malformed(group, "it has no attribute weight_names")
      }
      guard contents.tensors.count + names.count <= KerasFile.tensorLimit else {
        throw file.unsupported("", "more than \(KerasFile.tensorLimit) tensors")
      }
      let isContainer = nestedModels.contains(layer) || Set(names.map(TensorNames.scope)).count > 1
      for name in names {
        let dataset = try file.dataset(join(group, name))
        let parts = TensorNames.parts(of: name)
        let entry = TensorEntry(
          name: dataset.path, shape: dataset.shape, elementType: dataset.elementType,
          layer: isContainer ? parts.layer ?? layer : layer, variable: parts.variable,
          container: isContainer ? layer : nil)
        contents.tensors.append((entry, dataset))
      }
    }
    if root.members.contains(where: { $0.name == optimizer }) {
      contents.ignored.append((optimizer, TrainingState.optimizer))
    }
    var rest = UnlistedTensors(file: file, listed: Set(contents.tensors.map(\.dataset.path)))
    for member in root.members where member.name != optimizer {
      rest.visit(member.name, isDataset: member.isDataset)
    }
    contents.tensors += rest.tensors
    contents.ignored += rest.ignored
    return contents
  }

  private static let optimizer = "optimizer_weights"

  private static func join(_ group: String, _ name: String) -> String {
    group.isEmpty ? name : "\(group)/\(name)"
  }
}
