import ZooSystem
import ZooTensor

/// A dataset that is stored in chunks of one shape, each compressed on its own: described, checked, read.
struct HDF5Chunks: Sendable {
  private let shape: Shape
  private let elementSize: Int
  private let path: String
  /// The shape of a chunk, in elements.
  private let extents: [Int]
  private let chunkByteCount: Int
  private let filters: [HDF5Catalogue.Filter]
  private let fill: [UInt8]
  private let stored: [Chunk]
  /// Whether every element is in some chunk.
  private let isComplete: Bool

  /// A chunk of so many bytes is fine whatever the shape is.
  private static let anyChunk = 64 << 20

  private struct Chunk: Sendable {
    let origin: [Int]
    let range: Range<Int>
    let skippedFilters: UInt32
  }

  /// The bytes that all chunks take in the file.
  var storedByteCount: Int { stored.reduce(0) { $0 + $1.range.count } }

  init(
    _ description: HDF5Catalogue.Chunks, shape: Shape, elementSize: Int, path: String, in file: HDF5File
  ) throws(ZooError) {
    let extents = description.extents.map { Int(clamping: $0) }
    guard extents.count == shape.rank, extents.allSatisfy({ $0 > 0 }),
      let chunkShape = Shape(checking: extents)
    else { throw file.malformed(path, "the shape of its chunks does not fit") }
    guard description.fill.count == elementSize, description.filters.count <= 8 else {
      throw file.malformed(path, "the description of its chunks is damaged")
    }
    // A chunk may be larger than what a growing dataset holds so far, but not by any amount.
    let largest = max(shape.elementCount * elementSize, Self.anyChunk)
    guard chunkShape.elementCount * elementSize <= largest else {
      throw file.malformed(path, "its chunks are far larger than its shape")
    }
    self.shape = shape
    self.elementSize = elementSize
    self.path = path
    self.extents = extents
    filters = description.filters
    fill = description.fill
    chunkByteCount = chunkShape.elementCount * elementSize
    var stored: [Chunk] = []
    var origins: Set<[Int]> = []
    var total = 0
    for chunk in description.stored {
      let origin = chunk.origin.map { Int(clamping: $0) }
      guard origin.count == extents.count,
        zip(origin, zip(extents, shape.dimensions)).allSatisfy({ $0 % $1.0 == 0 && $0 < $1.1 }),
        origins.insert(origin).inserted
      else { throw file.malformed(path, "a chunk lies outside of its shape or occurs twice") }
      let start = Int(clamping: chunk.offset)
      let count = Int(clamping: chunk.size)
      guard file.bytes.part(at: start, count: count) != nil else {
        throw file.malformed(
          path, "a chunk of \(count) bytes at offset \(start) lies beyond the end of the file")
      }
      total += count
      guard total <= file.bytes.count else { throw file.malformed(path, "its chunks overlap") }
      stored.append(
        Chunk(origin: origin, range: start..<start + count, skippedFilters: chunk.skippedFilters))
    }
    self.stored = stored
    // No overflow: where chunks are larger than the shape, there is one along that axis.
    let grid = zip(shape.dimensions, extents).reduce(1) { $0 * ($1.0 / $1.1 + ($1.0 % $1.1 == 0 ? 0 : 1)) }
    isComplete = stored.count == grid
  }

  /// All elements, row-major, in the file's byte order.
  func read(from file: HDF5File) throws(ZooError) -> ByteSlice {
    let data = try HeapBytes(count: shape.elementCount * elementSize) { target throws(ZooError) in
      if !isComplete { target.fill(with: fill) }
      for chunk in stored {
        let contents = try contents(of: chunk, in: file)
        contents.withUnsafeBytes { place($0, at: chunk.origin, into: target) }
      }
    }
    return ByteSlice(data)
  }

  // MARK: Filters

  /// A chunk's elements: its bytes in the file after undoing, in reverse, what was done to them.
  private func contents(of chunk: Chunk, in file: HDF5File) throws(ZooError) -> ByteSlice {
    guard var data = file.bytes.part(at: chunk.range.lowerBound, count: chunk.range.count) else {
      throw file.malformed(path, "a chunk lies beyond the end of the file")
    }
    for (index, filter) in filters.enumerated().reversed()
    where chunk.skippedFilters >> UInt32(index) & 1 == 0 {
      switch filter {
      case .fletcher32: data = try withoutChecksum(data, in: file)
      case .deflate:
        // Checksums that were made before compressing are still in it.
        let checksums = filters[..<index].count { $0 == .fletcher32 }
        data = try inflated(data, atMost: chunkByteCount + 4 * checksums, in: file)
      case .shuffle(let size): data = unshuffled(data, size: Int(clamping: size))
      }
    }
    guard data.count == chunkByteCount else {
      throw file.malformed(path, "a chunk has \(data.count) bytes, its shape needs \(chunkByteCount)")
    }
    return data
  }

