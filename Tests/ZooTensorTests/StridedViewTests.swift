import Synchronization
import Testing
import ZooTensor

/// Copies in other orders, against one element after the other.
@Suite struct StridedViewTests {
  /// The elements of `values` in the order of strides, by the plainest loop.
  private func plain(_ values: [UInt64], _ extents: [Int], _ strides: [Int], _ offset: Int = 0) -> [UInt64] {
    guard let extent = extents.first, let stride = strides.first else { return [values[offset]] }
    return (0..<extent).flatMap {
      plain(values, Array(extents.dropFirst()), Array(strides.dropFirst()), offset + $0 * stride)
    }
  }

  private func copied(_ values: [UInt64], _ view: StridedView, size: Int) -> (
    values: [UInt64], done: [Range<Int>]
  ) {
    let source = values.flatMap { value in (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var target = [UInt8](repeating: 0xee, count: view.elementCount * size)
    let done = Mutex<[Range<Int>]>([])
    source.withUnsafeBytes { from in
      target.withUnsafeMutableBytes { to in
        view.copy(from, into: to, size: size) { range in done.withLock { $0.append(range) } }
      }
    }
    let found = (0..<view.elementCount).map { place in
      (0..<size).reversed().reduce(0) { $0 << 8 | UInt64(target[place * size + $1]) }
    }
    return (found, done.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } })
  }

  @Test(arguments: [1, 2, 4, 8]) func everyOrderIsCopied(size: Int) {
    for (extents, strides, count) in [
      ([3, 5], [1, 3], 15), ([130, 65], [1, 130], 8450), ([65, 200], [1, 65], 13_000),
      ([3, 3, 70, 66], [3, 1, 9, 630], 41_580), ([7, 5, 20, 67], [5, 1, 35, 700], 46_900),
      ([4, 1, 1], [2, 9, 9], 7), ([5], [3], 13), ([2, 3, 4], [12, 4, 1], 24), ([3, 4], [1, 0], 3),
      ([3, 2], [0, 5], 6), ([0, 4], [1, 1], 4), ([1, 1], [7, 7], 1), ([530, 521], [1, 530], 276_130),
      ([7, 7, 9, 650], [7, 1, 49, 441], 286_650), ([2, 3, 2, 2, 5], [6, 2, 1, 60, 12], 120),
    ] {
      let mask = size == 8 ? UInt64.max : (1 << UInt64(8 * size)) - 1
      let values = (0..<count).map { (UInt64($0) &* 0x9e37_79b9_7f4a_7c15) & mask }
      let view = StridedView(extents: extents, strides: strides)
      #expect(copied(values, view, size: size).values == plain(values, extents, strides))
    }
  }

  @Test func reversedAxesAreCopied() {
    let values = (0..<360).map(UInt64.init)
    var view = StridedView(of: [10, 4, 3, 3])
    view.permute([2, 3, 1, 0])
    let straight = plain(values, [3, 3, 4, 10], [3, 1, 9, 36])
    #expect(copied(values, view, size: 4).values == straight)
    view.reverse(axis: 0)
    view.reverse(axis: 1)
    let windows = (0..<9).reversed().flatMap { straight[$0 * 40..<$0 * 40 + 40] }
    #expect(copied(values, view, size: 4).values == Array(windows))
  }

  /// Of a matrix whose rows become columns, each band of rows is read once and then not needed any more.
  @Test func whatIsDoneIsTold() {
    let values = (0..<200 * 30).map(UInt64.init)
    let done = copied(values, StridedView(extents: [30, 200], strides: [1, 30]), size: 4).done
    #expect(done.first?.lowerBound == 0 && done.last?.upperBound == 200 * 30 * 4)
    #expect(zip(done, done.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    var reversed = StridedView(extents: [30, 200], strides: [1, 30])
    reversed.reverse(axis: 1)
    #expect(copied(values, reversed, size: 4).done.isEmpty)
  }

  @Test func rowMajorIsRecognised() {
    #expect(StridedView(of: [2, 3, 4]).isRowMajor)
    #expect(StridedView(extents: [2, 1, 4], strides: [4, 99, 1]).isRowMajor)
    #expect(!StridedView(extents: [2, 3], strides: [1, 2]).isRowMajor)
    #expect(!StridedView(extents: [2, 3], strides: [4, 1]).isRowMajor)
  }
}
