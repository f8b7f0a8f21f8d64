import ZooGraph
import ZooSystem
import ZooTensor

extension Lowering {
  mutating func lower(_ node: Node) throws(ZooError) {
    switch node.operation {
    case .input: break
    case .convolution(let c): try lower(c, node)
    case .depthwiseConvolution(let c): try lower(c, node)
    case .separableConvolution(let c): try lower(c, node)
    case .transposedConvolution(let c): try lower(c, node)
    case .dense(let dense): lower(dense, node)
    case .batchNormalization(let norm): lower(norm, node)
    case .layerNormalization(let norm): lower(norm, node)
    case .normalization(let norm): lower(norm, node)
    case .rescaling(let rescaling): lower(rescaling, node)
    case .layerScale:
      let gamma = LoweredConstant.Source.weight(node.weights[0])
      lowerChannels(node, [(.multiply, gamma, node.weights[0].shape.elementCount)])
    case .channelAffine(let affine):
      let (gamma, beta) = (weight(.gamma, node), weight(.beta, node))
      lowerChannels(
        node,
        (affine.scale ? gamma.map { [(.multiply, .weight($0), $0.shape.elementCount)] } ?? [] : [])
          + (affine.center ? beta.map { [(.add, .weight($0), $0.shape.elementCount)] } ?? [] : []))
    case .activation(let activation):
      let (value, layout) = native(node.inputs[0])
      set(activated(value, activation, channelAxis(node, layout)), layout)
    case .prelu(let sharedAxes): lowerPReLU(sharedAxes, node)
    case .maxPooling(let pooling): try lower(pooling, .maximum, node)
    case .averagePooling(let pooling): try lower(pooling, .mean, node)
    case .globalAveragePooling(let keepDimensions): lowerGlobalPooling(.mean, keepDimensions, node)
    case .globalMaxPooling(let keepDimensions): lowerGlobalPooling(.maximum, keepDimensions, node)
    case .zeroPadding(let edges): lowerPadding(edges, node)
    case .cropping(let edges): lowerCropping(edges, node)
    case .resize(let resize): try lower(resize, node)
    case .merge(let merge): lower(merge, node)
    case .concatenate: lowerConcatenation(node)
    case .flatten, .reshape:
      let source = value(node.inputs[0], .nhwc)
      let extents = node.shape.dimensions
      set(add(.reshape(extents), [.value(source)], extents))
    case .permute(let order): lowerPermutation(order, node)
    case .identity: setSame(as: node.inputs[0])
    }
  }

  func weight(_ role: WeightRole, _ node: Node) -> WeightSlot? { node.weights.first { $0.role == role } }

  /// The axis of the channels of the node's output, counted with the batch.
  func channelAxis(_ node: Node, _ layout: ImageLayout) -> Int {
    layout == .nchw ? 1 : node.shape.rank
  }

  // MARK: Dense layers

  private mutating func lower(_ dense: Dense, _ node: Node) {
    let input = value(node.inputs[0], .nhwc)
    let extents = node.shape.dimensions
    let kernel = constant(.weight(node.weights[0]), node.weights[0].shape.dimensions)
    let bias = weight(.bias, node).map { constant(.weight($0), [dense.units]) }
    var result: Value
    if let bias, extents.count == 1 {
      result = add(.productWithBias, [.value(input), kernel, bias], extents)
    } else {
      result = add(.product, [.value(input), kernel], extents)
      if let bias { result = add(.binary(.add), result, bias) }
    }
    set(activated(result, dense.activation, node.shape.rank))
  }

  // MARK: Channels

  typealias ChannelStep = (operation: LoweredGraph.Binary, numbers: LoweredConstant.Source, count: Int)

  /// One operation after another with numbers of the channels, or with one for all.
  mutating func lowerChannels(_ node: Node, _ steps: [ChannelStep]) {
    if steps.isEmpty { return setSame(as: node.inputs[0]) }
    var (value, layout) = native(node.inputs[0])
    for step in steps {
      let shape = layout == .nchw && step.count > 1 ? [step.count, 1, 1] : [step.count]
      value = add(.binary(step.operation), value, constant(step.numbers, shape))
    }
    set(value, layout)
  }

  private mutating func lower(_ rescaling: Rescaling, _ node: Node) {
    func numbers(_ numbers: [Double]) -> LoweredConstant.Source { .numbers(numbers.map { Float($0) }) }
    var steps: [ChannelStep] = []
    if rescaling.scale.contains(where: { $0 != 1 }) {
      steps.append((.multiply, numbers(rescaling.scale), rescaling.scale.count))
    }
    if rescaling.offset.contains(where: { $0 != 0 }) {
      steps.append((.add, numbers(rescaling.offset), rescaling.offset.count))
    }
    lowerChannels(node, steps)
  }

  private mutating func lower(_ norm: Normalization, _ node: Node) {
    let (mean, variance) = (node.weights[0], node.weights[1])
    let count = mean.shape.elementCount
    let deviation = LoweredConstant.Source.deviation(variance: variance, epsilon: norm.epsilon)
    lowerChannels(
      node,
      norm.inverted
        ? [(.multiply, deviation, count), (.add, .weight(mean), count)]
        : [(.subtract, .weight(mean), count), (.divide, deviation, count)])
  }

  private mutating func lower(_ norm: BatchNormalization, _ node: Node) {
    guard let mean = weight(.movingMean, node), let variance = weight(.movingVariance, node) else { return }
    let (gamma, beta) = (weight(.gamma, node), weight(.beta, node))
    let channels = mean.shape.elementCount
    // Elsewhere the channels are not axis 1.
    guard node.shape.rank == 3 || node.shape.rank == 1 else {
      let factor = LoweredConstant.Source.normFactor(gamma: gamma, variance: variance, epsilon: norm.epsilon)
      return lowerChannels(
        node,
        [(.subtract, .weight(mean), channels), (.multiply, factor, channels)]
          + (beta.map { [(.add, .weight($0), channels)] } ?? []))
    }
    let layout: ImageLayout = node.shape.rank == 3 ? .nchw : .nhwc
    let input = value(node.inputs[0], layout)
    let operands =
      [gamma.map { .weight($0) } ?? .filled(1), beta.map { .weight($0) } ?? .filled(0)]
      + [LoweredConstant.Source.weight(mean), .weight(variance)]
    let constants = operands.map { constant($0, [channels]) }
    set(
      add(
        .batchNormalization(epsilon: norm.epsilon), [.value(input)] + constants,
        Self.axes(of: node.shape, in: layout)),
      layout)
  }

  private mutating func lower(_ norm: LayerNormalization, _ node: Node) {
    let input = value(node.inputs[0], .nhwc)
    let extents = Array(node.shape.dimensions.suffix(norm.axes))
    let gamma = constant(weight(.gamma, node).map { .weight($0) } ?? .filled(1), extents)
    let beta = weight(.beta, node).map { [constant(.weight($0), extents)] } ?? []
    set(
      add(
        .layerNormalization(axes: norm.axes, epsilon: norm.epsilon), [.value(input), gamma] + beta,
        node.shape.dimensions))
  }

  private mutating func lowerPReLU(_ sharedAxes: [Int], _ node: Node) {
    let (value, layout) = native(node.inputs[0])
    let alpha = node.weights[0]
    let slope =
      layout == .nchw
      ? constant(.reversed(alpha, inputs: 1, outputs: alpha.shape[2]), Self.axes(of: alpha.shape, in: layout))
      : constant(.weight(alpha), alpha.shape.dimensions)
    set(add(.binary(.prelu), value, slope), layout)
  }
}
