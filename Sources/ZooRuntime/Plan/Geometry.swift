import ZooGraph

/// How a convolution's window moves.
struct Geometry {
  var kernel: Extent2D
  var strides: Extent2D
  var padding: Padding
  var dilation: Extent2D

  static let pointwise = Geometry(kernel: .one, strides: .one, padding: .valid, dilation: .one)

  func edges(height: Int, width: Int) -> Edges {
    padding.edges(height: height, width: width, window: kernel, strides: strides, dilation: dilation)
  }
}

extension Geometry {
  init(_ c: Convolution) {
    self.init(kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
  }

  init(_ c: DepthwiseConvolution) {
    self.init(kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
  }

  init(_ c: SeparableConvolution) {
    self.init(kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
  }
}
