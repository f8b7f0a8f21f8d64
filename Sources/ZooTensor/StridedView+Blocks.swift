extension StridedView {
  /// A part of a view that is copied at a time, and where its elements belong.
  struct Block {
    let view: StridedView
    /// How many elements lie together in the whole view, too; the block has one such run after another.
    let runLength: Int
    /// Where each run begins in the whole view, in elements.
    let starts: [Int]
  }

  /// Elements that are read together where they lie together: two cache lines of 32-bit ones.
  private static let leastTogether = 32

  /// The view in blocks of about `length` elements at most. They are in order where the outermost axis can be cut; where
  /// such blocks would each read only a little of every cache line of the source, another axis is cut.
  func blocks(length: Int) -> [Block] {
    let count = elementCount
    guard count > 0 else { return [] }
    let view = merged
    if count > length {
      // Cutting the last one would make runs short.
      for axis in view.extents.indices.dropLast() {
        var fitting = length / (count / view.extents[axis])
        if abs(view.strides[axis]) < Self.leastTogether {
          fitting = fitting / Self.leastTogether * Self.leastTogether
        }
        if fitting > 0 { return view.blocks(cutting: axis, by: fitting) }
      }
    }
    return [Block(view: view, runLength: count, starts: [0])]
  }

  private func blocks(cutting axis: Int, by count: Int) -> [Block] {
    let inner = extents[(axis + 1)...].reduce(1, *)
    let outer = extents[..<axis].reduce(1, *)
    return stride(from: 0, to: extents[axis], by: count).map { first in
      var view = self
      view.offset += first * strides[axis]
      view.extents[axis] = min(count, extents[axis] - first)
      return Block(
        view: view, runLength: view.extents[axis] * inner,
        starts: (0..<outer).map { ($0 * extents[axis] + first) * inner })
    }
  }
}
