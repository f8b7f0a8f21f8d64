import ZooSystem
import ZooTensor

/// Keras 3's `.keras`: `config.json`, `metadata.json` and `model.weights.h5` in a ZIP archive or a folder.
enum KerasArchive {
  static let weightsName = "model.weights.h5"
  /// By any of these an archive or a folder is recognised; all but the metadata must be there.
  static let memberNames = [weightsName, "config.json", "metadata.json"]

  /// Opens the archive that lies in `archive`.
  static func open(path: String, archive bytes: ByteSlice) throws(ZooError) -> KerasFile {
    let archive = try ZipArchive(bytes: bytes, location: path)
    guard let weights = archive[weightsName] else {
      throw missingWeights(at: path, hasNumPy: archive.members.contains { $0.name.hasSuffix(".npz") })
    }
    guard let configuration = archive["config.json"] else { throw missing("config.json", at: path) }
    let file = try HDF5File(
      bytes: try archive.bytes(of: weights, checked: false), location: "\(path), \(weightsName)")
    let text = try archive.text(of: configuration)
    let metadata = try archive["metadata.json"].map { member throws(ZooError) in
      try archive.text(of: member)
    }
    let checksum = OneTimeCheck { () throws(ZooError) in
      try archive.check(weights, contents: file.bytes)
    }
    return try open(path: path, configuration: text, metadata: metadata, file: file) {
      () throws(ZooError) in try checksum.run()
    }
  }

  /// Opens an unpacked archive.
  static func open(folder path: String) throws(ZooError) -> KerasFile {
    guard isFile("\(path)/config.json") else { throw missing("config.json", at: path) }
    guard isFile("\(path)/\(weightsName)") else {
      throw missingWeights(at: path, hasNumPy: isFile("\(path)/model.weights.npz"))
    }
    let weights = try WeightFiles.map("\(path)/\(weightsName)")
    let file = try HDF5File(bytes: ByteSlice(weights), location: "\(path)/\(weightsName)")
    let text = ByteSlice(try WeightFiles.map("\(path)/config.json"))
    let metadata =
      isFile("\(path)/metadata.json") ? ByteSlice(try WeightFiles.map("\(path)/metadata.json")) : nil
    return try open(
      path: path, configuration: text, metadata: metadata, file: file,
      sourcePaths: ["\(path)/\(weightsName)"]
    ) { () throws(ZooError) in }
  }

  private static func open(
    path: String, configuration text: ByteSlice, metadata: ByteSlice?, file: HDF5File,
    sourcePaths: [String]? = nil, checkBytes: @escaping @Sendable () throws(ZooError) -> Void
  ) throws(ZooError) -> KerasFile {
    let configuration = try json(text, at: "\(path), config.json")
    let version = try metadata.map { text throws(ZooError) in
      try json(text, at: "\(path), metadata.json")["keras_version"]?.string
    }
    let contents = try StoreLayout.contents(of: file)
    return try KerasFile(
      path: path, layout: .kerasArchive, writer: "keras \((version ?? nil) ?? "3")", contents: contents,
      configuration: configuration, sourcePaths: sourcePaths, file: file, checkBytes: checkBytes)
  }

  private static func json(_ text: ByteSlice, at location: String) throws(ZooError) -> JSONValue {
    try JSONValue(parsing: text, location: location)
  }

  private static func missing(_ name: String, at path: String) -> ZooError {
    ZooError(.malformed, "Keras archive", at: path, "it has no \(name)")
  }

  private static func missingWeights(at path: String, hasNumPy: Bool) -> ZooError {
    guard hasNumPy else { return missing(weightsName, at: path) }
    return ZooError(
      .unsupported, "Keras archive", at: path,
      "its weights are an .npz of pickled objects, which can run code and are not read",
      remedy: "Save the model again with Keras 3's default, model.weights.h5.")
  }
}
