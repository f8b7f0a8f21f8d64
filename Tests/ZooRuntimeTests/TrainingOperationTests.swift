import Testing
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport

/// Every operation's gradients are the oracle's, at odd sizes.
@Suite("gradients of the training engine") struct TrainingOperationTests {
  typealias Operation = ZooGraph.Operation

  static func convolution(
    _ filters: Int, _ kernel: Extent2D, strides: Extent2D = .one, padding: Padding = .same,
    dilation: Extent2D = .one, groups: Int = 1, bias: Bool = true, _ activation: Activation = .linear
  ) -> Operation {
    .convolution(
      Convolution(
        filters: filters, kernel: kernel, strides: strides, padding: padding, dilation: dilation,
        groups: groups, useBias: bias, activation: activation))
  }

  static func depthwise(
    _ kernel: Extent2D, strides: Extent2D = .one, padding: Padding = .same, dilation: Extent2D = .one,
    multiplier: Int = 1, _ activation: Activation = .linear
  ) -> Operation {
    .depthwiseConvolution(
      DepthwiseConvolution(
        multiplier: multiplier, kernel: kernel, strides: strides, padding: padding, dilation: dilation,
        useBias: true, activation: activation))
  }

  static let batchNorm = Operation.batchNormalization(
    BatchNormalization(epsilon: 1e-3, scale: true, center: true))

  /// A layer between two that learn, with a rectifier before it and a pooled head after it.
  static func network(
    _ operation: Operation, height: Int, width: Int, channels: Int, rectifier: Activation = .relu
  )
    throws -> Graph
  {
    var b = GraphBuilder()
    let first = b.learningInput(height, width, channels)
    let rectified = b.add("rectifier", .activation(rectifier), first)
    let layer = b.add("layer", operation, rectified)
    let last = b.add("last", convolution(5, Extent2D(1)), layer)
    return try b.build(outputs: [last])
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let operation: Operation
    var size = (height: 7, width: 9, channels: 5)
    var testDescription: String { "\(operation) \(size)" }
  }

  static let products: [Case] = [
    Case(operation: convolution(19, Extent2D(1), .relu6), size: (7, 9, 37)),
    Case(operation: convolution(70, Extent2D(1), bias: false), size: (5, 3, 33)),
    Case(operation: convolution(6, Extent2D(1), strides: Extent2D(2)), size: (7, 8, 5)),
    Case(operation: convolution(17, Extent2D(3), .relu), size: (7, 9, 20)),
    Case(operation: convolution(40, Extent2D(3), padding: .valid), size: (9, 11, 34)),
    Case(operation: convolution(33, Extent2D(3), .relu), size: (17, 14, 48)),
    Case(operation: convolution(70, Extent2D(3), padding: .valid, bias: false), size: (15, 13, 65)),
    Case(operation: convolution(7, Extent2D(3), strides: Extent2D(2)), size: (8, 9, 6)),
    Case(operation: convolution(7, Extent2D(3), strides: Extent2D(2), padding: .valid), size: (8, 9, 6)),
    Case(operation: convolution(4, Extent2D(5, 2), strides: Extent2D(3, 2)), size: (11, 8, 3)),
    Case(operation: convolution(5, Extent2D(3), dilation: Extent2D(2)), size: (9, 8, 4)),
    Case(operation: convolution(9, Extent2D(3), groups: 3), size: (6, 7, 12)),
    Case(operation: convolution(8, Extent2D(3), strides: Extent2D(2), groups: 2), size: (7, 6, 4)),
    Case(operation: convolution(10, Extent2D(3), groups: 5), size: (6, 7, 5)),
  ]

  @Test("products", arguments: products) func products(_ c: Case) throws {
    try TrainingCheck(
      Self.network(c.operation, height: c.size.height, width: c.size.width, channels: c.size.channels)
    ).compare()
  }

  static let depthwiseCases: [Case] = [
    Case(operation: depthwise(Extent2D(3), .relu6), size: (7, 9, 21)),
    Case(operation: depthwise(Extent2D(3), strides: Extent2D(2)), size: (7, 8, 18)),
    Case(operation: depthwise(Extent2D(3), strides: Extent2D(2), padding: .valid), size: (9, 8, 33)),
    Case(operation: depthwise(Extent2D(5), strides: Extent2D(2)), size: (9, 9, 4)),
    Case(operation: depthwise(Extent2D(3, 2), strides: Extent2D(3, 1)), size: (8, 9, 5)),
    Case(operation: depthwise(Extent2D(3), dilation: Extent2D(2)), size: (9, 9, 17)),
    Case(operation: depthwise(Extent2D(3), multiplier: 3), size: (6, 5, 7)),
    Case(
      operation: .separableConvolution(
        SeparableConvolution(
          filters: 6, multiplier: 2, kernel: Extent2D(3), strides: Extent2D(2), padding: .same,
          dilation: .one, useBias: true, activation: .relu)), size: (7, 8, 5)),
  ]

  @Test("depthwise convolutions", arguments: depthwiseCases) func depthwise(_ c: Case) throws {
    try TrainingCheck(
      Self.network(c.operation, height: c.size.height, width: c.size.width, channels: c.size.channels)
    ).compare()
  }

