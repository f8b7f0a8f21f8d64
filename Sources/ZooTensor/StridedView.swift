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

  /// Copies elements of `size` bytes; both buffers have ``elementCount`` of them.
  package func copy(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, size: Int) {
    guard elementCount > 0, let last = extents.indices.last else { return }
    // Runs that lie together in the source are copied at once.
    let run = strides[last] == 1 ? extents[last] : 1
    var index = [Int](repeating: 0, count: extents.count)
    var from = offset
    for to in stride(from: 0, to: elementCount, by: run) {
      let part = UnsafeRawBufferPointer(rebasing: source[from * size..<(from + run) * size])
      UnsafeMutableRawBufferPointer(rebasing: target[to * size..<(to + run) * size]).copyMemory(from: part)
      var axis = run == 1 ? last : last - 1
      while axis >= 0 {
        index[axis] += 1
        from += strides[axis]
        if index[axis] < extents[axis] { break }
        from -= strides[axis] * extents[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
