import ZooSystem
import ZooTensor

/// Opens weight files of any format that is read.
package enum WeightFiles {
  /// Opens the file or folder at `path`, recognised by content: lists its tensors, reads none.
  package static func open(path: String) throws(ZooError) -> any WeightFile {
    let file = try openAny(path: path)
    // A model may have no weights: its configuration tells.
    guard !file.tensors.isEmpty || file.modelConfiguration != nil else {
      throw ZooError(.malformed, "weight file", at: path, "it holds no tensors")
    }
    return file
  }

  private static func openAny(path: String) throws(ZooError) -> any WeightFile {
    if isFolder(path) {
      guard try FileFormat.recognise(path: path) == .kerasFolder else {
        throw ForeignFile(folder: path).error(at: path)
      }
      return try KerasArchive.open(folder: path)
    }
    let bytes = ByteSlice(try map(path))
    let format = try FileFormat.recognise(bytes: bytes, location: path)
    switch format {
    case .hdf5: return try KerasFile.open(path: path, bytes: bytes)
    case .kerasArchive, .kerasFolder: return try KerasArchive.open(path: path, archive: bytes)
    case .kerasShards: return try ShardedStore(path: path, index: bytes)
    case .npz: return try NumPyArchive(path: path, archive: bytes)
    case .npy: return try NumPyArchive(path: path, array: bytes)
    case .safetensors: return try SafetensorsFile(path: path, bytes: bytes)
    case .pyTorch: return try TorchFile(path: path, archive: bytes)
    case .olderPyTorch: return try TorchFile(path: path, legacy: bytes)
    case .zoo: throw ZooError(.unsupported, "weight file", at: path, "it is a .zoo file")
    case .jpeg, .png: throw ForeignFile.picture(format.rawValue).error(at: path)
    case .unknown: throw try unknown(bytes, at: path)
    }
  }

  private static func unknown(_ bytes: ByteSlice, at path: String) throws(ZooError) -> ZooError {
    if bytes.count == 0 { return ZooError(.malformed, "weight file", at: path, "it is empty") }
    if let foreign = bytes.withUnsafeBytes(ForeignFile.init) { return foreign.error(at: path) }
    if bytes.withUnsafeBytes({ FileSignature.zip.isStart(of: $0) }) {
      let members = try ZipArchive(bytes: bytes, location: path).members.map(\.name)
      if let foreign = ForeignFile(members: members) { return foreign.error(at: path) }
      return ZooError(
        .malformed, "weight file", at: path,
        "a ZIP archive with neither .npy arrays nor a Keras model nor PyTorch's tensors in it")
    }
    return ZooError(
      .malformed, "weight file", at: path,
      "it is neither HDF5 (.h5, .weights.h5) nor a Keras archive (.keras) nor NumPy (.npz, .npy) nor safetensors nor "
        + "PyTorch (.pt, .pth)"
    )
  }

  /// The file at `path`, mapped.
  static func map(_ path: String) throws(ZooError) -> MappedFile {
    do {
      return try MappedFile(path: path)
    } catch {
      // TensorFlow takes a checkpoint by a name that is the start of those of its files.
      if isFile(path + ".index") { throw ForeignFile.checkpoint.error(at: path) }
      throw error
    }
  }
}