  static let others: [Case] = [
    Case(operation: .maxPooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .same))),
    Case(operation: .maxPooling(Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .valid))),
    Case(operation: .averagePooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .same))),
    Case(operation: .averagePooling(Pooling(window: Extent2D(2, 3), strides: Extent2D(1), padding: .valid))),
    Case(operation: .globalAveragePooling(keepDimensions: true), size: (5, 7, 19)),
    Case(operation: .globalMaxPooling(keepDimensions: true), size: (5, 7, 19)),
    Case(operation: .zeroPadding(Edges(top: 1, bottom: 0, left: 2, right: 3))),
    Case(operation: .cropping(Edges(top: 1, bottom: 0, left: 2, right: 3))),
    Case(operation: .reshape(target: [9, 7, 5])),
    Case(operation: batchNorm, size: (5, 7, 19)),
    Case(operation: .layerScale, size: (5, 7, 19)),
    Case(operation: .channelAffine(ChannelAffine(scale: true, center: true)), size: (5, 7, 19)),
    Case(operation: .activation(.relu6)),
  ]

  @Test("other layers", arguments: others) func others(_ c: Case) throws {
    for rectifier in [Activation.relu, .linear] {
      try TrainingCheck(
        Self.network(
          c.operation, height: c.size.height, width: c.size.width, channels: c.size.channels,
          rectifier: rectifier)
      ).compare()
    }
  }

  static let activations: [Activation] = [
    .relu(maxValue: 3, negativeSlope: 0.2, threshold: 0.5), .elu(alpha: 0.7), .selu,
    .gelu(approximate: false),
    .gelu(approximate: true), .silu, .sigmoid, .hardSigmoid(slope: 0.2), .hardSilu, .tanh, .softplus,
    .softsign,
    .exponential, .mish, .softmax,
  ]

  @Test("activations", arguments: activations) func activations(_ activation: Activation) throws {
    for rectifier in [Activation.relu, .linear] {
      try TrainingCheck(
        Self.network(.activation(activation), height: 5, width: 7, channels: 19, rectifier: rectifier)
      ).compare(tolerance: 1e-5, whole: 1e-5)
    }
    try TrainingCheck(
      Self.network(Self.convolution(6, Extent2D(3), activation), height: 5, width: 7, channels: 5)
    ).compare(tolerance: 1e-5, whole: 1e-5)
  }

  @Test("merges", arguments: [Merge.add, .subtract, .multiply, .average, .maximum, .minimum])
  func merges(_ merge: Merge) throws {
    for rectifier in [Activation.relu, .linear] {
      var b = GraphBuilder()
      let first = b.learningInput(5, 6, 7)
      let trunk = b.add("trunk", .activation(rectifier), first)
      let branch = b.add("branch", Self.convolution(7, Extent2D(3)), trunk)
      let inputs = merge == .subtract ? [branch, trunk] : [branch, trunk, first]
      let sum = b.add("merge", .merge(merge), inputs)
      let out = b.add("out", .activation(.relu), sum)
      let again = b.add("again", .merge(.add), out, out)
      let last = b.add("last", Self.convolution(3, Extent2D(1)), again)
      try TrainingCheck(try b.build(outputs: [last])).compare()
    }
  }

  /// Pooling sees padding without a copy, and several layers take the same pixels of their input.
  @Test("padding and strides that layers share", arguments: [true, false]) func shared(_ isAverage: Bool)
    throws
  {
    var b = GraphBuilder()
    let first = b.learningInput(7, 8, 19)
    let rectified = b.add("rectified", .activation(.relu), first)
    let padded = b.add(
      "padded", .zeroPadding(Edges(top: 1, bottom: 2, left: 1, right: 0)), isAverage ? first : rectified)
    let pooling = Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .valid)
    let pooled = b.add("pooled", isAverage ? .averagePooling(pooling) : .maxPooling(pooling), padded)
    let left = b.add("left", Self.convolution(6, Extent2D(1), strides: Extent2D(2)), rectified)
    let right = b.add(
      "right", Self.convolution(4, Extent2D(1), strides: Extent2D(2), padding: .valid, bias: false), rectified
    )
    let other = b.add("other", Self.convolution(4, Extent2D(1), strides: Extent2D(2, 3)), rectified)
    let means = [pooled, left, right, other].enumerated().map {
      b.add("mean\($0)", .globalAveragePooling(keepDimensions: false), $1)
    }
    let joined = b.add("joined", .concatenate, means)
    let last = b.add("last", .dense(Dense(units: 3, useBias: true, activation: .linear)), joined)
    try TrainingCheck(try b.build(outputs: [last])).compare()
    try TrainingCheck(try b.build(outputs: [last])).compare(part: 2)
  }

  @Test("concatenation") func concatenation() throws {
    var b = GraphBuilder()
    let first = b.learningInput(5, 6, 7)
    let left = b.add("left", Self.convolution(5, Extent2D(1), .relu), first)
    let right = b.add("right", Self.convolution(4, Extent2D(3)), left)
    let joined = b.add("joined", .concatenate, left, right, first)
    let last = b.add("last", Self.convolution(3, Extent2D(1)), joined)
    try TrainingCheck(try b.build(outputs: [last])).compare()
  }

  /// Batch norms by stored statistics, folded into what is before them.
  @Test(
    "folded batch norms", arguments: [Set<WeightRole>(), [.gamma], [.beta], [.kernel, .depthwiseKernel]])
  func folded(_ frozen: Set<WeightRole>) throws {
    var b = GraphBuilder()
    let first = b.learningInput(7, 8, 6)
    let norm = b.add("norm", Self.batchNorm, first)
    let rectified = b.add("rectified", .activation(.relu6), norm)
    let wide = b.add("wide", Self.depthwise(Extent2D(3)), rectified)
    let wideNorm = b.add("wide_norm", Self.batchNorm, wide)
    let product = b.add("product", Self.convolution(9, Extent2D(3)), wideNorm)
    let productNorm = b.add("product_norm", Self.batchNorm, product)
    let last = b.add("last", .activation(.relu), productNorm)
    let graph = try b.build(outputs: [last])
    try TrainingCheck(graph, learning: { !frozen.contains($0.role) }).compare()
    try TrainingCheck(graph, learning: { !frozen.contains($0.role) }).compare(part: 1)
  }

  @Test("batch norms by the batch") func batchStatistics() throws {
    var b = GraphBuilder()
    let first = b.learningInput(7, 8, 6)
    let norm = b.add("norm", Self.batchNorm, first)
    let rectified = b.add("rectified", .activation(.relu6), norm)
    let product = b.add("product", Self.convolution(9, Extent2D(3)), rectified)
    let productNorm = b.add("product_norm", Self.batchNorm, product)
    let last = b.add("last", Self.convolution(3, Extent2D(1)), productNorm)
    var check = try TrainingCheck(try b.build(outputs: [last]), count: 4)
    check.options.batchMomentum = ["norm": 0.9, "product_norm": 0.75]
    check.options.part = 1
    // A bias before a norm by the batch has a gradient of zero.
    check.learning = check.learning.filter { !($0.role == .bias && $0.layer != "last") }
    try check.compare(tolerance: 1e-5, whole: 1e-5)
  }

  @Test("dropout and flat vectors") func dropout() throws {
    var b = GraphBuilder()
    let first = b.learningInput(4, 5, 6)
    let rectified = b.add("rectified", .activation(.relu), first)
    let noisy = b.add("dropout", .identity(layer: "Dropout"), rectified)
    let flat = b.add("flatten", .flatten, noisy)
    let dense = b.add("dense", .dense(Dense(units: 40, useBias: true, activation: .relu)), flat)
    let last = b.add("last", .dense(Dense(units: 7, useBias: true, activation: .softmax)), dense)
    for noise in [TrainingNoise(.dropout, 0.4), TrainingNoise(.spatialDropout, 0.4)] {
      var check = try TrainingCheck(try b.build(outputs: [last]), count: 5)
      check.options.noise = ["dropout": noise]
      check.options.seed = 7
      check.options.part = 2
      let session = try check.session()
      try check.runGradients(session, step: 2)
      // The oracle has no softmax to cut off within a layer.
      var truth = check
      truth = try TrainingCheck(Self.withoutSoftmax(check.graph), count: 5)
      truth.options = check.options
      let expected = try truth.truth(step: 2, logits: truth.graph.outputs[0])
      for slot in session.slots {
        let own = TrainingCheck.difference(
          try #require(session.gradient(of: slot)), try #require(expected[slot]))
        #expect(own.norm > 0 && own.error <= 2e-6 * own.norm, "\(slot.name): \(own)")
      }
    }
  }

  /// The same network with logits as its output, where its last layer ends in a softmax.
  static func withoutSoftmax(_ graph: Graph) throws -> Graph {
    let last = graph.outputs[0].index
    let layers = graph.nodes.enumerated().map { index, node in
      var operation = node.operation
      if index == last, case .dense(var dense) = operation {
        dense.activation = .linear
        operation = .dense(dense)
      }
      return Graph.Layer(
        name: node.name, operation: operation, inputs: node.inputs.map(\.index),
        sharing: node.sharing?.index)
    }
    return try Graph(layers: layers, outputs: [last])
  }

  @Test("layers that are called twice") func calledTwice() throws {
    var b = GraphBuilder()
    let first = b.learningInput(5, 6, 7)
    let once = b.add("once", Self.convolution(7, Extent2D(3), .relu), first)
    let twice = b.add("twice", Self.convolution(7, Extent2D(3), .relu), [once], sharing: once)
    let last = b.add("last", Self.convolution(3, Extent2D(1)), twice)
    try TrainingCheck(try b.build(outputs: [last])).compare()
  }

  @Test("a layer that can't be trained is named") func unsupported() throws {
    let graph = try Self.network(
      Self.convolution(2, Extent2D(66)), height: 4, width: 5, channels: 1)
    let error = #expect(throws: ZooError.self) { try TrainingCheck(graph).session() }
    #expect(error?.code == .cannotRun && error?.location == "layer 'layer'")
  }
}
