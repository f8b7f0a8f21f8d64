import CHDF5
import ZooTensor

/// A dataset as its description in the file says, checked; no data has been read.
struct HDF5Dataset: Sendable {
  let path: String
  let shape: Shape
  let elementType: ElementType
  let isBigEndian: Bool
  /// Where the data lies as it is, in one piece and little-endian; nil where libhdf5 must read it.
  let contiguous: Range<Int>?

  var byteCount: Int { shape.elementCount * elementType.byteCount }
}

extension HDF5File {
  private static let rankLimit = 32

  /// The description of the dataset at `path`; inside the lock.
  func dataset(_ path: String) throws(WeightFileError) -> HDF5Dataset {
    try checkLinks(path)
    let dataset = try opened(zoo_h5_open_dataset(id, path), path)
    let shape = try shape(of: dataset, path)
    let type = try opened(H5Dget_type(dataset.id), path)
    let (elementType, isBigEndian) = try elementType(type, dataset, path)

    // A shape's element count is limited far below where this product could overflow.
    let byteCount = shape.elementCount * elementType.byteCount
    let stored = Int(clamping: H5Dget_storage_size(dataset.id))
    let offset = H5Dget_offset(dataset.id)
    var contiguous: Range<Int>?
    // Only contiguous data within this file has an address; asking for that is far cheaper than
    // asking for the layout.
    if zoo_h5_is_address(offset) != 0 {
      let start = Int(clamping: offset)
      let (end, overflow) = start.addingReportingOverflow(byteCount)
      guard !overflow, end <= bytes.count else {
        throw malformed(path, "its \(byteCount) bytes at offset \(offset) lie beyond the end of the file")
      }
      guard stored == byteCount else {
        throw malformed(path, "its shape needs \(byteCount) bytes, but \(stored) are stored")
      }
      if !isBigEndian { contiguous = start..<end }
    } else {
      try checkStorage(dataset, path)
      try Expansion.check(declared: byteCount, stored: stored, limit: Expansion.hdf5) { why in
        unsupported(path, why)
      }
    }
    return HDF5Dataset(
      path: path, shape: shape, elementType: elementType, isBigEndian: isBigEndian, contiguous: contiguous)
  }

  /// The dataset's data, row-major and little-endian.
  func read(_ dataset: HDF5Dataset) throws(WeightFileError) -> ByteSlice {
    if let range = dataset.contiguous {
      let start = bytes.range.lowerBound + range.lowerBound
      guard let slice = ByteSlice(bytes.owner, range: start..<start + range.count) else {
        throw malformed(dataset.path, "its data lies beyond the end of the file")
      }
      return slice
    }
    let data = try HDF5Library.locked { () throws(WeightFileError) in
      let handle = try opened(zoo_h5_open_dataset(id, dataset.path), dataset.path)
      let type = try opened(H5Dget_type(handle.id), dataset.path)
      guard H5Tget_size(type.id) == dataset.elementType.byteCount,
        try shape(of: handle, dataset.path) == dataset.shape
      else { throw malformed(dataset.path, "it has changed since the file was opened") }
      return try HeapBytes(count: dataset.byteCount) { target throws(WeightFileError) in
        guard target.count == 0 || zoo_h5_read(handle.id, type.id, target.baseAddress) >= 0 else {
          throw malformed(dataset.path, HDF5Library.lastMessage())
        }
        if dataset.isBigEndian { swapBytes(of: target, size: dataset.elementType.byteCount) }
      }
    }
    return ByteSlice(data)
  }

  private func shape(of dataset: borrowing HDF5Handle, _ path: String) throws(WeightFileError) -> Shape {
    let space = try opened(H5Dget_space(dataset.id), path)
    switch H5Sget_simple_extent_type(space.id) {
    case H5S_SCALAR: return []
    case H5S_NULL: return [0]
    case H5S_SIMPLE: break
    default: throw malformed(path, "it has no shape")
    }
    let rank = Int(H5Sget_simple_extent_ndims(space.id))
    guard rank >= 0, rank <= Self.rankLimit else { throw malformed(path, "it has \(rank) axes") }
    var extents = [hsize_t](repeating: 0, count: rank)
    guard rank == 0 || H5Sget_simple_extent_dims(space.id, &extents, nil) == Int32(rank) else {
      throw malformed(path, HDF5Library.lastMessage())
    }
    guard let shape = Shape(checking: extents.map { Int(clamping: $0) }) else {
      let text = extents.map(String.init).joined(separator: "x")
      throw malformed(path, "its shape \(text) is larger than any tensor may be")
    }
    return shape
  }

