import ZooSystem
import ZooTensor

/// Writes an `.npz`: a ZIP archive of stored arrays, as `numpy.savez` does.
package struct NumPyArchiveWriter<Failure: Error> {
  /// What arrays are members of.
  fileprivate(set) var archive: ZipArchiveWriter<Failure>

  package init(sink: @escaping ZipArchiveWriter<Failure>.Sink) { archive = ZipArchiveWriter(sink: sink) }

  init(_ archive: ZipArchiveWriter<Failure>) { self.archive = archive }

  /// Adds the array `name` (without `.npy`) with row-major little-endian `bytes`, as many as its
  /// shape and element type need.
  package mutating func add(
    _ name: String, shape: Shape, elementType: ElementType, bytes: UnsafeRawBufferPointer
  ) throws(Failure) {
    precondition(
      bytes.count == shape.elementCount * elementType.byteCount, "\(name): bytes don't fit the shape")
    try add(name, header: numPyHeader(type: elementType.numPyCode, shape: shape), bytes: bytes)
  }

  package mutating func add(_ name: String, _ tensor: Tensor) throws(Failure) {
    let header = numPyHeader(type: ElementType.float32.numPyCode, shape: tensor.shape)
    let bytes = ByteSlice(HeapBytes(tensor.values))
    try bytes.withUnsafeBytes { bytes throws(Failure) in try add(name, header: header, bytes: bytes) }
  }

  /// Adds a vector of strings of Unicode text (NumPy's type `U`).
  package mutating func add(_ name: String, strings: [String]) throws(Failure) {
    // Every element has the length of the longest, in UTF-32, filled up with zeros; never none.
    let length = max(1, strings.map(\.unicodeScalars.count).max() ?? 0)
    var units: [UInt32] = []
    units.reserveCapacity(strings.count * length)
    for string in strings {
      units += string.unicodeScalars.map { $0.value.littleEndian }
      units += repeatElement(0, count: length - string.unicodeScalars.count)
    }
    let header = numPyHeader(type: "<U\(length)", shape: [strings.count])
    let bytes = ByteSlice(HeapBytes(units))
    try bytes.withUnsafeBytes { bytes throws(Failure) in try add(name, header: header, bytes: bytes) }
  }

  private mutating func add(
    _ name: String, header: [UInt8], bytes: UnsafeRawBufferPointer
  ) throws(Failure) {
    let start = ByteSlice(HeapBytes(header))
    try archive.add("\(name).npy", size: header.count + bytes.count) { write throws(Failure) in
      try start.withUnsafeBytes(write)
      try write(bytes)
    }
  }

  /// Writes the central directory; nothing can be added after it.
  package mutating func finish() throws(Failure) { try archive.finish() }
}

extension ElementType {
  /// NumPy's name for it. bfloat16 is not a type of NumPy: its bytes are opaque there.
  var numPyCode: String {
    switch self {
    case .float16: "<f2"
    case .bfloat16: "|V2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .int8: "|i1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint8: "|u1"
    case .uint16: "<u2"
    case .uint32: "<u4"
    case .uint64: "<u8"
    case .bool: "|b1"
    }
  }
}

/// An `.npy` header, version 1.0, filled up with blanks so that the data starts at a multiple of 64 bytes.
func numPyHeader(type: String, shape: Shape) -> [UInt8] {
  let extents = shape.dimensions.map { "\($0)," }.joined(separator: " ")
  let tuple = shape.rank == 1 ? "(\(extents))" : "(\(extents.dropLast()))"
  var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': \(tuple), }".utf8)
  let blanks = (64 - (10 + text.count + 1) % 64) % 64
  text += repeatElement(UInt8(ascii: " "), count: blanks) + [UInt8(ascii: "\n")]
  return [0x93] + Array("NUMPY".utf8) + [1, 0] + le16(text.count) + text
}
