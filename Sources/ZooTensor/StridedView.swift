import Dispatch
import ZooSystem

/// The elements of a tensor in another order than they are stored in: strides in elements, negative for a reversed
/// axis.
package struct StridedView: Sendable, Hashable {
  package private(set) var extents: [Int]
  private var strides: [Int]
  private var offset = 0

  /// A row-major tensor as it is stored.
  package init(of shape: Shape) {
    let extents = shape.dimensions
    self.extents = extents
    strides = extents.indices.map { axis in extents[(axis + 1)...].reduce(1, *) }
  }

  /// A column-major tensor in row-major order: its axes are stored the other way round.
  package init(columnMajor shape: Shape) {
    self.init(of: Shape(shape.dimensions.reversed()))
    permute(extents.indices.reversed())
  }

  /// A matrix whose rows are the pixels of `map` (height, width, channels), stored channel by channel.
  package init(rowsOf map: Shape, columns: Int) {
    extents = [map[0], map[1], map[2], columns]
    strides = [map[1] * columns, columns, map[0] * map[1] * columns, 1]
  }

  /// A view with these strides, one for each axis.
  package init(extents: [Int], strides: [Int]) {
    precondition(extents.count == strides.count)
    self.extents = extents
    self.strides = strides
  }

  package var elementCount: Int { extents.reduce(1, *) }

  /// Whether the elements lie in the order of the view, without gaps.
  package var isRowMajor: Bool {
    var expected = 1
    for (extent, stride) in zip(extents, strides).reversed() where extent != 1 {
      guard stride == expected else { return false }
      expected *= extent
    }
    return offset == 0
  }

  /// Axis i becomes what `axes[i]` was.
  package mutating func permute(_ axes: [Int]) {
    extents = axes.map { extents[$0] }
    strides = axes.map { strides[$0] }
  }

  /// Turns an axis round.
  package mutating func reverse(axis: Int) {
    offset += (extents[axis] - 1) * strides[axis]
    strides[axis] = -strides[axis]
  }

  /// Copies elements of `size` bytes, 1, 2, 4 or 8; both buffers have ``elementCount`` of them, or the source those
  /// that the view reaches.
  ///
  /// - Parameter done: is told which bytes of the source are not needed any more, in their order.
  package func copy(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, size: Int,
    done: (Range<Int>) -> Void = { _ in }
  ) {
    guard elementCount > 0, let last = extents.indices.last else { return }
    if strides[last] == 1 {
      copyRuns(source, into: target, size: size)
      return
    }
    switch size {
    case 1: copyElements(UInt8.self, source, into: target, done)
    case 2: copyElements(UInt16.self, source, into: target, done)
    case 4: copyElements(UInt32.self, source, into: target, done)
    default: copyElements(UInt64.self, source, into: target, done)
    }
  }

  /// Copies where elements of the last axis lie together in the source.
  private func copyRuns(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, size: Int
  ) {
    let last = extents.count - 1
    let run = extents[last]
    var places = Odometer(extents.dropLast(), strides.dropLast(), start: offset)
    for to in stride(from: 0, to: elementCount, by: run) {
      let part = UnsafeRawBufferPointer(rebasing: source[places.place * size..<(places.place + run) * size])
      UnsafeMutableRawBufferPointer(rebasing: target[to * size..<(to + run) * size]).copyMemory(from: part)
      places.advance()
    }
  }

  /// Copies in tiles of the target's last axis and of the axis that lies closest in the source, so that both are
  /// read and written by cache lines; the last axis in bands, so that a large source is gone through once, by
  /// several threads.
  private func copyElements<Element: BitwiseCopyable & SendableMetatype>(
    _: Element.Type, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer,
    _ done: (Range<Int>) -> Void
  ) {
    guard let sourceStart = source.baseAddress, let targetStart = target.baseAddress else { return }
    // Threads write apart from each other.
    nonisolated(unsafe) let (from, to) = (sourceStart, targetStart)
    let size = MemoryLayout<Element>.size
    let tile = 64
    let targetStrides = StridedView(of: Shape(extents)).strides
    let last = extents.count - 1
    let near =
      extents.indices.filter { $0 != last && extents[$0] > 1 }.min { abs(strides[$0]) < abs(strides[$1]) }
    // In the source's order, so that what a cache line holds beside a tile is read next.
    let others = extents.indices.filter { $0 != last && $0 != near }
      .sorted { abs(strides[$0]) > abs(strides[$1]) }
    let (nearCount, nearStep, nearTarget) =
      near.map { (extents[$0], strides[$0] * size, targetStrides[$0] * size) } ?? (1, 0, 0)
    let step = strides[last] * size
    // Whether the last axis is the outermost of the source: then each band is a part of it.
    let isOutermost = strides[last] * extents[last] == elementCount && offset == 0
    @Sendable func copyBand(_ band: Int) {
      let start = band * tile
      let count = min(tile, extents[last] - start)
      var places = Odometer(others.map { extents[$0] }, others.map { strides[$0] }, start: offset)
      var targets = Odometer(others.map { extents[$0] }, others.map { targetStrides[$0] }, start: 0)
      // Rows of a target are often a multiple of a page apart, where a cache keeps only few: they are written whole.
      withUnsafeTemporaryAllocation(of: Element.self, capacity: tile * tile) { turned in
        guard let rows = turned.baseAddress else { return }
        for _ in 0..<places.count {
          let (read, write) = (places.place * size + start * step, (targets.place + start) * size)
          for first in stride(from: 0, to: nearCount, by: tile) {
            let width = min(tile, nearCount - first)
            for j in 0..<count {
              var here = read + j * step + first * nearStep
              for k in 0..<width {
                rows[k * tile + j] = from.loadUnaligned(fromByteOffset: here, as: Element.self)
                here += nearStep
              }
            }
            for k in 0..<width {
              (to + write + (first + k) * nearTarget).copyMemory(
                from: rows + k * tile, byteCount: count * size)
            }
          }
          places.advance()
          targets.advance()
        }
      }
    }
    let bands = (extents[last] + tile - 1) / tile
    let threads = elementCount < StridedView.leastShared ? 1 : min(bands, Processors.count)
    for first in stride(from: 0, to: bands, by: threads) {
      let several = min(threads, bands - first)
      if several == 1 {
        copyBand(first)
      } else {
        DispatchQueue.concurrentPerform(iterations: several) { copyBand(first + $0) }
      }
      if isOutermost { done(first * tile * step..<min(extents[last], (first + several) * tile) * step) }
    }
  }

  /// How many elements a copy has at least that several threads share.
  private static let leastShared = 1 << 18

  /// All places that axes lead to, the last axis fastest.
  private struct Odometer {
    private let extents: [Int]
    private let strides: [Int]
    private var index: [Int]
    private(set) var place: Int

    var count: Int { extents.reduce(1, *) }

    init(_ extents: some Sequence<Int>, _ strides: some Sequence<Int>, start: Int) {
      self.extents = Array(extents)
      self.strides = Array(strides)
      index = Array(repeating: 0, count: self.extents.count)
      place = start
    }

    mutating func advance() {
      var axis = extents.count - 1
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < extents[axis] { return }
        place -= strides[axis] * extents[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
