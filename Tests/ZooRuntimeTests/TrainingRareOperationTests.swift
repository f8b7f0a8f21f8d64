import Testing
import ZooGraph
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// The gradients of layers that few networks have are the oracle's too, at odd sizes.
@Suite("gradients of rarer layers") struct TrainingRareOperationTests {
  typealias Common = TrainingOperationTests
  typealias Case = TrainingOperationTests.Case

  static func transposed(
    _ filters: Int, _ kernel: Extent2D, strides: Extent2D = .one, dilation: Extent2D = .one,
    offset: Extent2D = Extent2D(0), size: Extent2D, bias: Bool = true, _ activation: Activation = .linear
  ) -> ZooGraph.Operation {
    .transposedConvolution(
      TransposedConvolution(
        filters: filters, kernel: kernel, strides: strides, dilation: dilation, offset: offset, size: size,
        useBias: bias, activation: activation))
  }

  static let layers: [Case] = [
    Case(operation: .rescaling(Rescaling(scale: [0.5], offset: [-1])), size: (5, 7, 19)),
    Case(operation: .rescaling(Rescaling(scale: [0.5, 2, -1], offset: [0.25])), size: (5, 7, 3)),
    Case(operation: .normalization(Normalization(perChannel: true, inverted: false, epsilon: 1e-7))),
    Case(operation: .normalization(Normalization(perChannel: false, inverted: true, epsilon: 1e-7))),
    Case(operation: .prelu(sharedAxes: [0, 1]), size: (5, 7, 19)),
    Case(operation: .prelu(sharedAxes: []), size: (5, 7, 19)),
    Case(operation: .prelu(sharedAxes: [1]), size: (5, 7, 19)),
    Case(operation: .prelu(sharedAxes: [2]), size: (5, 7, 19)),
    Case(operation: .layerNormalization(LayerNormalization(epsilon: 1e-3)), size: (5, 7, 19)),
    Case(operation: .layerNormalization(LayerNormalization(axes: 2, epsilon: 1e-3, center: false))),
    Case(operation: .layerNormalization(LayerNormalization(axes: 3, epsilon: 1e-3, scale: false))),
    Case(operation: .permute(order: [1, 0, 2])),
    Case(operation: .permute(order: [2, 0, 1])),
    Case(operation: .permute(order: [1, 2, 0])),
    Case(operation: .resize(Resize(size: Extent2D(13, 10), interpolation: .nearest))),
    Case(operation: .resize(Resize(size: Extent2D(3, 5), interpolation: .nearest))),
    Case(operation: .resize(Resize(size: Extent2D(14, 18), interpolation: .bilinear)), size: (7, 9, 18)),
    Case(operation: .resize(Resize(size: Extent2D(4, 11), interpolation: .bilinear))),
    Case(operation: .resize(Resize(size: Extent2D(4, 5), interpolation: .bilinear, antialias: true))),
    Case(operation: .resize(Resize(size: Extent2D(11, 6), interpolation: .bicubic))),
    Case(operation: .resize(Resize(size: Extent2D(4, 5), interpolation: .area))),
    Case(operation: .resize(Resize(size: Extent2D(4, 13), interpolation: .adaptive))),
    Case(operation: transposed(6, Extent2D(3), strides: Extent2D(2), size: Extent2D(15, 19), .relu)),
    Case(
      operation: transposed(
        19, Extent2D(4, 3), strides: Extent2D(2, 3), offset: Extent2D(1, 0), size: Extent2D(14, 27),
        bias: false), size: (7, 9, 18)),
    Case(operation: transposed(5, Extent2D(2), strides: Extent2D(3), size: Extent2D(20, 26), .relu6)),
    Case(operation: transposed(33, Extent2D(3), offset: Extent2D(1), size: Extent2D(7, 9))),
    Case(operation: transposed(17, Extent2D(1), size: Extent2D(7, 9)), size: (7, 9, 20)),
    Case(
      operation: transposed(
        4, Extent2D(3), dilation: Extent2D(2), offset: Extent2D(2, 1), size: Extent2D(7, 10))),
    Case(operation: transposed(6, Extent2D(3), strides: Extent2D(2), size: Extent2D(14, 18), .tanh)),
  ]

  @Test("layers", arguments: layers) func gradients(_ c: Case) throws {
    for rectifier in [Activation.relu, .linear] {
      let graph = try Common.network(
        c.operation, height: c.size.height, width: c.size.width, channels: c.size.channels,
        rectifier: rectifier)
      try TrainingCheck(graph).compare()
      try TrainingCheck(graph).compare(part: 2)
      // What is below learns by itself too.
      try TrainingCheck(graph, learning: { $0.layer != "layer" }).compare(threads: 1)
    }
  }

