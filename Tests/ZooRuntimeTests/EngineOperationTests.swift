import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Operations beyond matrix products, over sizes that fill vectors and leave rests, against the reference engine.
@Suite struct EngineOperationTests {
  static let channels = [1, 3, 4, 8, 17, 33]

  static let activations: [Activation] = [
    .elu(alpha: 0.5), .selu, .gelu(approximate: true), .gelu(approximate: false), .silu, .sigmoid,
    .hardSigmoid(slope: 0.2), .hardSilu, .tanh, .softplus, .softsign, .exponential, .mish, .softmax,
    .relu(maxValue: 0.5, negativeSlope: 0.25, threshold: -0.125),
  ]

  @Test(arguments: activations)
  func activation(_ activation: Activation) throws {
    for count in Self.channels {
      try expectMatchesReference(Graph(.activation(activation), on: [3, 2, count]), seed: UInt64(count))
    }
  }

  /// Calls `check` with every argument, what the engine makes of it, and the kernels that do so.
  private func forEachKernel(
    _ activation: Activation, of arguments: [Float],
    check: (_ x: Float, _ y: Float, _ kernels: String) -> Void
  ) throws {
    let graph = try Graph(.activation(activation), on: [arguments.count])
    for kernels in Engine.availableKernels {
      let engine = try Engine(
        graph: graph, weights: DictionaryWeights([:]), options: PlanOptions(kernels: kernels))
      let input = Tensor(shape: [1, arguments.count], values: arguments)
      let result = try engine.makeSession().run([input])[0]
      for (x, y) in zip(arguments, result.values) { check(x, y, kernels) }
    }
  }

  @Test(arguments: activations.filter { $0 != .softmax })
  func activationOfAllMagnitudes(_ activation: Activation) throws {
    let values = (-40...40).flatMap { power in
      [1, 1.37, 1.93].flatMap { [Float(sign: .plus, exponent: power, significand: 1) * $0] }
    }.filter { $0 < 80 }
    let all = values + values.map { -$0 } + [0]
    try forEachKernel(activation, of: all) { x, y, kernels in
      let truth = activation.scalar(Double(x))
      let tolerance = 4e-7 * max(abs(truth), min(abs(Double(x)), 1), 1e-7)
      #expect(abs(Double(y) - truth) <= tolerance, "\(kernels): f(\(x)) = \(y), not \(truth)")
    }
  }

  /// Up to the largest number that a float holds, and infinite from there on.
  @Test func exponentialOfLargeNumbers() throws {
    let arguments: [Float] = [80, 87.9, 88, 88.1, 88.5, 88.72, 88.73, 89, 100, 177, 1000, .infinity]
    try forEachKernel(.exponential, of: arguments) { x, y, kernels in
      let truth = Float(Activation.exponential.scalar(Double(x)))
      #expect(y == truth || abs(y - truth) <= 4e-7 * truth, "\(kernels): exp(\(x)) = \(y), not \(truth)")
    }
  }

  /// Roots, logarithms and reciprocals over all magnitudes, with the limits of what a float holds.
  @Test(arguments: [Activation.squareRoot, .logarithm, .reciprocal])
  func functionOfPositiveNumbers(_ activation: Activation) throws {
    let values = (-140...120).flatMap { power in
      [1, 1.37, 1.93].map { Float(sign: .plus, exponent: power, significand: 1) * $0 }
    }
    let all = values + [0, 1, .infinity, .nan]
    try forEachKernel(activation, of: all) { x, y, kernels in
      let truth = activation.scalar(Double(x))
      guard truth.isFinite, abs(truth) <= Double(Float.greatestFiniteMagnitude) else {
        #expect(y.isNaN == truth.isNaN && y.isFinite == false, "\(kernels): f(\(x)) = \(y)")
        return
      }
      #expect(abs(Double(y) - truth) <= 4e-7 * max(abs(truth), 1e-37), "\(kernels): f(\(x)) = \(y)")
    }
  }

  @Test(arguments: Merge.allCases)
  func merge(_ merge: Merge) throws {
    for count in Self.channels {
      let whole = [3, 2, count]
      for other in [whole, [1, 1, count], [count], [3, 2, 1], [1, 2, count], [3, 1, 1]] {
        try expectMatchesReference(Graph(.merge(merge), on: [whole, other]), seed: UInt64(count))
        try expectMatchesReference(Graph(.merge(merge), on: [other, whole]), seed: UInt64(count))
      }
      if merge != .subtract {
        try expectMatchesReference(
          Graph(.merge(merge), on: [whole, [count], whole, whole]), seed: UInt64(count))
      }
    }
  }

  @Test func norms() throws {
    for count in Self.channels {
      for axes in 1...3 {
        let norm = LayerNormalization(axes: axes, epsilon: 1e-3, scale: axes != 2, center: axes != 3)
        try expectMatchesReference(Graph(.layerNormalization(norm), on: [3, 2, count]), seed: UInt64(count))
      }
      try expectMatchesReference(Graph(.layerScale, on: [3, 2, count]), seed: UInt64(count))
      for (scale, center) in [(true, true), (true, false), (false, true)] {
        try expectMatchesReference(
          Graph(.channelAffine(ChannelAffine(scale: scale, center: center)), on: [3, 2, count]),
          seed: UInt64(count))
      }
      for shared in [[], [0], [0, 1], [0, 1, 2], [2]] {
        try expectMatchesReference(
          Graph(.prelu(sharedAxes: shared), on: [3, 2, count]), seed: UInt64(count))
      }
    }
  }