  private func inflated(
    _ data: ByteSlice, atMost limit: Int, in file: HDF5File
  ) throws(ZooError) -> ByteSlice {
    guard Inflater.canInflate(data.count, to: limit) else {
      throw file.malformed(path, "a chunk of \(data.count) bytes can't inflate to \(limit)")
    }
    var count = 0
    let target = try HeapBytes(count: limit) { target throws(ZooError) in
      do throws(Inflater.Failure) {
        count = try data.withUnsafeBytes { source throws(Inflater.Failure) in
          try Inflater.inflate(source, into: target, format: .zlib, isWhole: true)
        }
      } catch {
        throw file.malformed(path, "a chunk can't be inflated: \(error.why)")
      }
    }
    return ByteSlice(target).part(at: 0, count: count) ?? ByteSlice(target)
  }

  /// Gathers the bytes of each element, which were stored all first bytes first.
  private func unshuffled(_ data: ByteSlice, size: Int) -> ByteSlice {
    guard size > 1, data.count >= size else { return data }
    let elements = data.count / size
    return ByteSlice(
      HeapBytes(count: data.count) { target in
        data.withUnsafeBytes { source in
          for byte in 0..<size {
            for element in 0..<elements { target[element * size + byte] = source[byte * elements + element] }
          }
          // What makes no whole element stays at the end.
          for rest in elements * size..<data.count { target[rest] = source[rest] }
        }
      })
  }

  /// `data` without the four bytes at its end, which are its checksum.
  private func withoutChecksum(_ data: ByteSlice, in file: HDF5File) throws(ZooError) -> ByteSlice {
    guard let contents = data.part(at: 0, count: data.count - 4),
      let sum = data.part(at: data.count - 4, count: 4)
    else { throw file.malformed(path, "a chunk is too short for its checksum") }
    let stored = sum.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)) }
    guard contents.withUnsafeBytes(Fletcher32.checksum) == stored else {
      throw file.malformed(path, "a chunk's checksum does not match")
    }
    return contents
  }

  // MARK: Places

  /// Copies a chunk's elements to where they belong; those beyond the shape's edges are padding.
  private func place(
    _ chunk: UnsafeRawBufferPointer, at origin: [Int], into target: UnsafeMutableRawBufferPointer
  ) {
    let axes = shape.rank
    guard axes > 0, !target.isEmpty else { return }
    let counts = (0..<axes).map { min(extents[$0], shape[$0] - origin[$0]) }
    let rowLength = counts[axes - 1] * elementSize
    var index = [Int](repeating: 0, count: axes)
    while true {
      var (from, to) = (0, 0)
      for axis in 0..<axes {
        from = from * extents[axis] + index[axis]
        to = to * shape[axis] + origin[axis] + index[axis]
      }
      let row = UnsafeRawBufferPointer(rebasing: chunk[from * elementSize..<from * elementSize + rowLength])
      UnsafeMutableRawBufferPointer(rebasing: target[to * elementSize..<to * elementSize + rowLength])
        .copyMemory(from: row)
      // Counts up all axes but the last, whose elements make the row.
      var axis = axes - 2
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < counts[axis] { break }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

/// HDF5's variant of Fletcher's checksum: over 16-bit words with the first byte highest.
enum Fletcher32 {
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var (first, second): (UInt32, UInt32) = (0, 0)
    var position = 0
    while position + 1 < bytes.count {
      // Sums of 360 words still fit 32 bits.
      let end = min(position + 720, bytes.count & ~1)
      while position < end {
        first &+= UInt32(bytes[position]) << 8 | UInt32(bytes[position + 1])
        second &+= first
        position += 2
      }
      first = (first & 0xffff) &+ (first >> 16)
      second = (second & 0xffff) &+ (second >> 16)
    }
    if bytes.count % 2 == 1, let last = bytes.last {
      first &+= UInt32(last) << 8
      second &+= first
      first = (first & 0xffff) &+ (first >> 16)
      second = (second & 0xffff) &+ (second >> 16)
    }
    first = (first & 0xffff) &+ (first >> 16)
    second = (second & 0xffff) &+ (second >> 16)
    return second << 16 | first
  }
}