  /// Refuses what lies in other files and what can't be decompressed.
  private func checkStorage(_ dataset: borrowing HDF5Handle, _ path: String) throws(WeightFileError) {
    let properties = try opened(H5Dget_create_plist(dataset.id), path)
    guard H5Pget_external_count(properties.id) == 0 else {
      throw unsupported(path, "its data lies in another file")
    }
    switch H5Pget_layout(properties.id) {
    // Contiguous data without an address was never written: libhdf5 supplies the fill value.
    case H5D_CONTIGUOUS, H5D_COMPACT: break
    case H5D_CHUNKED: try checkFilters(properties, path)
    case H5D_VIRTUAL: throw unsupported(path, "a virtual dataset, whose data lies in other files")
    default: throw malformed(path, "unknown storage layout")
    }
  }

  private func checkFilters(_ properties: borrowing HDF5Handle, _ path: String) throws(WeightFileError) {
    let count = H5Pget_nfilters(properties.id)
    guard count >= 0 else { throw malformed(path, HDF5Library.lastMessage()) }
    for index in 0..<UInt32(count) {
      switch zoo_h5_filter(properties.id, index) {
      case H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32: break
      case let filter where filter < 0: throw malformed(path, HDF5Library.lastMessage())
      case let filter:
        let names = [4: "szip", 5: "nbit", 6: "scale-offset", 32000: "lzf", 32001: "blosc", 32015: "zstd"]
        let name = names[Int(filter)] ?? "filter \(filter)"
        throw unsupported(
          path, "it is compressed with \(name); gzip, shuffle and fletcher32 are read",
          remedy: "write it again without compression or with gzip, for example with h5repack")
      }
    }
  }
}

// MARK: - Element types

extension HDF5File {
  /// The places of sign, exponent and mantissa that make a number of known format.
  private struct FloatLayout: Hashable {
    let size, sign, exponent, exponentBits, mantissa, mantissaBits, bias: Int
  }

  private static let floats: [FloatLayout: ElementType] = [
    FloatLayout(
      size: 2, sign: 15, exponent: 10, exponentBits: 5, mantissa: 0, mantissaBits: 10, bias: 15): .float16,
    FloatLayout(
      size: 2, sign: 15, exponent: 7, exponentBits: 8, mantissa: 0, mantissaBits: 7, bias: 127): .bfloat16,
    FloatLayout(
      size: 4, sign: 31, exponent: 23, exponentBits: 8, mantissa: 0, mantissaBits: 23, bias: 127): .float32,
    FloatLayout(
      size: 8, sign: 63, exponent: 52, exponentBits: 11, mantissa: 0, mantissaBits: 52, bias: 1023): .float64,
  ]

  private func elementType(
    _ type: borrowing HDF5Handle, _ dataset: borrowing HDF5Handle, _ path: String
  ) throws(WeightFileError) -> (ElementType, isBigEndian: Bool) {
    let size = H5Tget_size(type.id)
    let isBigEndian = H5Tget_order(type.id) == H5T_ORDER_BE
    switch H5Tget_class(type.id) {
    case H5T_FLOAT:
      var (sign, exponent, exponentBits, mantissa, mantissaBits) = (0, 0, 0, 0, 0)
      guard
        H5Tget_fields(type.id, &sign, &exponent, &exponentBits, &mantissa, &mantissaBits) >= 0,
        let known = Self.floats[
          FloatLayout(
            size: size, sign: sign, exponent: exponent, exponentBits: exponentBits, mantissa: mantissa,
            mantissaBits: mantissaBits, bias: Int(clamping: H5Tget_ebias(type.id)))],
        H5Tget_order(type.id) == H5T_ORDER_LE || isBigEndian
      else { throw unsupported(path, "its numbers are floats of \(size) bytes in an unusual format") }
      return (known, isBigEndian)
    case H5T_INTEGER:
      let isSigned = H5Tget_sign(type.id) == H5T_SGN_2
      guard let known = Self.integer(size: size, isSigned: isSigned), H5Tget_precision(type.id) == size * 8
      else {
        throw unsupported(path, "its numbers are integers of \(size) bytes in an unusual format")
      }
      return (known, isBigEndian && size > 1)
    case H5T_ENUM where size == 1:
      return (.bool, false)
    case H5T_OPAQUE where size == 2:
      guard try strings("dtype", object: dataset, path)?.first == "bfloat16" else { break }
      return (.bfloat16, false)
    default: break
    }
    throw unsupported(path, "its elements are not numbers of a known type")
  }

  private static func integer(size: Int, isSigned: Bool) -> ElementType? {
    switch size {
    case 1: isSigned ? .int8 : .uint8
    case 2: isSigned ? .int16 : .uint16
    case 4: isSigned ? .int32 : .uint32
    case 8: isSigned ? .int64 : .uint64
    default: nil
    }
  }
}
