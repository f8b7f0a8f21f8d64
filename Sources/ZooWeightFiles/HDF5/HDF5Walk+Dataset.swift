import CHDF5
import ZooTensor

extension HDF5Walk {
  private static let rankLimit = 32

  /// The description of the open `dataset`; `attributes` are its own.
  mutating func dataset(
    _ dataset: borrowing HDF5Handle, attributes: [String: HDF5Catalogue.Attribute]
  ) throws(Problem) -> HDF5Catalogue.Dataset {
    let space = try opened(H5Dget_space(dataset.id))
    let extents = try extents(of: space)
    let type = try opened(H5Dget_type(dataset.id))
    let (elementType, isBigEndian) = try elementType(type, attributes: attributes)
    let storage: HDF5Catalogue.Storage
    // Only contiguous data within this file has an address; asking for that is far cheaper than
    // asking for the layout.
    let offset = H5Dget_offset(dataset.id)
    if zoo_h5_is_address(offset) != 0 {
      storage = .contiguous(offset: UInt64(offset), size: UInt64(H5Dget_storage_size(dataset.id)))
    } else {
      storage = try otherStorage(of: dataset, space, type, size: elementType.byteCount, extents: extents)
    }
    return HDF5Catalogue.Dataset(
      extents: extents, elementType: elementType, isBigEndian: isBigEndian, storage: storage)
  }

  private func extents(of space: borrowing HDF5Handle) throws(Problem) -> [UInt64] {
    switch H5Sget_simple_extent_type(space.id) {
    case H5S_SCALAR: return []
    case H5S_NULL: return [0]
    case H5S_SIMPLE: break
    default: throw Problem(why: "it has no shape")
    }
    let rank = Int(H5Sget_simple_extent_ndims(space.id))
    guard rank >= 0, rank <= Self.rankLimit else { throw Problem(why: "it has \(rank) axes") }
    var extents = [hsize_t](repeating: 0, count: rank)
    guard rank == 0 || H5Sget_simple_extent_dims(space.id, &extents, nil) == Int32(rank) else {
      throw Problem(why: HDF5Library.lastMessage())
    }
    return extents
  }

  // MARK: Storage

  /// Where the elements are, if not in one piece of this file.
  private mutating func otherStorage(
    of dataset: borrowing HDF5Handle, _ space: borrowing HDF5Handle, _ type: borrowing HDF5Handle, size: Int,
    extents: [UInt64]
  ) throws(Problem) -> HDF5Catalogue.Storage {
    let properties = try opened(H5Dget_create_plist(dataset.id))
    guard H5Pget_external_count(properties.id) == 0 else {
      throw Problem(kind: .unsupported, why: "its data lies in another file")
    }
    var fill = [UInt8](repeating: 0, count: size)
    guard H5Tget_size(type.id) == size, zoo_h5_fill_value(properties.id, type.id, &fill) >= 0 else {
      throw Problem(why: HDF5Library.lastMessage())
    }
    switch H5Pget_layout(properties.id) {
    case H5D_CONTIGUOUS: return .unwritten(fill: fill)
    case H5D_COMPACT: return .compact(try compactData(of: dataset, type))
    case H5D_CHUNKED:
      let chunks = try chunks(of: dataset, space, properties, fill: fill, rank: extents.count)
      return .chunked(chunks)
    case H5D_VIRTUAL:
      throw Problem(kind: .unsupported, why: "a virtual dataset, whose data lies in other files")
    default: throw Problem(why: "unknown storage layout")
    }
  }

  /// The bytes in the dataset's header, which has at most 64 KiB.
  private mutating func compactData(
    of dataset: borrowing HDF5Handle, _ type: borrowing HDF5Handle
  ) throws(Problem) -> [UInt8] {
    let size = Int(clamping: H5Dget_storage_size(dataset.id))
    guard size <= 1 << 16 else { throw Problem(why: "\(size) bytes of data in its header") }
    let space = try opened(H5Dget_space(dataset.id))
    let points = Int(H5Sget_simple_extent_npoints(space.id))
    let (needed, overflow) = points.multipliedReportingOverflow(by: H5Tget_size(type.id))
    guard points >= 0, !overflow, needed == size else {
      throw Problem(why: "its shape needs \(needed) bytes, but \(size) are stored")
    }
    try count(text: size)
    var bytes = [UInt8](repeating: 0, count: size)
    guard size == 0 || zoo_h5_read(dataset.id, type.id, &bytes) >= 0 else {
      throw Problem(why: HDF5Library.lastMessage())
    }
    return bytes
  }

