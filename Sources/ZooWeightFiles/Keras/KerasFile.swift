import ZooSystem
import ZooTensor

/// A file of weights that Keras wrote in HDF5, on its own or inside a `.keras` archive.
final class KerasFile: WeightFile {
  let path: String
  let layout: WeightFileLayout
  let writer: String?
  let tensors: [TensorEntry]
  let ignored: [(name: String, reason: String)]
  let modelConfiguration: JSONValue?
  let backend: String?
  let layerNames: [String]
  let sourcePaths: [String]
  let remark: String?

  private let file: HDF5File
  private let datasets: [String: HDF5Dataset]
  /// Checks the bytes that the file lies in, where they have a checksum; costs something only once.
  private let checkBytes: @Sendable () throws(ZooError) -> Void

  /// The most tensors and groups of a file.
  static var tensorLimit: Int { ReadingLimits.current.tensors }

  init(
    path: String, layout: WeightFileLayout, writer: String?, contents: KerasContents,
    configuration: JSONValue?, backend: String? = nil, sourcePaths: [String]? = nil,
    file: HDF5File, checkBytes: @escaping @Sendable () throws(ZooError) -> Void = {}
  ) throws(ZooError) {
    var datasets: [String: HDF5Dataset] = [:]
    var total = 0
    for (entry, dataset) in contents.tensors {
      guard datasets.updateValue(dataset, forKey: entry.name) == nil else {
        throw file.malformed(entry.name, "the file lists it twice")
      }
      let (sum, overflow) = total.addingReportingOverflow(dataset.byteCount)
      total = overflow ? .max : sum
    }
    try Expansion.check(declared: total, stored: file.bytes.count, limit: Expansion.hdf5) { why, remedy in
      file.unsupported("", why, remedy: remedy)
    }
    remark = Self.remark(on: contents, layout: layout, in: file)
    self.path = path
    self.layout = layout
    self.writer = writer
    self.tensors = contents.tensors.map(\.entry)
    self.ignored = contents.ignored
    self.backend = backend
    self.sourcePaths = sourcePaths ?? [path]
    var seen: Set<String> = []
    layerNames =
      contents.layers.isEmpty
      ? contents.tensors.compactMap(\.entry.layer).filter { seen.insert($0).inserted } : contents.layers
    self.modelConfiguration = configuration
    self.file = file
    self.datasets = datasets
    self.checkBytes = checkBytes
  }

  private static func remark(
    on contents: KerasContents, layout: WeightFileLayout, in file: HDF5File
  ) -> String? {
    guard layout == .legacyModel || layout == .legacyWeights,
      contents.tensors.contains(where: { entry, dataset in
        entry.elementType == .bfloat16 && (try? file.hasAttribute("dtype", of: dataset.path)) == false
      })
    else { return nil }
    return "numbers of 16 bits without a type are read as bfloat16; Keras itself can't load this file"
  }

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    guard let dataset = datasets[entry.name] else {
      throw file.malformed(entry.name, "no such tensor in this file")
    }
    try checkBytes()
    let bytes = try file.read(dataset)
    guard let tensor = StoredTensor(shape: dataset.shape, elementType: dataset.elementType, bytes: bytes)
    else {
      throw file.malformed(entry.name, "the size of its data does not match its shape")
    }
    return tensor
  }
}

/// What one of the layouts has been found to hold.
struct KerasContents: Sendable {
  /// All layers that the file lists, in its order; empty where it lists none.
  var layers: [String] = []
  var tensors: [(entry: TensorEntry, dataset: HDF5Dataset)] = []
  var ignored: [(name: String, reason: String)] = []
}

extension KerasFile {
  /// Opens an HDF5 file of any of Keras' layouts.
  ///
  /// - Parameter isShard: whether it is one of the files of a store that is spread over several.
  static func open(
    path: String, bytes: ByteSlice, isShard: Bool = false
  ) throws(ZooError) -> KerasFile {
    let file = try HDF5File(bytes: bytes, location: path)
    let root = try RootGroup(of: file)
    switch root.layout {
    case .legacyWeights, .legacyModel:
      let configuration = try root.configuration.map { text throws(ZooError) in
        try JSONValue(parsing: Array(text.utf8), location: "\(path), model_config")
      }
      let nested = configuration.map(KerasConfiguration.nestedModels) ?? []
      let contents = try LegacyLayout.contents(of: file, root: root, nestedModels: nested)
      return try KerasFile(
        path: path, layout: root.layout, writer: "keras \(root.version ?? "1")", contents: contents,
        configuration: configuration, backend: root.backend, file: file)
    case .numberedLayers:
      return try KerasFile(
        path: path, layout: root.layout, writer: "keras 0",
        contents: try NumberedLayers.contents(of: file, root: root),
        configuration: nil, file: file)
    default:
      return try KerasFile(
        path: path, layout: .kerasStore, writer: "keras 3",
        contents: try StoreLayout.contents(of: file, isShard: isShard), configuration: nil, file: file)
    }
  }
}

/// What the root group says about the rest of the file.
struct RootGroup: Sendable {
  let layout: WeightFileLayout
  let version: String?
  /// `tensorflow`, `theano`, `cntk` or `jax`; Keras 0 and the first Keras 1 do not say it.
  let backend: String?
  /// The text of `model_config`.
  let configuration: String?
  /// The group that has `layer_names`: the root or `model_weights`.
  let weights: String
  /// The names in the root group, each with whether it is a dataset.
  let members: [(name: String, isDataset: Bool)]

  init(of file: HDF5File) throws(ZooError) {
    members = try file.members(of: "", limit: KerasFile.tensorLimit)
    let hasNames = try file.names("layer_names", of: "") != nil
    if !hasNames, members.contains(where: { $0.name == "model_weights" && !$0.isDataset }) {
      layout = .legacyModel
      weights = "model_weights"
    } else if hasNames {
      layout = .legacyWeights
      weights = ""
    } else if StoreLayout.isStore(file, members: members) {
      layout = .kerasStore
      weights = ""
    } else if try file.hasAttribute("nb_layers", of: "") {
      layout = .numberedLayers
      weights = ""
    } else {
      let names = members.prefix(5).map(\.name).joined(separator: ", ")
      throw file.unsupported(
        "",
        "no Keras weights: it has no attribute layer_names and none of the groups model_weights and layers"
          + (names.isEmpty ? "; it is empty" : ", but \(names)"))
    }
    // Keras 1 wrote no version in weights-only files; Keras 2 writes it beside `layer_names` too.
    if let atRoot = try file.string("keras_version", of: "") {
      version = atRoot
    } else {
      version = try file.string("keras_version", of: weights)
    }
    let rootBackend = try file.string("backend", of: "")
    backend = weights.isEmpty || rootBackend != nil ? rootBackend : try file.string("backend", of: weights)
    configuration = try file.string("model_config", of: "")
  }
}
