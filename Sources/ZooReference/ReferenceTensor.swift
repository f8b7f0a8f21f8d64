import ZooTensor

/// A value of the reference engine: one example, in 64-bit floats.
package struct ReferenceTensor: Sendable, Equatable {
  /// Without the batch axis: (H, W, C) or (C).
  package let shape: Shape
  /// Row-major, last axis fastest; as many as `shape.elementCount`.
  package let values: [Double]

  /// - Precondition: `values.count == shape.elementCount`.
  package init(shape: Shape, values: [Double]) {
    precondition(values.count == shape.elementCount, "\(values.count) values for shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// One example of a batch (N, …) of 32-bit floats.
  package init(_ batch: Tensor, example index: Int) {
    let example = batch[example: index]
    self.init(shape: example.shape, values: example.values.map(Double.init))
  }
}
