import ZooSystem
import ZooTensor

/// Writes an `.npz`: a ZIP archive of stored arrays, as `numpy.savez` does, with 64-bit sizes and
/// offsets only where they are needed.
///
/// The bytes go to `sink` in order, array by array; nothing is kept but the directory.
package struct NumPyArchiveWriter<Failure: Error> {
  package typealias Sink = (UnsafeRawBufferPointer) throws(Failure) -> Void

  private struct Entry {
    let name: [UInt8]
    let checksum: UInt32
    let size: Int
    let offset: Int
    let time: [UInt8]
  }

  private let sink: Sink
  private var entries: [Entry] = []
  private var offset = 0

  package init(sink: @escaping Sink) { self.sink = sink }

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
    let checksum = crc32(of: bytes, continuing: start.withUnsafeBytes { crc32(of: $0) })
    let entry = Entry(
      name: Array("\(name).npy".utf8), checksum: checksum, size: header.count + bytes.count, offset: offset,
      // 1980-01-01, ZIP's first day: equal contents give equal files.
      time: [0, 0, 0x21, 0])
    try write(localHeader(entry))
    try write(header)
    try sink(bytes)
    offset += bytes.count
    entries.append(entry)
  }

  /// Writes the central directory; nothing can be added after it.
  package mutating func finish() throws(Failure) {
    let start = offset
    for entry in entries { try write(directoryEntry(entry)) }
    let size = offset - start
    let is64 = entries.count >= 0xffff || start >= 0xffff_ffff || size >= 0xffff_ffff
    if is64 {
      let record = offset
      try write(
        le32(0x0606_4b50) + le64(44) + le16(45) + le16(45) + le32(0) + le32(0) + le64(entries.count)
          + le64(entries.count) + le64(size) + le64(start))
      try write(le32(0x0706_4b50) + le32(0) + le64(record) + le32(1))
    }
    let count = le16(min(entries.count, 0xffff))
    try write(
      le32(0x0605_4b50) + le16(0) + le16(0) + count + count + le32(min(size, 0xffff_ffff))
        + le32(min(start, 0xffff_ffff)) + le16(0))
  }

  private mutating func write(_ bytes: [UInt8]) throws(Failure) {
    try ByteSlice(HeapBytes(bytes)).withUnsafeBytes { bytes throws(Failure) in try sink(bytes) }
    offset += bytes.count
  }

  /// Bit 11 of the flags: the name is UTF-8.
  private static var flags: Int { 1 << 11 }

  private func localHeader(_ entry: Entry) -> [UInt8] {
    let is64 = entry.size >= 0xffff_ffff
    let size = is64 ? le32(0xffff_ffff) : le32(entry.size)
    let extra = is64 ? le16(1) + le16(16) + le64(entry.size) + le64(entry.size) : []
    return le32(0x0403_4b50) + le16(is64 ? 45 : 20) + le16(Self.flags) + le16(0) + entry.time
      + le32(Int(entry.checksum)) + size + size + le16(entry.name.count) + le16(extra.count) + entry.name
      + extra
  }

  private func directoryEntry(_ entry: Entry) -> [UInt8] {
    let isLarge = entry.size >= 0xffff_ffff
    let isFar = entry.offset >= 0xffff_ffff
    let values = (isLarge ? le64(entry.size) + le64(entry.size) : []) + (isFar ? le64(entry.offset) : [])
    let extra = values.isEmpty ? [] : le16(1) + le16(values.count) + values
    let version = le16(values.isEmpty ? 20 : 45)
    let size = le32(min(entry.size, 0xffff_ffff))
    return le32(0x0201_4b50) + version + version + le16(Self.flags) + le16(0) + entry.time
      + le32(Int(entry.checksum)) + size + size + le16(entry.name.count) + le16(extra.count) + le16(0)
      + le16(0)
      + le16(0) + le32(0) + le32(min(entry.offset, 0xffff_ffff)) + entry.name + extra
  }
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

private func le16(_ value: Int) -> [UInt8] { (0..<2).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
private func le32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
private func le64(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