  private mutating func chunks(
    of dataset: borrowing HDF5Handle, _ space: borrowing HDF5Handle, _ properties: borrowing HDF5Handle,
    fill: [UInt8], rank: Int
  ) throws(Problem) -> HDF5Catalogue.Chunks {
    let filters = try filters(properties)
    guard filters.isEmpty || zoo_h5_edges_are_unfiltered(properties.id) == 0 else {
      throw Problem(
        kind: .unsupported, why: "chunks at its edges are not compressed", remedy: Self.rewrite)
    }
    var extents = [hsize_t](repeating: 0, count: rank)
    guard rank > 0, H5Pget_chunk(properties.id, Int32(rank), &extents) == Int32(rank) else {
      throw Problem(why: HDF5Library.lastMessage())
    }
    var number: hsize_t = 0
    guard H5Dget_num_chunks(dataset.id, space.id, &number) >= 0 else {
      throw Problem(why: HDF5Library.lastMessage())
    }
    guard number <= UInt64(limits.chunks) else {
      throw Problem(limit: "chunks", "a dataset of more than \(limits.chunks) chunks")
    }
    var stored: [HDF5Catalogue.Chunk] = []
    for index in 0..<number {
      var origin = [hsize_t](repeating: 0, count: rank)
      var (skipped, offset, size): (UInt32, haddr_t, hsize_t) = (0, 0, 0)
      guard H5Dget_chunk_info(dataset.id, space.id, index, &origin, &skipped, &offset, &size) >= 0 else {
        throw Problem(why: HDF5Library.lastMessage())
      }
      try count(text: 8 * (rank + 3))
      stored.append(
        HDF5Catalogue.Chunk(
          origin: origin, offset: UInt64(offset), size: UInt64(size), skippedFilters: skipped))
    }
    return HDF5Catalogue.Chunks(extents: extents, filters: filters, fill: fill, stored: stored)
  }

  private static let rewrite = "Write it again without compression or with gzip, for example with h5repack."

  private func filters(_ properties: borrowing HDF5Handle) throws(Problem) -> [HDF5Catalogue.Filter] {
    let count = H5Pget_nfilters(properties.id)
    guard count >= 0 else { throw Problem(why: HDF5Library.lastMessage()) }
    var filters: [HDF5Catalogue.Filter] = []
    for index in 0..<UInt32(count) {
      var parameter: UInt32 = 0
      switch zoo_h5_filter(properties.id, index, &parameter) {
      case H5Z_FILTER_DEFLATE: filters.append(.deflate)
      case H5Z_FILTER_SHUFFLE: filters.append(.shuffle(size: UInt64(parameter)))
      case H5Z_FILTER_FLETCHER32: filters.append(.fletcher32)
      case let filter where filter < 0: throw Problem(why: HDF5Library.lastMessage())
      case let filter:
        let names = [4: "szip", 5: "nbit", 6: "scale-offset", 32000: "lzf", 32001: "blosc", 32015: "zstd"]
        throw Problem(
          kind: .unsupported,
          why: "it is compressed with \(names[Int(filter)] ?? "filter \(filter)"); gzip, shuffle and "
            + "fletcher32 are read",
          remedy: Self.rewrite)
      }
    }
    return filters
  }

  // MARK: Element types

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
    _ type: borrowing HDF5Handle, attributes: [String: HDF5Catalogue.Attribute]
  ) throws(Problem) -> (ElementType, isBigEndian: Bool) {
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
      else { throw unusual("floats", size) }
      return (known, isBigEndian)
    case H5T_INTEGER:
      let isSigned = H5Tget_sign(type.id) == H5T_SGN_2
      guard let known = Self.integer(size: size, isSigned: isSigned), H5Tget_precision(type.id) == size * 8
      else { throw unusual("integers", size) }
      return (known, isBigEndian && size > 1)
    case H5T_ENUM where size == 1:
      return (.bool, false)
    case H5T_OPAQUE where size == 2:
      // Keras 3's legacy format drops the name; no other type of two bytes becomes an opaque one.
      guard attributes["dtype"] == nil || attributes["dtype"] == .strings(["bfloat16"]) else { break }
      return (.bfloat16, false)
    default: break
    }
    throw Problem(kind: .unsupported, why: "its elements are not numbers of a known type")
  }

  private func unusual(_ kind: String, _ size: Int) -> Problem {
    Problem(kind: .unsupported, why: "its numbers are \(kind) of \(size) bytes in an unusual format")
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
