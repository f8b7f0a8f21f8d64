import ZooTensor

extension Operation {
  /// The largest extent of an axis, window, stride or padding: keeps every later sum and product small.
  static let extentLimit = 1 << 30

  /// The shape of the output for one example, after checking that the operation is possible.
  func outputShape(of layer: String, inputs: [Shape]) throws(GraphError) -> Shape {
    try checkArity(of: layer, count: inputs.count)
    switch self {
    case .input(let shape):
      guard shape.allSatisfy({ $0 > 0 }) else {
        throw GraphError(layer: layer, "input shape \(shape) has an axis that is not positive")
      }
      return try checked(shape, layer)
    case .convolution(let c):
      let (h, w, channels) = try image(inputs[0], layer)
      guard c.groups > 0, channels % c.groups == 0, c.filters > 0, c.filters % c.groups == 0 else {
        throw GraphError(
          layer: layer, "\(c.groups) groups do not divide \(channels) input channels and \(c.filters) filters"
        )
      }
      let size = try window(h, w, c.kernel, c.strides, c.dilation, c.padding, layer)
      return try checked([size.height, size.width, c.filters], layer)
    case .depthwiseConvolution(let c):
      let (h, w, channels) = try image(inputs[0], layer)
      let filters = try product(channels, c.multiplier, layer)
      let size = try window(h, w, c.kernel, c.strides, c.dilation, c.padding, layer)
      return try checked([size.height, size.width, filters], layer)
    case .separableConvolution(let c):
      let (h, w, channels) = try image(inputs[0], layer)
      _ = try product(channels, c.multiplier, layer)
      let size = try window(h, w, c.kernel, c.strides, c.dilation, c.padding, layer)
      return try checked([size.height, size.width, c.filters], layer)
    case .dense(let d):
      guard inputs[0].rank >= 1 else {
        throw GraphError(layer: layer, "a dense layer needs at least one axis")
      }
      return try checked(inputs[0].dimensions.dropLast() + [d.units], layer)
    case .batchNormalization(let b):
      guard inputs[0].rank >= 1 else { throw GraphError(layer: layer, "it needs at least one axis") }
      guard b.epsilon.isFinite, b.epsilon >= 0 else {
        throw GraphError(layer: layer, "epsilon is \(b.epsilon)")
      }
      return inputs[0]
    case .activation, .identity:
      return inputs[0]
    case .maxPooling(let p), .averagePooling(let p):
      let (h, w, channels) = try image(inputs[0], layer)
      let size = try window(h, w, p.window, p.strides, .one, p.padding, layer)
      return try checked([size.height, size.width, channels], layer)
    case .globalAveragePooling(let keepDimensions), .globalMaxPooling(let keepDimensions):
      let (_, _, channels) = try image(inputs[0], layer)
      return keepDimensions ? [1, 1, channels] : [channels]
    case .zeroPadding(let edges):
      let (h, w, channels) = try image(inputs[0], layer)
      try check(edges, layer)
      return try checked([h + edges.top + edges.bottom, w + edges.left + edges.right, channels], layer)
    case .cropping(let edges):
      let (h, w, channels) = try image(inputs[0], layer)
      try check(edges, layer)
      return try checked([h - edges.top - edges.bottom, w - edges.left - edges.right, channels], layer)
    case .add:
      for shape in inputs where shape != inputs[0] {
        throw GraphError(layer: layer, "it adds shapes \(inputs[0]) and \(shape)")
      }
      return inputs[0]
    case .concatenate:
      var channels = 0
      for shape in inputs {
        guard shape.rank >= 1, shape.dimensions.dropLast() == inputs[0].dimensions.dropLast() else {
          throw GraphError(layer: layer, "it joins shapes \(inputs[0]) and \(shape)")
        }
        channels += shape.dimensions.last ?? 0
      }
      return try checked(inputs[0].dimensions.dropLast() + [channels], layer)
    case .flatten:
      return [inputs[0].elementCount]
    case .reshape(let target):
      let shape = try checked(target, layer)
      guard shape.elementCount == inputs[0].elementCount else {
        throw GraphError(layer: layer, "\(inputs[0]) can't be reshaped to \(shape)")
      }
      return shape
    }
  }

