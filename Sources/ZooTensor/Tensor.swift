/// A tensor of 32-bit floats in memory, row-major. Images and feature maps are (N, H, W, C).
public struct Tensor: Sendable, Equatable {
  /// The extents, outermost axis first: (N, H, W, C) for images, (N, C) for vectors, with N examples.
  public let shape: Shape
  /// The values, last axis fastest; as many as `shape.elementCount`.
  public private(set) var values: [Float]

  /// A tensor of values in row-major order, last axis fastest.
  ///
  /// - Precondition: `values.count == shape.elementCount`.
  public init(shape: Shape, values: [Float]) {
    precondition(values.count == shape.elementCount, "\(values.count) values for shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// A tensor of zeros.
  public init(zeros shape: Shape) {
    self.init(shape: shape, values: [Float](repeating: 0, count: shape.elementCount))
  }

  /// The tensor's values, in the same order, with another shape of as many elements.
  public func reshaped(to shape: Shape) -> Tensor { Tensor(shape: shape, values: values) }

  /// A copy of the example `index` of the first axis (N, counted from 0), without that axis.
  public subscript(example index: Int) -> Tensor {
    let inner = Shape(Array(shape.dimensions.dropFirst()))
    let start = index * inner.elementCount
    return Tensor(shape: inner, values: Array(values[start..<start + inner.elementCount]))
  }
}
