import Testing
import ZooTensor

/// Tensors that are brought into another order part by part, against the same as a whole.
@Suite struct TensorViewTests {
  private static func view(_ extents: [Int], _ strides: [Int], reversing axis: Int? = nil) throws
    -> TensorView
  {
    var order = StridedView(extents: extents, strides: strides)
    if let axis { order.reverse(axis: axis) }
    let count = order.elementCount
    let stored = StoredTensor(shape: [count], values: (0..<count).map { Float($0 &* 7919 % 65_521) })
    return try #require(TensorView(stored, in: order, shape: Shape(extents)))
  }

  /// Blocks have 2 Mi values: below that there is one; a matrix is cut by its rows; of a map's positions, of which one
  /// cache line has many, every block has some channels of all.
  @Test(arguments: [
    ([300, 200], [1, 300], true), ([3000, 1100], [1, 3000], true),
    ([7, 7, 64, 1200], [7, 1, 49, 3136], false),
    ([3, 3, 512, 700], [3, 1, 9, 4608], false), ([40, 300, 250], [75_000, 1, 300], true),
    ([2, 3, 1_000_000], [1, 2, 6], true), ([0, 5], [1, 0], true),
  ])
  func partsAreThoseOfTheWhole(extents: [Int], strides: [Int], isInOrder: Bool) throws {
    let view = try Self.view(extents, strides)
    let whole = view.ordered()
    #expect(whole.shape == Shape(extents) && view.comesInOrder == isInOrder)
    var found = [Float](repeating: -1, count: whole.shape.elementCount)
    var (next, follows) = (0, true)
    view.forEachPart(length: 100_000) { part, place in
      let values = part.floats()
      #expect(values.count <= 100_000 && part.shape == [values.count])
      found.replaceSubrange(place..<place + values.count, with: values)
      follows = follows && place == next
      next = place + values.count
    }
    #expect(found == whole.floats())
    #expect(follows == isInOrder)
  }

  @Test func reversedAxesAreKept() throws {
    let view = try Self.view([2400, 1000], [1, 2400], reversing: 0)
    var found: [Float] = []
    view.forEachPart(length: 1 << 18) { part, _ in found += part.floats() }
    #expect(view.comesInOrder && found == view.ordered().floats())
  }

  @Test func whatIsStoredInOrderIsNotCopied() throws {
    let tensor = StoredTensor(shape: [4, 3], values: (0..<12).map(Float.init))
    let view = try #require(TensorView(tensor, in: nil, shape: [2, 6]))
    #expect(view.ordered().bytes.owner === tensor.bytes.owner && view.ordered().shape == [2, 6])
    var places: [Int] = []
    view.forEachPart(length: 5) { part, place in
      #expect(part.bytes.owner === tensor.bytes.owner)
      places.append(place)
    }
    #expect(places == [0, 5, 10] && view.comesInOrder)
    #expect(TensorView(tensor, in: nil, shape: [5]) == nil)
    #expect(TensorView(tensor, in: StridedView(of: [3]), shape: [4, 3]) == nil)
  }
}
