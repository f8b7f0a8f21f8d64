import Dispatch
import ZooSystem

/// The elements of a tensor in another order than they are stored in: strides in elements, negative for a reversed
/// axis.
package struct StridedView: Sendable, Hashable {
  package internal(set) var extents: [Int]
  private(set) var strides: [Int]
  var offset = 0

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
  /// - Parameter done: is told which bytes of the source are not needed any more, by several threads.
  package func copy(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, size: Int,
    done: @Sendable (Range<Int>) -> Void = { _ in }
  ) {
    guard elementCount > 0 else { return }
    let view = merged
    if view.strides.last == 1 {
      view.copyRuns(source, into: target, size: size)
      return
    }
    switch size {
    case 1: view.copyElements(UInt8.self, source, into: target, done)
    case 2: view.copyElements(UInt16.self, source, into: target, done)
    case 4: view.copyElements(UInt32.self, source, into: target, done)
    default: view.copyElements(UInt64.self, source, into: target, done)
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
  private func copyElements<Element: BitwiseCopyable & SIMDScalar & SendableMetatype>(
    _: Element.Type, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer,
    _ done: @Sendable (Range<Int>) -> Void
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
            let place = from + (read + first * nearStep)
            if nearStep == size {
              Self.turn(place, rowStep: step, count, width, into: rows, tile: tile)
            } else {
              for j in 0..<count {
                for k in 0..<width {
                  rows[k * tile + j] = (place + (j * step + k * nearStep)).loadUnaligned(as: Element.self)
                }
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
      if isOutermost { done(start * step..<(start + count) * step) }
    }
    let bands = (extents[last] + tile - 1) / tile
    if elementCount < StridedView.leastShared {
      for band in 0..<bands { copyBand(band) }
    } else {
      DispatchQueue.concurrentPerform(iterations: bands, execute: copyBand)
    }
  }

  /// Turns `count` rows of `width` elements into columns, by squares of four.
  @inline(__always)
  private static func turn<Element: BitwiseCopyable & SIMDScalar>(
    _ source: UnsafeRawPointer, rowStep: Int, _ count: Int, _ width: Int,
    into target: UnsafeMutablePointer<Element>, tile: Int
  ) {
    typealias Four = SIMD4<Element>
    let size = MemoryLayout<Element>.size
    let (wholeRows, wholeColumns) = (count & ~3, width & ~3)
    for j in stride(from: 0, to: wholeRows, by: 4) {
      let row = source + j &* rowStep
      for k in stride(from: 0, to: wholeColumns, by: 4) {
        let place = row + k &* size
        let a = place.loadUnaligned(as: Four.self)
        let b = (place + rowStep).loadUnaligned(as: Four.self)
        let c = (place + 2 &* rowStep).loadUnaligned(as: Four.self)
        let d = (place + 3 &* rowStep).loadUnaligned(as: Four.self)
        let to = UnsafeMutableRawPointer(target + (k &* tile &+ j))
        let line = tile &* size
        to.storeBytes(of: Four(a[0], b[0], c[0], d[0]), as: Four.self)
        (to + line).storeBytes(of: Four(a[1], b[1], c[1], d[1]), as: Four.self)
        (to + 2 &* line).storeBytes(of: Four(a[2], b[2], c[2], d[2]), as: Four.self)
        (to + 3 &* line).storeBytes(of: Four(a[3], b[3], c[3], d[3]), as: Four.self)
      }
    }
    for j in 0..<count {
      for k in (j < wholeRows ? wholeColumns : 0)..<width {
        target[k &* tile &+ j] = (source + (j &* rowStep &+ k &* size)).loadUnaligned(as: Element.self)
      }
    }
  }

  /// The same view, where axes that follow one another in the source as they do here are one.
  var merged: StridedView {
    var (extents, strides): ([Int], [Int]) = ([], [])
    for (extent, step) in zip(self.extents, self.strides) where extent != 1 {
      if let last = strides.last, last == step * extent {
        extents[extents.count - 1] *= extent
        strides[strides.count - 1] = step
      } else {
        extents.append(extent)
        strides.append(step)
      }
    }
    var merged = strides.isEmpty ? Self(of: [1]) : Self(extents: extents, strides: strides)
    merged.offset = offset
    return merged
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