  @Test func layerNormOfLargeEqualValues() throws {
    let graph = try Graph(
      .layerNormalization(LayerNormalization(epsilon: 1e-3, scale: false, center: false)), on: [40])
    let values = (0..<40).map { Float(1000) + Float($0) / 64 }
    let truth = try ReferenceEngine(graph: graph, weights: DictionaryWeights([:]))
      .run([ReferenceTensor(shape: [40], values: values.map(Double.init))])[graph.outputs[0]]
    for kernels in Engine.availableKernels {
      let engine = try Engine(
        graph: graph, weights: DictionaryWeights([:]), options: PlanOptions(kernels: kernels))
      let result = try engine.makeSession().run([Tensor(shape: [1, 40], values: values)])[0]
      try expectClose(result, example: 0, #require(truth), tolerance: 1e-4, kernels)
    }
  }

  @Test func placesAndSizes() throws {
    for count in Self.channels {
      for order in [[0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 1, 0]] {
        try expectMatchesReference(Graph(.permute(order: order), on: [3, 2, count]), seed: UInt64(count))
      }
      for size in [Extent2D(6, 4), Extent2D(5, 3), Extent2D(1, 2), Extent2D(7, 1)] {
        for interpolation in Resize.Interpolation.allCases {
          for antialias in [false, true] {
            let resize = Resize(size: size, interpolation: interpolation, antialias: antialias)
            try expectMatchesReference(Graph(.resize(resize), on: [3, 2, count]), seed: UInt64(count))
          }
        }
      }
    }
  }

  @Test(arguments: [1, 2, 3], [1, 2, 3, 4])
  func transposedConvolution(stride: Int, kernel: Int) throws {
    for (channels, filters) in [(1, 3), (5, 4), (16, 33)] {
      for (offset, extra) in [(0, 0), (kernel / 2, 1), (1, stride)] {
        let size = { (input: Int) in max(1, (input - 1) * stride + kernel - offset + extra) }
        let c = TransposedConvolution(
          filters: filters, kernel: Extent2D(kernel, 2), strides: Extent2D(stride, 2),
          dilation: Extent2D(1, 2),
          offset: Extent2D(offset, 0), size: Extent2D(size(4), 9), useBias: stride != 2, activation: .relu)
        try expectMatchesReference(
          Graph(.transposedConvolution(c), on: [4, 3, channels]), seed: UInt64(stride), threads: 2)
      }
    }
  }

  /// Folded into the layers around them, inside concatenations, on parts of wider tensors, with a tap on each.
  @Test func inAPlan() throws {
    for count in [4, 20, 1024] {
      var b = GraphBuilder()
      let input = b.add("input", .input(shape: [5, 6, 3]))
      let scaled = b.add("scaled", .rescaling(Rescaling(scale: [0.5, 2, 1], offset: [-1])), input)
      func conv(_ name: String, _ x: Value, _ filters: Int, groups: Int = 1) -> Value {
        b.add(
          name,
          .convolution(
            Convolution(
              filters: filters, kernel: Extent2D(3), strides: .one, padding: .same, groups: groups,
              useBias: true)),
          x)
      }
      let first = b.add("silu", .activation(.silu), conv("first", scaled, count))
      let gate = b.add(
        "gate", .activation(.hardSigmoid(slope: 0.2)),
        b.add("mean", .globalAveragePooling(keepDimensions: true), first))
      let gated = b.add("gated", .merge(.multiply), first, gate)
      let grouped = conv("each", gated, count, groups: count)
      let layerScale = b.add("scale", .layerScale, conv("second", grouped, count))
      let residual = b.add("residual", .add, layerScale, gated)
      let up = b.add(
        "up",
        .transposedConvolution(
          TransposedConvolution(
            filters: count, kernel: Extent2D(2), strides: Extent2D(2), offset: Extent2D(0),
            size: Extent2D(10, 12),
            useBias: false)), residual)
      let normed = b.add("norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), up)
      let rectified = b.add("relu", .activation(.relu), normed)
      let large = b.add("large", .resize(Resize(size: Extent2D(10, 12), interpolation: .bilinear)), gated)
      let both = b.add("both", .concatenate, large, rectified)
      let ln = b.add("layer norm", .layerNormalization(LayerNormalization(epsilon: 1e-6)), both)
      let turned = b.add("turned", .permute(order: [1, 0, 2]), ln)
      let alpha = b.add("prelu", .prelu(sharedAxes: [0, 1]), turned)
      let output = b.add(
        "flat", .flatten, b.add("crop", .cropping(Edges(top: 1, bottom: 0, left: 0, right: 2)), alpha))
      try expectMatchesReference(b.build(outputs: [output, gate]), batch: 2, seed: UInt64(count), threads: 2)
    }
  }

  @Test func sharedWeights() throws {
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [5, 6, 3]))
    let conv = Operation.convolution(
      Convolution(
        filters: 3, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true, activation: .relu))
    let first = b.add("conv", conv, input)
    let second = b.add("conv:2", conv, [first], sharing: first)
    let graph = try b.build(outputs: [second])
    #expect(graph.weightSlots.count == 2)
    try expectMatchesReference(graph, seed: 5)
  }
}
