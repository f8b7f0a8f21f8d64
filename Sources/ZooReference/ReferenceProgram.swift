import ZooGraph
import ZooSystem
import ZooTensor

/// An elementary computation. Keras layers that do several things in a row are several steps.
struct ReferenceStep: Sendable {
  /// What a step computes.
  ///
  /// A ``formula(_:)`` is defined once. The steps of which most networks consist are defined twice: by
  /// ``ReferenceRows`` a row at a time, because finding the pixel and the channel of each value anew would make
  /// whole layers much slower, and by ``ProbedStep`` value by value, with the rounding error that each value may
  /// have. The tests require that both agree.
  enum Kind: Sendable {
    /// A value from outside; it reads itself.
    case input
    /// Weight: the kernel (kernel height, kernel width, input channels / groups, filters).
    case convolution(ReferenceWindow, groups: Int, filters: Int)
    /// Weight: the kernel (kernel height, kernel width, input channels, multiplier).
    case depthwiseConvolution(ReferenceWindow, multiplier: Int)
    /// Adds a number per channel. Weight: the bias (channels).
    case bias(channels: Int)
    /// Weights: gamma, beta where there are any, mean and variance (channels).
    case normalization(BatchNormalization, channels: Int)
    /// `channels` is the extent of the last axis.
    case activation(Activation, channels: Int)
    case maximum(ReferenceWindow)
    case mean(ReferenceWindow)
    /// Moves an image down and to the right; zeros where nothing was. Negative amounts crop.
    case shift(down: Int, right: Int, height: Int, width: Int, channels: Int)
    case formula(ReferenceFormula)
    /// Joins vectors along the last axis.
    case concatenation
    /// The same values in the same order.
    case copy
  }

  let kind: Kind
  /// The steps that it reads.
  let inputs: [Int]
  /// The output for one example; of an image (H, W, C).
  let shape: Shape
  let weights: [WeightSlot]
  /// The layer that it belongs to.
  let layer: String
}

/// A graph in elementary steps, in an order in which they can run.
struct ReferenceProgram: Sendable {
  private(set) var steps: [ReferenceStep] = []
  /// Per node of the graph, the step that computes its output.
  private(set) var stepOfNode: [Int] = []

  /// Throws where a pooling window would have no pixel of the image under it.
  init(_ graph: Graph) throws(ZooError) {
    for node in graph.nodes {
      let shapes = node.inputs.map { graph[$0].shape }
      try append(node, reading: node.inputs.map { stepOfNode[$0.index] }, shapes: shapes)
      stepOfNode.append(steps.count - 1)
    }
  }

  private mutating func append(_ node: Node, reading inputs: [Int], shapes: [Shape]) throws(ZooError) {
    let input = shapes.first ?? node.shape
    let channels = node.shape.dimensions.last ?? 1
    func formula(_ formula: ReferenceFormula, _ roles: [WeightRole] = []) {
      add(.formula(formula), node, inputs, node.shape, roles)
    }
    switch node.operation {
    case .input: add(.input, node, [steps.count], node.shape)
    case .convolution(let c): append(c, node, inputs, input)
    case .depthwiseConvolution(let c): append(c, node, inputs, input)
    case .separableConvolution(let c): append(c, node, inputs, input)
    case .transposedConvolution(let c): append(c, node, inputs, input)
    case .dense(let d): append(d, node, inputs, input)
    case .batchNormalization(let b):
      add(
        .normalization(b, channels: channels), node, inputs, node.shape,
        affine(scale: b.scale, center: b.center) + [.movingMean, .movingVariance])
    case .layerNormalization(let n):
      let length = input.dimensions.suffix(n.axes).reduce(1, *)
      formula(.layerNormalization(n, length: length), affine(scale: n.scale, center: n.center))
    case .normalization(let n):
      formula(.normalization(n, period: n.perChannel ? channels : 1), [.mean, .variance])
    case .rescaling(let r): formula(.rescaling(r))
    case .layerScale: formula(.layerScale(channels: channels), [.gamma])
    case .channelAffine(let c):
      formula(.channelAffine(c, channels: channels), affine(scale: c.scale, center: c.center))
    case .prelu:
      let alpha = node.weights.first?.shape ?? node.shape
      formula(.prelu(ReferenceAxes(broadcasting: alpha, to: node.shape)), [.alpha])
    case .activation(let activation):
      add(.activation(activation, channels: channels), node, inputs, node.shape)
    case .maxPooling(let p): add(.maximum(try window(p, of: node, on: input)), node, inputs, node.shape)
    case .averagePooling(let p): add(.mean(try window(p, of: node, on: input)), node, inputs, node.shape)
    case .globalMaxPooling: add(.maximum(whole(input)), node, inputs, [1, 1, channels])
    case .globalAveragePooling: add(.mean(whole(input)), node, inputs, [1, 1, channels])
    case .zeroPadding(let edges): appendShift(down: edges.top, right: edges.left, node, inputs, input)
    case .cropping(let edges): appendShift(down: -edges.top, right: -edges.left, node, inputs, input)
    case .resize(let r): formula(.resize(r, image: input, output: node.shape))
    case .merge(let merge):
      formula(.merge(merge, shapes.map { ReferenceAxes(broadcasting: $0, to: node.shape) }))
    case .permute(let order): formula(.permutation(ReferenceAxes(input, order: order)))
    case .concatenate: add(.concatenation, node, inputs, node.shape)
    case .flatten, .reshape, .identity: add(.copy, node, inputs, node.shape)
    }
  }

