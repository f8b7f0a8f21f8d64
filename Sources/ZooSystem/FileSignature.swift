/// The bytes with which files of a kind begin. A file is recognised by them and not by its name.
package enum FileSignature: Sendable {
  case hdf5, npy, zip, zoo, olderPyTorch, jpeg, png

  package var bytes: [UInt8] {
    switch self {
    case .hdf5: Self.hdf5Bytes
    case .npy: Self.npyBytes
    case .zip: Self.zipBytes
    case .zoo: Self.zooBytes
    case .olderPyTorch: Self.olderPyTorchBytes
    case .jpeg: Self.jpegBytes
    case .png: Self.pngBytes
    }
  }

  // Like PNG's: a byte that is no text, the name, and line ends that a transfer as text would change.
  private static let hdf5Bytes: [UInt8] = [0x89] + Array("HDF\r\n".utf8) + [0x1a, 0x0a]
  private static let zooBytes: [UInt8] = [0x89] + Array("ZOO\r\n".utf8) + [0x1a, 0x0a]
  private static let pngBytes: [UInt8] = [0x89] + Array("PNG\r\n".utf8) + [0x1a, 0x0a]
  private static let npyBytes: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let zipBytes: [UInt8] = Array("PK".utf8)
  // A pickle of the number 0x1950a86a20f9469cfc6c, with which PyTorch's files began before version 1.6.
  private static let olderPyTorchBytes: [UInt8] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
  ]
  private static let jpegBytes: [UInt8] = [0xff, 0xd8, 0xff]

  /// Whether `file` begins with these bytes.
  package func isStart(of file: some Sequence<UInt8>) -> Bool { file.starts(with: bytes) }
}
