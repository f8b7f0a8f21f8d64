import ZooSystem

/// HDF5's signature stands at the start of a file, or after a block of the user's, at 512, 1024, 2048, …
enum HDF5Signature {
  private static let bytes = FileSignature.hdf5.bytes

  /// Where it is in `file`; nil where it is nowhere.
  static func offset(in file: UnsafeRawBufferPointer) -> Int? {
    var offset = 0
    while offset <= file.count - bytes.count {
      if file[offset..<offset + bytes.count].elementsEqual(bytes) { return offset }
      offset = offset == 0 ? 512 : offset * 2
    }
    return nil
  }
}
