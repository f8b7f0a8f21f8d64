import ZooSystem
import ZooTensor

/// A dataset as its file describes it, checked; no data has been read.
struct HDF5Dataset: Sendable {
  let path: String
  let shape: Shape
  let elementType: ElementType
  private let isBigEndian: Bool
  private let storage: Storage

  /// Where the elements are, inside the file.
  private enum Storage: Sendable {
    case contiguous(Range<Int>)
    case compact([UInt8])
    case chunked(HDF5Chunks)
    case unwritten(fill: [UInt8])
  }

  var byteCount: Int { shape.elementCount * elementType.byteCount }

  init(
    _ description: HDF5Catalogue.Dataset, path: String, in file: HDF5File
  ) throws(ZooError) {
    let extents = description.extents.map { Int(clamping: $0) }
    guard let shape = Shape(checking: extents) else {
      let text = description.extents.map(String.init).joined(separator: "x")
      throw file.malformed(path, "its shape \(text) is larger than any tensor may be")
    }
    self.path = path
    self.shape = shape
    elementType = description.elementType
    isBigEndian = description.isBigEndian
    // A shape's element count is limited far below where this product could overflow.
    let byteCount = shape.elementCount * description.elementType.byteCount
    func checkExpansion(stored: Int) throws(ZooError) {
      try Expansion.check(declared: byteCount, stored: stored, limit: Expansion.hdf5) { why, remedy in
        file.unsupported(path, why, remedy: remedy)
      }
    }
    func checkSize(_ stored: Int) throws(ZooError) {
      guard stored == byteCount else {
        throw file.malformed(path, "its shape needs \(byteCount) bytes, but \(stored) are stored")
      }
    }
    switch description.storage {
    case .contiguous(let offset, let size):
      let start = Int(clamping: offset)
      let (end, overflow) = start.addingReportingOverflow(byteCount)
      guard !overflow, end <= file.bytes.count else {
        throw file.malformed(
          path, "its \(byteCount) bytes at offset \(offset) lie beyond the end of the file")
      }
      try checkSize(Int(clamping: size))
      storage = .contiguous(start..<end)
    case .compact(let data):
      try checkSize(data.count)
      storage = .compact(data)
    case .unwritten(let fill):
      guard fill.count == elementType.byteCount else {
        throw file.malformed(path, "its fill value is damaged")
      }
      try checkExpansion(stored: 0)
      storage = .unwritten(fill: fill)
    case .chunked(let description):
      let chunks = try HDF5Chunks(
        description, shape: shape, elementSize: elementType.byteCount, path: path, in: file)
      try checkExpansion(stored: chunks.storedByteCount)
      storage = .chunked(chunks)
    }
  }

  /// The data, row-major and little-endian; a part of the file where it lies there like that.
  func read(from file: HDF5File) throws(ZooError) -> ByteSlice {
    let source: ByteSlice
    switch storage {
    case .contiguous(let range):
      guard let slice = file.bytes.part(at: range.lowerBound, count: range.count) else {
        throw file.malformed(path, "its data lies beyond the end of the file")
      }
      source = slice
    case .compact(let data): source = ByteSlice(HeapBytes(data))
    case .unwritten(let fill):
      source = ByteSlice(HeapBytes(count: byteCount) { target in target.fill(with: fill) })
    case .chunked(let chunks): source = try chunks.read(from: file)
    }
    guard isBigEndian, elementType.byteCount > 1 else { return source }
    return ByteSlice(
      HeapBytes(count: byteCount) { target in
        source.withUnsafeBytes { target.copyMemory(from: $0) }
        swapBytes(of: target, size: elementType.byteCount)
      })
  }
}

extension HDF5File {
  /// The dataset's data, row-major and little-endian.
  func read(_ dataset: HDF5Dataset) throws(ZooError) -> ByteSlice { try dataset.read(from: self) }
}

extension UnsafeMutableRawBufferPointer {
  /// Repeats `pattern` as often as it fits.
  func fill(with pattern: [UInt8]) {
    guard pattern.contains(where: { $0 != 0 }) else {
      _ = initializeMemory(as: UInt8.self, repeating: 0)
      return
    }
    for start in stride(from: 0, through: count - pattern.count, by: pattern.count) {
      for (index, byte) in pattern.enumerated() { self[start + index] = byte }
    }
  }
}
