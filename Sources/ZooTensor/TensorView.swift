import ZooSystem

/// A tensor that may be stored in another order than its own, so that not all of it has to be in memory in both.
package struct TensorView: Sendable {
  package let shape: Shape
  /// The same elements in the order in which they are stored.
  package let stored: StoredTensor
  /// Where they lie, in the tensor's order; nil where that is the order in which they are stored.
  private let view: StridedView?

  package var elementType: ElementType { stored.elementType }

  /// A tensor that is stored in its own order.
  package init(_ tensor: StoredTensor) {
    (shape, stored, view) = (tensor.shape, tensor, nil)
  }

  /// Returns nil where the number of elements is not that of `shape`.
  package init?(_ stored: StoredTensor, in view: StridedView?, shape: Shape) {
    guard shape.elementCount == stored.shape.elementCount,
      view.map({ $0.elementCount == shape.elementCount }) ?? true
    else { return nil }
    (self.shape, self.stored, self.view) = (shape, stored, view)
  }

  /// All of it in its own order.
  package func ordered() -> StoredTensor {
    let bytes = view.map { Self.copy($0, of: stored) } ?? stored.bytes
    // The number of elements is that of the shape.
    return StoredTensor(shape: shape, elementType: elementType, bytes: bytes) ?? stored
  }

  /// The bytes that are brought into order together.
  private static let blockLength = 8 << 20

  private var blocks: [StridedView.Block] {
    view?.blocks(length: Self.blockLength / elementType.byteCount) ?? []
  }

  /// Whether ``forEachPart(length:_:)`` begins with the first element and goes on in order.
  package var comesInOrder: Bool { blocks.allSatisfy { $0.starts.count == 1 } }

  /// Calls `body` with one part of the elements after another and the place of its first element, each a tensor of one
  /// axis with at most `length` elements.
  package func forEachPart<Failure: Error>(
    length: Int, _ body: (StoredTensor, Int) throws(Failure) -> Void
  ) throws(Failure) {
    func hand(_ tensor: StoredTensor, at start: Int) throws(Failure) {
      var place = start
      try tensor.forEachPart(length: length) { (part) throws(Failure) in
        try body(part, place)
        place += part.shape.elementCount
      }
    }
    guard view != nil else { return try hand(stored, at: 0) }
    for block in blocks {
      let bytes = Self.copy(block.view, of: stored, isWhole: false)
      let size = block.runLength * elementType.byteCount
      for (index, start) in block.starts.enumerated() {
        guard let run = bytes.part(index * size..<(index + 1) * size),
          let part = StoredTensor(shape: [block.runLength], elementType: elementType, bytes: run)
        else { return }
        try hand(part, at: start)
      }
    }
    stored.bytes.letGo()
  }

  /// - Parameter isWhole: whether nothing else of the tensor will be read.
  private static func copy(_ view: StridedView, of tensor: StoredTensor, isWhole: Bool = true) -> ByteSlice {
    let size = tensor.elementType.byteCount
    return ByteSlice(
      HeapBytes(count: view.elementCount * size) { target in
        tensor.bytes.withUnsafeBytes { source in
          view.copy(source, into: target, size: size) { done in
            if isWhole { tensor.bytes.part(done)?.letGo() }
          }
        }
      })
  }
}
