import ZooGraph
import ZooSystem
import ZooTensor

extension Lowering {
  // MARK: Convolutions

  mutating func lower(_ c: Convolution, _ node: Node) throws(ZooError) {
    let input = value(node.inputs[0], .nchw)
    let kernel = node.weights[0]
    let result = convolution(
      input, node, kernel, inputs: kernel.shape[2], outputs: c.filters, groups: c.groups, strides: c.strides,
      dilation: c.dilation, padding: c.padding, bias: weight(.bias, node))
    set(activated(result, c.activation, 1), .nchw)
  }

  mutating func lower(_ c: DepthwiseConvolution, _ node: Node) throws(ZooError) {
    let input = value(node.inputs[0], .nchw)
    let kernel = node.weights[0]
    let result = convolution(
      input, node, kernel, inputs: 1, outputs: kernel.shape[2] * c.multiplier, groups: kernel.shape[2],
      strides: c.strides, dilation: c.dilation, padding: c.padding, bias: weight(.bias, node))
    set(activated(result, c.activation, 1), .nchw)
  }

  mutating func lower(_ c: SeparableConvolution, _ node: Node) throws(ZooError) {
    let input = value(node.inputs[0], .nchw)
    let (depthwise, pointwise) = (node.weights[0], node.weights[1])
    let between = convolution(
      input, node, depthwise, inputs: 1, outputs: depthwise.shape[2] * c.multiplier,
      groups: depthwise.shape[2], strides: c.strides, dilation: c.dilation, padding: c.padding, bias: nil)
    let result = convolution(
      between, node, pointwise, inputs: pointwise.shape[2], outputs: c.filters, groups: 1, strides: .one,
      dilation: .one, padding: .valid, bias: weight(.bias, node))
    set(activated(result, c.activation, 1), .nchw)
  }

  private mutating func convolution(
    _ input: Value, _ node: Node, _ kernel: WeightSlot, inputs: Int, outputs: Int, groups: Int,
    strides: Extent2D, dilation: Extent2D, padding: Padding, bias: WeightSlot?
  ) -> Value {
    let (height, width) = (kernel.shape[0], kernel.shape[1])
    let image = result.shapes[input.index]
    let edges = padding.edges(
      height: image[1], width: image[2], window: Extent2D(height, width), strides: strides, dilation: dilation
    )
    let weights = constant(
      .reversed(kernel, inputs: inputs, outputs: outputs), [outputs, inputs, height, width])
    let bias = bias.map { [constant(.weight($0), [outputs])] } ?? []
    return add(
      .convolution(strides: strides, dilation: dilation, edges: edges, groups: groups),
      [.value(input), weights] + bias, [outputs, node.shape[0], node.shape[1]])
  }

  mutating func lower(_ c: TransposedConvolution, _ node: Node) throws(ZooError) {
    let input = value(node.inputs[0], .nchw)
    let image = result.shapes[input.index]
    func whole(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
      (size - 1) * stride + (kernel - 1) * dilation + 1
    }
    let height = whole(image[1], c.kernel.height, c.strides.height, c.dilation.height)
    let width = whole(image[2], c.kernel.width, c.strides.width, c.dilation.width)
    guard c.offset.height < height, c.offset.width < width else {
      throw unsupported(node, "its output lies outside of what it computes")
    }
    // What is to be cut off at the end; negative where zeros follow.
    let (rows, columns) = (height - c.offset.height - c.size.height, width - c.offset.width - c.size.width)
    let edges = Edges(
      top: c.offset.height, bottom: max(0, rows), left: c.offset.width, right: max(0, columns))
    let filters = c.filters
    let kernel = constant(
      .reversed(node.weights[0], inputs: filters, outputs: image[0]),
      [image[0], filters, c.kernel.height, c.kernel.width])
    let bias = weight(.bias, node)
    let isWhole = rows >= 0 && columns >= 0
    var result = add(
      .transposedConvolution(strides: c.strides, dilation: c.dilation, edges: edges),
      [.value(input), kernel] + (isWhole ? bias.map { [constant(.weight($0), [filters])] } ?? [] : []),
      [filters, c.size.height + min(0, rows), c.size.width + min(0, columns)])
    if !isWhole {
      result = add(
        .pad(before: [0, 0, 0, 0], after: [0, 0, max(0, -rows), max(0, -columns)]), [.value(result)],
        Self.axes(of: node.shape, in: .nchw))
      if let bias { result = add(.binary(.add), result, constant(.weight(bias), [filters, 1, 1])) }
    }
    set(activated(result, c.activation, 1), .nchw)
  }

  // MARK: Pooling

  mutating func lower(
    _ pooling: Pooling, _ reduction: LoweredGraph.Reduction, _ node: Node
  ) throws(ZooError) {
    let unpadded = reduction == .maximum ? unpaddedInput(pooling, node) : nil
    let input = value(unpadded?.value ?? node.inputs[0], .nchw)
    let image = result.shapes[input.index]
    let edges =
      unpadded?.edges
      ?? pooling.padding.edges(
        height: image[1], width: image[2], window: pooling.window, strides: pooling.strides, dilation: .one)
    guard max(edges.top, edges.bottom) < pooling.window.height,
      max(edges.left, edges.right) < pooling.window.width
    else { throw unsupported(node, "its padding is as wide as its window") }
    set(
      add(
        .pooling(reduction, window: pooling.window, strides: pooling.strides, edges: edges), [.value(input)],
        Self.axes(of: node.shape, in: .nchw)),
      .nchw)
  }

  /// What a pooling of a padded image can read in place of it: zeros are never larger than the values of a rectifier, so
  /// they need not count where each window has such values, too.
  private func unpaddedInput(
    _ pooling: Pooling, _ node: Node
  ) -> (value: ZooGraph.Value, edges: Edges)? {
    guard pooling.padding == .valid, case .zeroPadding(let edges) = graph[node.inputs[0]].operation else {
      return nil
    }
    var source = graph[node.inputs[0]].inputs[0]
    let image = graph[source].shape
    while case .identity = graph[source].operation { source = graph[source].inputs[0] }
    guard let bounds = graph[source].operation.endActivation?.bounds, bounds.lo == 0, bounds.hi > 0,
      edges.top < pooling.window.height, edges.left < pooling.window.width,
      (node.shape[0] - 1) * pooling.strides.height - edges.top < image[0],
      (node.shape[1] - 1) * pooling.strides.width - edges.left < image[1],
      edges.bottom < pooling.window.height, edges.right < pooling.window.width
    else { return nil }
    return (source, edges)
  }

  mutating func lowerGlobalPooling(
    _ reduction: LoweredGraph.Reduction, _ keepDimensions: Bool, _ node: Node
  ) {
    let (input, layout) = native(node.inputs[0])
    let pooled = add(
      .reduce(reduction, axes: layout == .nchw ? [2, 3] : [1, 2], keepsAxes: keepDimensions), [.value(input)],
      Self.axes(of: node.shape, in: layout))
    set(pooled, keepDimensions ? layout : .nhwc)
  }
}
