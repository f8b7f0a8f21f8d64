/// The kinds of file that a model, or its weights, can be exported as. Of endings that are alike, `weights.h5` and `h5`, the
/// longer one comes first.
package enum ExportFormat: String, Sendable, CaseIterable {
  case safetensors
  /// NumPy's archive of named arrays.
  case npz
  /// Keras 3's store: `layers/<class>[_n]/vars/<i>`.
  case kerasStore = "weights.h5"
  /// Keras' HDF5 of `layer_names` and `weight_names`, which Keras 2 and Keras 3 read.
  case legacy = "h5"
  /// A whole model in Keras' HDF5, configuration and weights, which Keras 2 and Keras 3 open.
  case legacyModel = "hdf5"
  /// A whole model as Keras 3 saves it: an archive of its configuration and its store.
  case kerasArchive = "keras"
  /// A whole model for ONNX Runtime and its like.
  case onnx
  /// A whole model for Apple's systems: a folder.
  case mlpackage
  /// Safetensors as `mlx.nn.Module.load_weights` takes them; by name, since the ending does not tell.
  case mlx

  /// The format that a file's ending stands for; nil for an ending that stands for none.
  package init?(path: String) {
    let name = path.lowercased()
    guard let format = Self.withEndings.first(where: { name.hasSuffix(".\($0.rawValue)") }) else {
      return nil
    }
    self = format
  }

  /// The formats that an ending stands for.
  package static let withEndings = allCases.filter { $0 != .mlx }

  /// Those that can be converted again.
  package static let readable = withEndings.filter { $0 != .onnx && $0 != .mlpackage }

  /// Whether libhdf5 writes it.
  var isHDF5: Bool {
    switch self {
    case .kerasStore, .legacy, .legacyModel: true
    case .safetensors, .npz, .kerasArchive, .onnx, .mlpackage, .mlx: false
    }
  }
}