  private func checkArity(of layer: String, count: Int) throws(GraphError) {
    let expected: ClosedRange<Int> =
      switch self {
      case .input: 0...0
      case .add, .concatenate: 2...1024
      default: 1...1
      }
    guard expected.contains(count) else {
      throw GraphError(layer: layer, "it has \(count) inputs, expected \(expected.lowerBound)")
    }
  }

  private func image(_ shape: Shape, _ layer: String) throws(GraphError) -> (Int, Int, Int) {
    guard shape.rank == 3 else { throw GraphError(layer: layer, "it needs an image (H, W, C), not \(shape)") }
    return (shape[0], shape[1], shape[2])
  }

  private func checked(_ dimensions: [Int], _ layer: String) throws(GraphError) -> Shape {
    guard dimensions.allSatisfy({ $0 > 0 && $0 <= Operation.extentLimit }),
      let shape = Shape(checking: dimensions)
    else { throw GraphError(layer: layer, "its output would have the shape \(dimensions)") }
    return shape
  }

  private func product(_ a: Int, _ b: Int, _ layer: String) throws(GraphError) -> Int {
    guard b > 0, b <= Operation.extentLimit else { throw GraphError(layer: layer, "the multiplier is \(b)") }
    return a * b
  }

  private func check(_ edges: Edges, _ layer: String) throws(GraphError) {
    for amount in [edges.top, edges.bottom, edges.left, edges.right] {
      guard amount >= 0, amount <= Operation.extentLimit else {
        throw GraphError(layer: layer, "an edge of \(amount) pixels")
      }
    }
  }

  private func window(
    _ height: Int, _ width: Int, _ window: Extent2D, _ strides: Extent2D, _ dilation: Extent2D,
    _ padding: Padding, _ layer: String
  ) throws(GraphError) -> Extent2D {
    for extent in [window, strides, dilation] {
      for side in [extent.height, extent.width] where side < 1 || side > 1 << 20 {
        throw GraphError(layer: layer, "a window, stride or dilation of \(side)")
      }
    }
    if case .explicit(let edges) = padding { try check(edges, layer) }
    let edges = padding.edges(
      height: height, width: width, window: window, strides: strides, dilation: dilation)
    let span = Extent2D((window.height - 1) * dilation.height + 1, (window.width - 1) * dilation.width + 1)
    let padded = Extent2D(height + edges.top + edges.bottom, width + edges.left + edges.right)
    guard padded.height >= span.height, padded.width >= span.width else {
      throw GraphError(
        layer: layer,
        "a window of \(span.height)x\(span.width) does not fit an image of \(padded.height)x\(padded.width)")
    }
    return Extent2D(
      (padded.height - span.height) / strides.height + 1, (padded.width - span.width) / strides.width + 1)
  }
}

extension Padding {
  /// The padding in pixels for an image of `height` x `width`.
  ///
  /// `same` follows TensorFlow: ceil(size / stride) outputs, the odd pixel at the bottom and right.
  package func edges(
    height: Int, width: Int, window: Extent2D, strides: Extent2D, dilation: Extent2D
  ) -> Edges {
    switch self {
    case .valid: return .none
    case .explicit(let edges): return edges
    case .same:
      func total(_ size: Int, _ window: Int, _ stride: Int, _ dilation: Int) -> Int {
        let outputs = (size + stride - 1) / stride
        return max(0, (outputs - 1) * stride + (window - 1) * dilation + 1 - size)
      }
      let rows = total(height, window.height, strides.height, dilation.height)
      let columns = total(width, window.width, strides.width, dilation.width)
      return Edges(top: rows / 2, bottom: rows - rows / 2, left: columns / 2, right: columns - columns / 2)
    }
  }
}
