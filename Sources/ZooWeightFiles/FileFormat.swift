import ZooSystem
import ZooTensor

/// What a file is, by its first bytes; its name says nothing.
package enum FileFormat: String, Sendable {
  case hdf5 = "HDF5"
  /// A `.keras` file: a ZIP archive with `config.json` and `model.weights.h5`.
  case kerasArchive = "Keras archive"
  /// The same, unpacked.
  case kerasFolder = "Keras folder"
  /// The `.weights.json` of weights that are spread over several files.
  case kerasShards = "Keras 3 weights in shards"
  case npz = "NumPy archive"
  case npy = "NumPy array"
  case zoo = ".zoo"
  case safetensors = "safetensors"
  /// A `.pt` or `.pth` file: a ZIP archive with `data.pkl`.
  case pyTorch = "PyTorch"
  /// The same from before version 1.6: pickles, then the tensors' data.
  case olderPyTorch = "PyTorch (before 1.6)"
  case jpeg = "JPEG"
  case png = "PNG"
  case unknown = "unknown"

  /// Looks at the file or folder at `path`.
  ///
  /// Throws where it can't be opened, and where a ZIP archive can't be listed.
  package static func recognise(path: String) throws(ZooError) -> FileFormat {
    if isFolder(path) {
      return KerasArchive.memberNames.contains { isFile("\(path)/\($0)") } ? .kerasFolder : .unknown
    }
    return try recognise(bytes: ByteSlice(WeightFiles.map(path)), location: path)
  }

  static func recognise(bytes: ByteSlice, location: String) throws(ZooError) -> FileFormat {
    if let format = bytes.withUnsafeBytes(bySignature) { return format }
    if bytes.withUnsafeBytes(ShardedStore.isIndex) { return .kerasShards }
    guard bytes.withUnsafeBytes({ FileSignature.zip.isStart(of: $0) }) else { return .unknown }
    let archive = try ZipArchive(bytes: bytes, location: location)
    if KerasArchive.memberNames.contains(where: { archive[$0] != nil }) { return .kerasArchive }
    if archive.members.contains(where: { $0.name.hasSuffix(".npy") }) { return .npz }
    return TorchFile.pickle(in: archive) == nil ? .unknown : .pyTorch
  }

  private static func bySignature(_ bytes: UnsafeRawBufferPointer) -> FileFormat? {
    if FileSignature.npy.isStart(of: bytes) { return .npy }
    if FileSignature.jpeg.isStart(of: bytes) { return .jpeg }
    if FileSignature.png.isStart(of: bytes) { return .png }
    if FileSignature.zoo.isStart(of: bytes) { return .zoo }
    if FileSignature.olderPyTorch.isStart(of: bytes) { return .olderPyTorch }
    if HDF5Signature.offset(in: bytes) != nil { return .hdf5 }
    // A safetensors file starts with the length of the JSON object that follows; text has no zeros there.
    if bytes.count > SafetensorsHeader.prefixByteCount,
      bytes[SafetensorsHeader.prefixByteCount] == UInt8(ascii: "{"),
      UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) < 1 << 48
    {
      return .safetensors
    }
    return nil
  }
}
