import ZooSystem
import ZooTensor

extension Operation {
  /// The largest extent of an axis, window, stride or padding: keeps every later sum and product small.
  static let extentLimit = 1 << 30

  /// The shape of the output for one example, after checking that the operation is possible.
  func outputShape(of layer: String, inputs: [Shape]) throws(ZooError) -> Shape {
    try checkArity(of: layer, count: inputs.count)
    switch self {
    case .input(let shape):
      guard shape.allSatisfy({ $0 > 0 }) else {
        throw ZooError.invalidNetwork(layer: layer, "input shape \(shape) has an axis that is not positive")
      }
      return try checked(shape, layer)
    case .convolution(let c):
      let (h, w, channels) = try image(inputs[0], layer)
      guard c.groups > 0, channels % c.groups == 0, c.filters > 0, c.filters % c.groups == 0 else {
        throw ZooError.invalidNetwork(
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
    case .transposedConvolution(let c):
      _ = try image(inputs[0], layer)
      try check(c.kernel, c.strides, c.dilation, layer)
      guard c.offset.height >= 0, c.offset.width >= 0, c.offset.height <= Operation.extentLimit,
        c.offset.width <= Operation.extentLimit
      else {
        throw ZooError.invalidNetwork(
          layer: layer, "its output begins at (\(c.offset.height), \(c.offset.width))")
      }
      return try checked([c.size.height, c.size.width, c.filters], layer)
    case .dense(let d):
      guard inputs[0].rank >= 1 else {
        throw ZooError.invalidNetwork(layer: layer, "a dense layer needs at least one axis")
      }
      return try checked(inputs[0].dimensions.dropLast() + [d.units], layer)
    case .batchNormalization(let b):
      guard inputs[0].rank >= 1 else {
        throw ZooError.invalidNetwork(layer: layer, "it needs at least one axis")
      }
      try check(epsilon: b.epsilon, layer)
      return inputs[0]
    case .layerNormalization(let n):
      guard n.axes >= 1, n.axes <= inputs[0].rank else {
        throw ZooError.invalidNetwork(layer: layer, "it normalizes \(n.axes) axes of \(inputs[0])")
      }
      try check(epsilon: n.epsilon, layer)
      return inputs[0]
    case .normalization(let n):
      guard inputs[0].rank >= 1 else {
        throw ZooError.invalidNetwork(layer: layer, "it needs at least one axis")
      }
      try check(epsilon: n.epsilon, layer)
      return inputs[0]
    case .rescaling(let r):
      for numbers in [r.scale, r.offset] {
        guard numbers.count == 1 || numbers.count == inputs[0].dimensions.last,
          numbers.count <= Rescaling.countLimit, numbers.allSatisfy(\.isFinite)
        else {
          throw ZooError.invalidNetwork(
            layer: layer, "\(numbers.count) finite constants do not fit \(inputs[0])")
        }
      }
      return inputs[0]
    case .channelScaling:
      guard inputs[0].rank >= 1 else {
        throw ZooError.invalidNetwork(layer: layer, "it needs at least one axis")
      }
      return inputs[0]
    case .parametricRectifier(let sharedAxes):
      guard sharedAxes.allSatisfy(inputs[0].dimensions.indices.contains),
        zip(sharedAxes, sharedAxes.dropFirst()).allSatisfy({ $0 < $1 })
      else { throw ZooError.invalidNetwork(layer: layer, "it shares the axes \(sharedAxes) of \(inputs[0])") }
      return inputs[0]
    case .activation(let activation):
      try check(activation, rank: inputs[0].rank, layer)
      return inputs[0]
    case .identity:
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
    case .resize(let r):
      let (_, _, channels) = try image(inputs[0], layer)
      return try checked([r.size.height, r.size.width, channels], layer)
    case .merge(let merge):
      return try checked(try broadcast(inputs, merge, layer), layer)
    case .concatenate:
      var channels = 0
      for shape in inputs {
        guard shape.rank >= 1, shape.dimensions.dropLast() == inputs[0].dimensions.dropLast() else {
          throw ZooError.invalidNetwork(layer: layer, "it joins shapes \(inputs[0]) and \(shape)")
        }
        channels += shape.dimensions.last ?? 0
      }
      return try checked(inputs[0].dimensions.dropLast() + [channels], layer)
    case .flatten:
      return [inputs[0].elementCount]
    case .reshape(let target):
      let shape = try checked(target, layer)
      guard shape.elementCount == inputs[0].elementCount else {
        throw ZooError.invalidNetwork(layer: layer, "\(inputs[0]) can't be reshaped to \(shape)")
      }
      return shape
    case .permute(let order):
      guard order.sorted() == Array(inputs[0].dimensions.indices) else {
        throw ZooError.invalidNetwork(layer: layer, "\(order) is not an order of the axes of \(inputs[0])")
      }
      return try checked(order.map { inputs[0][$0] }, layer)
    }
  }

  /// The shape to which all of `shapes` are repeated.
  private func broadcast(_ shapes: [Shape], _ merge: Merge, _ layer: String) throws(ZooError) -> [Int] {
    var result = shapes[0].dimensions
    for shape in shapes.dropFirst() {
      let rank = max(result.count, shape.rank)
      guard rank <= 8 else { throw ZooError.invalidNetwork(layer: layer, "it merges values of \(rank) axes") }
      let both = [result, shape.dimensions].map { Array(repeating: 1, count: rank - $0.count) + $0 }
      for axis in 0..<rank where both[0][axis] != both[1][axis] && both[0][axis] != 1 && both[1][axis] != 1 {
        throw ZooError.invalidNetwork(
          layer: layer, "it merges (\(merge.rawValue)) shapes \(shapes[0]) and \(shape)")
      }
      result = zip(both[0], both[1]).map { max($0, $1) }
    }
    return result
  }

  private func check(epsilon: Double, _ layer: String) throws(ZooError) {
    guard epsilon.isFinite, epsilon >= 0 else {
      throw ZooError.invalidNetwork(layer: layer, "epsilon is \(epsilon)")
    }
  }

  private func check(_ activation: Activation, rank: Int, _ layer: String) throws(ZooError) {
    guard activation != .softmax || rank >= 1 else {
      throw ZooError.invalidNetwork(layer: layer, "a softmax needs at least one axis")
    }
  }

  private func checkArity(of layer: String, count: Int) throws(ZooError) {
    let expected: ClosedRange<Int> =
      switch self {
      case .input: 0...0
      case .merge(.subtract): 2...2
      case .merge, .concatenate: 2...1024
      default: 1...1
      }
    guard expected.contains(count) else {
      throw ZooError.invalidNetwork(layer: layer, "it has \(count) inputs, expected \(expected.lowerBound)")
    }
  }

  private func image(_ shape: Shape, _ layer: String) throws(ZooError) -> (Int, Int, Int) {
    guard shape.rank == 3 else {
      throw ZooError.invalidNetwork(layer: layer, "it needs an image (H, W, C), not \(shape)")
    }
    return (shape[0], shape[1], shape[2])
  }

  private func checked(_ dimensions: [Int], _ layer: String) throws(ZooError) -> Shape {
    guard dimensions.allSatisfy({ $0 > 0 && $0 <= Operation.extentLimit }),
      let shape = Shape(checking: dimensions)
    else { throw ZooError.invalidNetwork(layer: layer, "its output would have the shape \(dimensions)") }
    return shape
  }

  private func product(_ a: Int, _ b: Int, _ layer: String) throws(ZooError) -> Int {
    guard b > 0, b <= Operation.extentLimit else {
      throw ZooError.invalidNetwork(layer: layer, "the multiplier is \(b)")
    }
    return a * b
  }

  private func check(_ edges: Edges, _ layer: String) throws(ZooError) {
    for amount in [edges.top, edges.bottom, edges.left, edges.right] {
      guard amount >= 0, amount <= Operation.extentLimit else {
        throw ZooError.invalidNetwork(layer: layer, "an edge of \(amount) pixels")
      }
    }
  }

  private func check(
    _ window: Extent2D, _ strides: Extent2D, _ dilation: Extent2D, _ layer: String
  ) throws(ZooError) {
    for extent in [window, strides, dilation] {
      for side in [extent.height, extent.width] where side < 1 || side > 1 << 20 {
        throw ZooError.invalidNetwork(layer: layer, "a window, stride or dilation of \(side)")
      }
    }
  }

  private func window(
    _ height: Int, _ width: Int, _ window: Extent2D, _ strides: Extent2D, _ dilation: Extent2D,
    _ padding: Padding, _ layer: String
  ) throws(ZooError) -> Extent2D {
    try check(window, strides, dilation, layer)
    if case .explicit(let edges) = padding { try check(edges, layer) }
    let edges = padding.edges(
      height: height, width: width, window: window, strides: strides, dilation: dilation)
    let span = Extent2D((window.height - 1) * dilation.height + 1, (window.width - 1) * dilation.width + 1)
    let padded = Extent2D(height + edges.top + edges.bottom, width + edges.left + edges.right)
    guard padded.height >= span.height, padded.width >= span.width else {
      throw ZooError.invalidNetwork(
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
