import ZooSystem
import ZooTensor

/// An `.npz` or `.npy` file that appears whole or not at all.
package enum NumPyFile {
  /// Writes one array to the `.npy` file at `path`.
  ///
  /// - Throws: `ZooError`, for an existing file too unless `overwrite`.
  package static func write(_ tensor: Tensor, to path: String, overwrite: Bool) throws(ZooError) {
    let file = try AtomicFile(path: path)
    let header = numPyHeader(type: ElementType.float32.numPyCode, shape: tensor.shape)
    let parts = [ByteSlice(HeapBytes(header)), ByteSlice(HeapBytes(tensor.values))]
    var offset = 0
    for part in parts {
      try part.withUnsafeBytes { bytes throws(ZooError) in try file.write(bytes, at: offset) }
      offset += part.count
    }
    try file.commit(overwrite: overwrite)
  }

  /// Writes the arrays that `body` adds to `path`.
  ///
  /// - Throws: `ZooError`, for an existing file too unless `overwrite`; what `body` throws.
  package static func write(
    to path: String, overwrite: Bool, _ body: (inout NumPyArchiveWriter<ZooError>) throws -> Void
  ) throws {
    try ZipArchiveWriter.write(to: path, overwrite: overwrite) { archive in
      var writer = NumPyArchiveWriter(archive)
      try body(&writer)
      archive = writer.archive
    }
  }
}
