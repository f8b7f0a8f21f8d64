import ZooSystem
import ZooTensor

/// A file of named tensors, opened: what is in it is known, no tensor's data has been read.
package protocol WeightFile: Sendable {
  /// The path as the user gave it.
  var path: String { get }
  var layout: WeightFileLayout { get }
  /// Who wrote it, as far as the file says: for example `keras 2.8.0`.
  var writer: String? { get }
  /// Every weight, in the order that the file itself gives (`layer_names`, member order); optimizer
  /// state and the like are left out and named in ``ignored``.
  var tensors: [TensorEntry] { get }
  /// What was left out on purpose, by its path in the file, with the reason.
  var ignored: [(name: String, reason: String)] { get }
  /// The model's configuration (Keras JSON), where the file holds one.
  var modelConfiguration: JSONValue? { get }
  /// What Keras computed with when it wrote the file (`tensorflow`, `theano`), where the file says it.
  var backend: String? { get }
  /// The layers that the file lists, in its order, those without weights too where it lists them.
  var layerNames: [String] { get }
  /// What a person should know of the file although it can be read, where there is something.
  var remark: String? { get }
  /// The files that hold the bytes, the first the one that was opened.
  var sourcePaths: [String] { get }
  /// Reads one tensor: row-major, little-endian, in the shape of its entry; without a copy where the
  /// file stores it that way.
  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor
}

extension WeightFile {
  package var backend: String? { nil }
  package var remark: String? { nil }
  package var sourcePaths: [String] { [path] }
  package var layerNames: [String] {
    var seen: Set<String> = []
    return tensors.compactMap(\.layer).filter { seen.insert($0).inserted }
  }
}

/// How the tensors are laid out and named.
package enum WeightFileLayout: String, Sendable {
  /// Keras' HDF5 of `layer_names` and `weight_names`, weights only.
  case legacyWeights = "Keras HDF5 weights"
  /// The same inside a whole model, with its configuration.
  case legacyModel = "Keras HDF5 model"
  /// Keras 0's HDF5 of `layer_0/param_0`, …: no names, every layer's weights in order.
  case numberedLayers = "Keras 0 HDF5 weights"
  /// Keras 3's `.weights.h5`: `layers/<class>[_n]/vars/<i>`.
  case kerasStore = "Keras 3 weights"
  /// The same spread over several files, which a `.weights.json` names.
  case kerasShards = "Keras 3 weights in shards"
  /// Keras 3's `.keras`: a store with its configuration.
  case kerasArchive = "Keras 3 archive"
  /// `.npz` whose members have names.
  case namedArrays = "NumPy archive"
  /// `.npz` of `arr_0`, `arr_1`, …, in the order of `get_weights()`.
  case positionalArrays = "NumPy archive by position"
  /// A safetensors file: tensors with names.
  case safetensors = "safetensors"
  /// What `torch.save` and `torch.jit.save` write: tensors with names.
  case pyTorch = "PyTorch"
  /// A `.zoo` file.
  case zoo = "zoo"
}

/// One tensor of a weight file, before its data is read.
package struct TensorEntry: Sendable, Hashable {
  /// The full path or member name in the file; unique.
  package let name: String
  package let shape: Shape
  package let elementType: ElementType
  /// The layer that the file assigns it to, where it says so by name.
  package let layer: String?
  /// What it is to its layer in current Keras terms (`kernel`, `gamma`, `moving_mean`, …), without
  /// any `:0` or layer prefix, where the file says so.
  package let variable: String?
  /// The layer that the file lists, where that is a model and ``layer`` one of its own layers.
  package let container: String?
  /// Where the file gives no layer name: Keras 3's place in the store, or Keras 0's numbers (class `layer`).
  package let storeKey: StoreKey?

  package init(
    name: String, shape: Shape, elementType: ElementType, layer: String? = nil, variable: String? = nil,
    container: String? = nil, storeKey: StoreKey? = nil
  ) {
    self.container = container
    self.name = name
    self.shape = shape
    self.elementType = elementType
    self.layer = layer
    self.variable = variable
    self.storeKey = storeKey
  }
}

/// A place in Keras 3's store: `layers/conv2d_3/vars/0` is the first variable of the fourth layer
/// of class Conv2D, counted in the order of `model.layers`.
package struct StoreKey: Sendable, Hashable {
  /// The path of enclosing containers, for nested models (`layers/functional`); usually empty.
  package let container: String
  /// The class in snake case, without its number: `conv2d`, `depthwise_conv2d`.
  package let className: String
  /// Counted from 0 per class.
  package let ordinal: Int
  /// The index under `vars`.
  package let variable: Int

  /// The layer's group: `layers/functional/layers/conv2d_3`.
  package var layerPath: String {
    (container.isEmpty ? "" : "\(container)/") + "layers/\(className)" + (ordinal == 0 ? "" : "_\(ordinal)")
  }

  package init(container: String, className: String, ordinal: Int, variable: Int) {
    self.container = container
    self.className = className
    self.ordinal = ordinal
    self.variable = variable
  }
}
