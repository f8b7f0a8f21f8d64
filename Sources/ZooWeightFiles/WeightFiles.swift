import ZooSystem
import ZooTensor

/// Opens weight files of any format that is read.
package enum WeightFiles {
  /// Opens the file or folder at `path`, recognised by content: lists its tensors, reads none.
  package static func open(path: String) throws(ZooError) -> any WeightFile {
    let file = try openAny(path: path)
    guard !file.tensors.isEmpty else {
      throw ZooError(.malformed, "weight file", at: path, "it holds no tensors")
    }
    return file
  }

  private static func openAny(path: String) throws(ZooError) -> any WeightFile {
    if isFolder(path) { return try KerasArchive.open(folder: path) }
    let bytes = ByteSlice(try map(path))
    let format = try FileFormat.recognise(bytes: bytes, location: path)
    switch format {
    case .hdf5: return try KerasFile.open(path: path, bytes: bytes)
    case .kerasArchive, .kerasFolder: return try KerasArchive.open(path: path, archive: bytes)
    case .kerasShards: return try ShardedStore(path: path, index: bytes)
    case .npz: return try NumPyArchive(path: path, archive: bytes)
    case .npy: return try NumPyArchive(path: path, array: bytes)
    case .safetensors: return try SafetensorsFile(path: path, bytes: bytes)
    case .zoo, .jpeg, .png:
      throw ZooError(.unsupported, "weight file", at: path, "it is a \(format.rawValue) file")
    case .unknown: throw unknown(bytes, at: path)
    }
  }

  private static func unknown(_ bytes: ByteSlice, at path: String) -> ZooError {
    let start = bytes.withUnsafeBytes { Array($0.prefix(1 << 16)) }
    if start.isEmpty { return ZooError(.malformed, "weight file", at: path, "it is empty") }
    if FileSignature.zip.isStart(of: start) {
      return ZooError(
        .malformed, "weight file", at: path, "a ZIP archive with neither .npy arrays nor a Keras model in it")
    }
    return ZooError(
      .malformed, "weight file", at: path,
      "it is neither HDF5 (.h5, .weights.h5) nor a Keras archive (.keras) nor NumPy (.npz, .npy) nor safetensors"
    )
  }

  /// The file at `path`, mapped.
  static func map(_ path: String) throws(ZooError) -> MappedFile {
    do {
      return try MappedFile(path: path)
    } catch {
      throw ZooError(.cannotOpen, "file", at: path, error.why)
    }
  }
}