  /// Adds a step of `node` and returns its index.
  @discardableResult
  private mutating func add(
    _ kind: ReferenceStep.Kind, _ node: Node, _ inputs: [Int], _ shape: Shape, _ roles: [WeightRole] = []
  ) -> Int {
    let weights = roles.compactMap { role in node.weights.first { $0.role == role } }
    steps.append(
      ReferenceStep(kind: kind, inputs: inputs, shape: shape, weights: weights, layer: node.name))
    return steps.count - 1
  }

  // MARK: Layers with kernels

  private mutating func append(_ c: Convolution, _ node: Node, _ inputs: [Int], _ input: Shape) {
    let window = ReferenceWindow(
      on: input, size: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
    let sums = add(
      .convolution(window, groups: c.groups, filters: c.filters), node, inputs, node.shape, [.kernel])
    finish(node, sums, shape: node.shape, useBias: c.useBias, activation: c.activation)
  }

  private mutating func append(_ c: DepthwiseConvolution, _ node: Node, _ inputs: [Int], _ input: Shape) {
    let window = ReferenceWindow(
      on: input, size: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
    let sums = add(
      .depthwiseConvolution(window, multiplier: c.multiplier), node, inputs, node.shape, [.depthwiseKernel])
    finish(node, sums, shape: node.shape, useBias: c.useBias, activation: c.activation)
  }

  private mutating func append(_ c: SeparableConvolution, _ node: Node, _ inputs: [Int], _ input: Shape) {
    let window = ReferenceWindow(
      on: input, size: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
    let inner: Shape = [node.shape[0], node.shape[1], input[2] * c.multiplier]
    let spatial = add(
      .depthwiseConvolution(window, multiplier: c.multiplier), node, inputs, inner, [.depthwiseKernel])
    let pixels = ReferenceWindow(on: inner, size: .one, strides: .one, padding: .valid)
    let sums = add(
      .convolution(pixels, groups: 1, filters: c.filters), node, [spatial], node.shape, [.pointwiseKernel])
    finish(node, sums, shape: node.shape, useBias: c.useBias, activation: c.activation)
  }

  private mutating func append(_ c: TransposedConvolution, _ node: Node, _ inputs: [Int], _ input: Shape) {
    let sums = add(.formula(.transposedConvolution(c, image: input)), node, inputs, node.shape, [.kernel])
    finish(node, sums, shape: node.shape, useBias: c.useBias, activation: c.activation)
  }

  /// A 1x1 convolution of an image of one row, whose pixels are the vectors along the last axis.
  private mutating func append(_ d: Dense, _ node: Node, _ inputs: [Int], _ input: Shape) {
    let vectors = node.shape.elementCount / d.units
    let row: Shape = [1, vectors, input.elementCount / vectors]
    let pixels = ReferenceWindow(on: row, size: .one, strides: .one, padding: .valid)
    let outputs: Shape = [1, vectors, d.units]
    let sums = add(.convolution(pixels, groups: 1, filters: d.units), node, inputs, outputs, [.kernel])
    finish(node, sums, shape: outputs, useBias: d.useBias, activation: d.activation)
  }

  /// Adds the bias and activation that end a layer with weights.
  private mutating func finish(
    _ node: Node, _ input: Int, shape: Shape, useBias: Bool, activation: Activation
  ) {
    let channels = node.shape.dimensions.last ?? 1
    var last = input
    if useBias { last = add(.bias(channels: channels), node, [last], shape, [.bias]) }
    if activation != .linear { add(.activation(activation, channels: channels), node, [last], shape) }
  }

  private func affine(scale: Bool, center: Bool) -> [WeightRole] {
    (scale ? [.gamma] : []) + (center ? [.beta] : [])
  }

  // MARK: Windows and edges

  private func window(_ p: Pooling, of node: Node, on image: Shape) throws(ZooError) -> ReferenceWindow {
    let window = ReferenceWindow(on: image, size: p.window, strides: p.strides, padding: p.padding)
    guard window.touchesImage(outputs: Extent2D(node.shape[0], node.shape[1])) else {
      throw ZooError(
        .unsupported, what: "unsupported pooling", at: "layer '\(node.name)'",
        "a window lies wholly in the padding")
    }
    return window
  }

  private func whole(_ image: Shape) -> ReferenceWindow {
    ReferenceWindow(on: image, size: Extent2D(image[0], image[1]), strides: .one, padding: .valid)
  }

  private mutating func appendShift(
    down: Int, right: Int, _ node: Node, _ inputs: [Int], _ input: Shape
  ) {
    add(
      .shift(down: down, right: right, height: input[0], width: input[1], channels: input[2]), node, inputs,
      node.shape)
  }
}