  /// After a rectifier and a shift, values are above zero.
  @Test("functions of positive numbers", arguments: [Activation.squareRoot, .logarithm, .reciprocal])
  func positive(_ activation: Activation) throws {
    var b = GraphBuilder()
    let first = b.learningInput(5, 7, 19)
    let rectified = b.add("rectified", .activation(.relu), first)
    let shifted = b.add("shifted", .rescaling(Rescaling(scale: [1], offset: [0.5])), rectified)
    let layer = b.add("layer", .activation(activation), shifted)
    let last = b.add("last", Common.convolution(5, Extent2D(1)), layer)
    try TrainingCheck(try b.build(outputs: [last])).compare(tolerance: 1e-5, whole: 1e-5)
  }

  /// Several layers read what a rectifier makes, and one of them is the layer: gradients are added to.
  @Test("beside others", arguments: layers) func beside(_ c: Case) throws {
    var b = GraphBuilder()
    let first = b.learningInput(c.size.height, c.size.width, c.size.channels)
    let rectified = b.add("rectified", .activation(.relu), first)
    let pools = [rectified, b.add("layer", c.operation, rectified)].enumerated().map {
      b.add("pool\($0)", .globalAveragePooling(keepDimensions: false), $1)
    }
    let both = b.add("both", .concatenate, pools)
    let last = b.add("last", .dense(Dense(units: 4, useBias: true, activation: .linear)), both)
    try TrainingCheck(try b.build(outputs: [last])).compare()
  }

  // MARK: Merges of several shapes

  /// Squeeze and excitation: channels are weighted by what all of the image says.
  static func excitation(_ merge: Merge, _ rectifier: Activation) throws -> Graph {
    var b = GraphBuilder()
    let first = b.learningInput(7, 9, 19)
    let trunk = b.add("trunk", .activation(rectifier), first)
    let pool = b.add("pool", .globalAveragePooling(keepDimensions: true), trunk)
    let squeeze = b.add("squeeze", Common.convolution(6, Extent2D(1), .silu), pool)
    let excite = b.add("excite", Common.convolution(19, Extent2D(1), .sigmoid), squeeze)
    let merged = b.add("merge", .merge(merge), trunk, excite)
    let out = b.add("out", .activation(.relu), merged)
    let last = b.add("last", Common.convolution(3, Extent2D(1)), out)
    return try b.build(outputs: [last])
  }

  @Test("one vector for all pixels", arguments: Merge.allCases, [Activation.relu, .linear])
  func vectors(_ merge: Merge, _ rectifier: Activation) throws {
    let graph = try Self.excitation(merge, rectifier)
    try TrainingCheck(graph).compare()
    try TrainingCheck(graph).compare(part: 2)
  }

  @Test("several repeated inputs", arguments: Merge.allCases) func repeated(_ merge: Merge) throws {
    var b = GraphBuilder()
    let first = b.learningInput(6, 5, 9)
    let trunk = b.add("trunk", .activation(.relu), first)
    let channels = b.add("channels", .globalAveragePooling(keepDimensions: false), trunk)
    let gate = b.add("gate", Common.convolution(1, Extent2D(3), .sigmoid), trunk)
    let rows = b.add(
      "rows", .averagePooling(Pooling(window: Extent2D(6, 1), strides: .one, padding: .valid)), first)
    let inputs = merge == .subtract ? [channels, gate] : [channels, gate, trunk, rows]
    let merged = b.add("merge", .merge(merge), inputs)
    let twice = b.add("twice", .merge(.add), merged, channels)
    let last = b.add("last", Common.convolution(3, Extent2D(1)), twice)
    try TrainingCheck(try b.build(outputs: [last])).compare()
    try TrainingCheck(try b.build(outputs: [last])).compare(part: 1)
  }

  @Test("same bits for any number of threads", arguments: layers) func threads(_ c: Case) throws {
    let check = try TrainingCheck(
      Common.network(c.operation, height: c.size.height, width: c.size.width, channels: c.size.channels))
    try Self.compareThreads(check)
  }

  @Test("merges with the same bits for any number of threads", arguments: Merge.allCases)
  func mergesOnThreads(_ merge: Merge) throws {
    try Self.compareThreads(TrainingCheck(Self.excitation(merge, .relu)))
  }

  static func compareThreads(_ check: TrainingCheck) throws {
    var first: [[Float]]?
    for threads in 1...3 {
      let session = try check.session(threads: threads)
      try check.runGradients(session)
      let found = session.slots.map { session.gradient(of: $0) ?? [] }
      if let first { #expect(found == first, "\(threads) threads") } else { first = found }
    }
  }
}
