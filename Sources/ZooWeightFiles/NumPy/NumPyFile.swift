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
    let output = Output(try AtomicFile(path: path))
    var writer = NumPyArchiveWriter<ZooError> { bytes throws(ZooError) in try output.append(bytes) }
    try body(&writer)
    try writer.finish()
    try output.commit(overwrite: overwrite)
  }

  /// An atomic file that grows at its end; a class, so that a closure can hold it.
  private final class Output {
    private var file: AtomicFile?
    private var length = 0

    init(_ file: consuming AtomicFile) { self.file = consume file }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ZooError) {
      try file?.write(bytes, at: length)
      length += bytes.count
    }

    func commit(overwrite: Bool) throws(ZooError) {
      if let file = file.take() { try file.commit(overwrite: overwrite) }
    }
  }
}
