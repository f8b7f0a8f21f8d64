import Testing
import ZooGraph
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

/// What a pass computes beside gradients, and which gradients it computes.
@Suite("passes of training") struct TrainingPassTests {
  private static func conv(_ filters: Int, _ activation: Activation = .linear) -> ZooGraph.Operation {
    .convolution(
      Convolution(
        filters: filters, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true,
        activation: activation))
  }

  /// Two convolutions with a norm between them, and a second branch that skips both.
  private static func network() throws -> Graph {
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [5, 6, 3]))
    let first = b.add("first", conv(4, .relu), input)
    let norm = b.add("norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), first)
    let second = b.add("second", conv(4), norm)
    let sum = b.add("sum", .add, first, second)
    let dropout = b.add("dropout", .identity(layer: "Dropout"), sum)
    let pooled = b.add("pool", .globalAveragePooling(keepDimensions: false), dropout)
    let output = b.add(
      "out", .dense(Dense(units: 5, useBias: true, activation: .softmax)), pooled)
    return try b.build(outputs: [output])
  }

  private static func settings() -> ReferenceTraining.Settings {
    var settings = ReferenceTraining.Settings()
    settings.batchStatistics["norm"] = BatchStatistics(momentum: 0.75)
    settings.noise["dropout"] = TrainingNoise(.dropout, 0.25)
    settings.seed = 5
    return settings
  }

  private static func slot(_ graph: Graph, _ name: String) throws -> WeightSlot {
    try #require(graph.weightSlots.first { $0.name == name })
  }

  // MARK: The same numbers by other ways

  @Test(arguments: [2, 3, 16]) func bitsDoNotDependOnThreads(_ threads: Int) throws {
    let check = GradientCheck(try Self.network(), count: 5, settings: Self.settings())
    let (one, several) = (try check.forward(threads: 1), try check.forward(threads: threads))
    #expect(one[check.graph.outputs[0]] == several[check.graph.outputs[0]])
    #expect(one.movingStatistics == several.movingStatistics)
    let (gradients, others) = (try one.backward(check.slopes), try several.backward(check.slopes))
    #expect(gradients.weights == others.weights && gradients.values == others.values)
  }

  /// Without noise and with stored statistics, a batch is a number of single examples.
  @Test func examplesAreIndependentWhereStatisticsAreFixed() throws {
    let graph = try Self.network()
    let check = GradientCheck(graph, count: 3)
    let pass = try check.forward()
    #expect(pass.movingStatistics.isEmpty)
    let output = graph.outputs[0]
    let engine = try ReferenceEngine(graph: graph, weights: check.weights)
    var sum: [WeightSlot: [Double]] = [:]
    for example in 0..<3 {
      let values = Array(try #require(check.inputs[graph.inputs[0]])[example * 90..<(example + 1) * 90])
      let single = try engine.run([ReferenceTensor(shape: [5, 6, 3], values: values)])
      #expect(Array(try #require(pass[output])[example * 5..<(example + 1) * 5]) == single[output]?.values)
      var own = GradientCheck(graph, count: 1)
      own.weights = check.weights
      own.inputs = [graph.inputs[0]: values]
      own.slopes = [output: Array(try #require(check.slopes[output])[example * 5..<(example + 1) * 5])]
      sum.merge(try own.gradients().weights) { zip($0, $1).map(+) }
    }
    for (slot, gradient) in try pass.backward(check.slopes).weights {
      for (all, parts) in zip(gradient, try #require(sum[slot])) { #expect(abs(all - parts) < 1e-13) }
    }
  }

  /// What lies below need not be there: its values may come from elsewhere.
  @Test func beginsAtInnerValues() throws {
    let graph = try Self.network()
    let check = GradientCheck(graph, count: 2, settings: Self.settings())
    let whole = try check.forward()
    let first = try #require(graph.value(named: "first"))
    let training = try ReferenceTraining(graph: graph, weights: check.weights, settings: Self.settings())
    let inner = try training.forward(check.inputs, count: 2, to: [first])
    let kernel = try Self.slot(graph, "second/kernel")
    let pass = try training.forward(
      [first: try #require(inner[first])], count: 2, to: graph.outputs, learning: [kernel], tracking: [first])
    #expect(pass[graph.outputs[0]] == whole[graph.outputs[0]] && pass[first] == nil)
    let gradients = try pass.backward(check.slopes)
    #expect(gradients.weights == [kernel: try #require(try whole.backward(check.slopes).weights[kernel])])
    #expect(gradients.values[first]?.contains { $0 != 0 } == true)
  }

  @Test func gradientsOfSeveralTargetsAddUp() throws {
    let graph = try Self.network()
    let check = GradientCheck(graph, count: 2)
    let sum = try #require(graph.value(named: "sum"))
    let kernel = try Self.slot(graph, "first/kernel")
    let pass = try ReferenceTraining(graph: graph, weights: check.weights).forward(
      check.inputs, count: 2, to: graph.outputs + [sum], learning: [kernel])
    let slopes = [sum: [Double](repeating: 0.5, count: 240)]
    let parts = [try pass.backward(check.slopes), try pass.backward(slopes)].compactMap { $0.weights[kernel] }
    let both = try pass.backward(check.slopes.merging(slopes) { $1 }).weights[kernel]
    for (index, value) in try #require(both).enumerated() {
      #expect(abs(value - parts[0][index] - parts[1][index]) < 1e-12 && parts[1][index] != 0)
    }
  }

  // MARK: Layers that are called twice

  @Test func sharedLayersAddUp() throws {
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [4, 5, 3]))
    let first = b.add("conv", Self.conv(3, .tanh), input)
    let norm = b.add("norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), first)
    let again = b.add("conv again", Self.conv(3, .tanh), [norm], sharing: first)
    let last = b.add(
      "norm again", .batchNormalization(BatchNormalization(epsilon: 1e-3)), [again], sharing: norm)
    let graph = try b.build(outputs: [last])
    try GradientCheck(graph).compareEach()
    var settings = ReferenceTraining.Settings()
    settings.batchStatistics["norm"] = BatchStatistics(momentum: 0.75)
    let check = GradientCheck(graph, settings: settings)
    try check.compareEach()

    // The stored mean moves twice: by the batch of the first call, then by that of the second.
    let slot = try Self.slot(graph, "norm/moving_mean")
    let pass = try ReferenceTraining(graph: graph, weights: check.weights, settings: settings)
      .forward(check.inputs, count: 2, to: [first, again, last])
    func mean(_ value: Value) throws -> [Double] {
      let values = try #require(pass[value])
      return (0..<3).map { channel in
        stride(from: channel, to: values.count, by: 3).reduce(0) { $0 + values[$1] }
          / Double(values.count / 3)
      }
    }
    let (one, two) = (try mean(first), try mean(again))
    for (channel, moved) in try #require(pass.movingStatistics[slot]).enumerated() {
      let expected = (try #require(check.weights[slot])[channel] * 0.75 + one[channel] * 0.25) * 0.75
      #expect(abs(moved - expected - two[channel] * 0.25) < 1e-14)
    }
  }

  // MARK: Batch norm

  @Test(arguments: [BatchStatistics.Variance.biased, .unbiased, .unbiasedForImages], [[3], [1, 3, 1]])
  func movingStatistics(_ variance: BatchStatistics.Variance, shape: [Int]) throws {
    let graph = try Graph(.batchNormalization(BatchNormalization(epsilon: 1e-3)), on: shape)
    var settings = ReferenceTraining.Settings()
    settings.batchStatistics["layer"] = BatchStatistics(momentum: 0.75, variance: variance)
    var check = GradientCheck(graph, settings: settings)
    check.inputs[graph.inputs[0]] = [1, 2, 3, 5, 4, 9]
    let pass = try check.forward()
    let (mean, spread) = (
      try Self.slot(graph, "layer/moving_mean"), try Self.slot(graph, "layer/moving_variance")
    )
    let isImage = shape.count == 3
    // Either three channels of two values, or one of six.
    let means: [Double] = isImage ? [4] : [3, 3, 6]
    let n: Double = isImage ? 6 : 2
    let squares: [Double] = isImage ? [40] : [8, 2, 18]
    let divisor = variance == .unbiased || variance == .unbiasedForImages && isImage ? n - 1 : n
    for channel in means.indices {
      let (oldMean, oldVariance) = (
        try #require(check.weights[mean])[channel], try #require(check.weights[spread])[channel]
      )
      let moved = (
        try #require(pass.movingStatistics[mean])[channel],
        try #require(pass.movingStatistics[spread])[channel]
      )
      #expect(abs(moved.0 - oldMean * 0.75 - means[channel] * 0.25) < 1e-15)
      #expect(abs(moved.1 - oldVariance * 0.75 - squares[channel] / divisor * 0.25) < 1e-14)
    }
    // The batch itself is normalized by the biased variance, whatever is stored.
    let output = try #require(pass[graph.outputs[0]])
    let gamma = try #require(check.weights[try Self.slot(graph, "layer/gamma")])[0]
    let beta = try #require(check.weights[try Self.slot(graph, "layer/beta")])[0]
    let expected = gamma * (1 - means[0]) / (squares[0] / n + 1e-3).squareRoot() + beta
    #expect(abs(output[0] - expected) < 1e-14)
  }

  @Test func settingsFollowTheTableOfTheGraph() throws {
    let graph = try Self.network()
    var training: [String: LayerTraining] = ["dropout": LayerTraining(), "norm": LayerTraining()]
    training["dropout"]?.noise = TrainingNoise(.dropout, 0.25)
    training["norm"]?.momentum = 0.75
    let byBatch = ReferenceTraining.Settings(training, of: graph, byBatch: true, variance: .unbiased)
    #expect(byBatch.batchStatistics == ["norm": BatchStatistics(momentum: 0.75, variance: .unbiased)])
    #expect(byBatch.noise == ["dropout": TrainingNoise(.dropout, 0.25)])
    let usual = ReferenceTraining.Settings([:], of: graph, byBatch: true)
    #expect(usual.batchStatistics == ["norm": BatchStatistics(momentum: 0.99)] && usual.noise.isEmpty)
    #expect(ReferenceTraining.Settings(training, of: graph, byBatch: false).batchStatistics.isEmpty)
    training["norm"]?.isFrozen = true
    #expect(ReferenceTraining.Settings(training, of: graph, byBatch: true).batchStatistics.isEmpty)
  }

  // MARK: Noise

  @Test func dropoutKeepsItsShareAndItsMask() throws {
    let graph = try Graph(.identity(layer: "Dropout"), on: [40, 50])
    func run(_ noise: TrainingNoise, seed: UInt64, step: Int) throws -> (values: [Double], gradient: [Double])
    {
      var settings = ReferenceTraining.Settings()
      settings.noise["layer"] = noise
      (settings.seed, settings.step) = (seed, step)
      var check = GradientCheck(graph, settings: settings)
      check.inputs[graph.inputs[0]] = [Double](repeating: 2, count: 4000)
      check.slopes[graph.outputs[0]] = [Double](repeating: 1, count: 4000)
      let pass = try check.forward()
      return (
        try #require(pass[graph.outputs[0]]),
        try #require(try pass.backward(check.slopes).values[graph.inputs[0]])
      )
    }
    let dropout = TrainingNoise(.dropout, 0.2)
    let (values, gradient) = try run(dropout, seed: 1, step: 3)
    #expect(Set(values) == [0, 2 / 0.8] && values == gradient.map { $0 * 2 })
    // Within four deviations of a binomial distribution.
    #expect(abs(values.count { $0 == 0 } - 800) < 4 * 26)
    #expect(try run(dropout, seed: 1, step: 3).values == values)
    #expect(try run(dropout, seed: 1, step: 4).values != values)
    #expect(try run(dropout, seed: 2, step: 3).values != values)

    let channels = try run(TrainingNoise(.spatialDropout, 0.5), seed: 1, step: 0).values
    for index in channels.indices { #expect(channels[index] == channels[index / 2000 * 2000 + index % 50]) }
    #expect(Set(channels) == [0, 4] && channels[..<50] != channels[2000..<2050])
    let examples = Set(
      try (0..<8).map { try run(TrainingNoise(.stochasticDepth, 0.5), seed: 1, step: $0).values })
    #expect(examples.allSatisfy { Set($0[..<2000]).count == 1 && Set($0[2000...]).count == 1 })
    #expect(examples.count > 1)

    func moments(_ noise: TrainingNoise) throws -> (mean: Double, variance: Double) {
      let values = try run(noise, seed: 3, step: 0).values
      let mean = values.reduce(0, +) / 4000
      return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000)
    }
    // Times a number of the variance 0.25 and plus one of the variance 0.25.
    let (product, sum) = (
      try moments(TrainingNoise(.gaussianDropout, 0.2)), try moments(TrainingNoise(.gaussianNoise, 0.5))
    )
    #expect(abs(product.mean - 2) < 0.07 && abs(product.variance - 1) < 0.1)
    #expect(abs(sum.mean - 2) < 0.04 && abs(sum.variance - 0.25) < 0.03)
    #expect(try run(TrainingNoise(.dropout, 1), seed: 1, step: 0).values.allSatisfy { $0 == 0 })
  }

  /// The mean of 0 and the variance of 1 stay, as the layer promises.
  @Test func alphaDropoutKeepsMeanAndVariance() throws {
    let noise = NoiseMask(
      TrainingNoise(.alphaDropout, 0.3), seed: 1, step: 0, layer: "alpha", shape: [20_000])
    let random = CounterRandom(seed: 9)
    // Uniform of the variance 1.
    let values = (0..<20_000).map { index in
      let (factor, offset) = noise.affine(example: 0, index: index)
      return random.signed(index) * 3.0.squareRoot() * factor + offset
    }
    let mean = values.reduce(0, +) / 20_000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.03)
  }

  @Test(
    "gradients under noise agree with differences",
    arguments: TrainingNoise.Kind.allCases)
  func noise(_ kind: TrainingNoise.Kind) throws {
    var settings = Self.settings()
    settings.noise["dropout"] = TrainingNoise(kind, 0.375)
    try GradientCheck(try Self.network(), count: 3, settings: settings).compareEach()
  }

  // MARK: Corners

  @Test func cornersHaveTheSlopesOfTraining() throws {
    func slopes(_ operation: ZooGraph.Operation, _ shape: [Int], _ values: [Double]) throws -> [Double] {
      let graph = try Graph(operation, on: shape)
      let pass = try ReferenceTraining(graph: graph, weights: ReferenceWeights()).forward(
        [graph.inputs[0]: values], count: 1, to: graph.outputs, tracking: [graph.inputs[0]])
      let ones = [Double](repeating: 1, count: graph[graph.outputs[0]].shape.elementCount)
      return try #require(try pass.backward([graph.outputs[0]: ones]).values[graph.inputs[0]])
    }
    #expect(try slopes(.activation(.relu), [3], [-1, 0, 1]) == [0, 0, 1])
    #expect(try slopes(.activation(.relu6), [5], [-1, 0, 3, 6, 7]) == [0, 0, 1, 0, 0])
    let pooling = Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .same)
    #expect(
      try slopes(.maxPooling(pooling), [3, 2, 1], [7, 7, 7, 7, 0, 0]) == [1, 0, 0, 0, 1, 0])
    #expect(try slopes(.globalMaxPooling(keepDimensions: false), [2, 2, 1], [1, 4, 4, 3]) == [0, 1, 0, 0])
    // The last row's windows have two pixels.
    #expect(
      try slopes(.averagePooling(pooling), [3, 2, 1], [1, 2, 3, 4, 5, 6])
        == [0.25, 0.25, 0.25, 0.25, 0.5, 0.5])
  }

  // MARK: Numbers that hide others

  /// A zero times what is no number is no number.
  @Test func zerosHideNothing() throws {
    let check = GradientCheck(try Graph(.dense(Dense(units: 2, useBias: false)), on: [3]), count: 2)
    let (input, output) = (check.graph.inputs[0], check.graph.outputs[0])
    var wrong = check
    wrong.inputs[input] = [0, 1, 2, 3, 4, 5]
    wrong.slopes[output] = [.nan, 1, 1, 1]
    let gradients = try wrong.gradients()
    let kernel = try #require(gradients.weights[try Self.slot(check.graph, "layer/kernel")])
    #expect(kernel.map(\.isNaN) == [true, false, true, false, true, false])
    #expect(gradients.values[input]?.map(\.isNaN) == [true, true, true, false, false, false])
  }

  /// Some networks begin with a gamma of zero; what it multiplies must be known all the same.
  @Test(arguments: [false, true]) func gammaMayBeZero(byBatch: Bool) throws {
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [3, 4, 2]))
    let norm = b.add("norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), input)
    let sum = b.add("sum", .add, input, norm)
    let graph = try b.build(outputs: [sum])
    var settings = ReferenceTraining.Settings()
    if byBatch { settings.batchStatistics["norm"] = BatchStatistics(momentum: 0.9) }
    var check = GradientCheck(graph, settings: settings)
    check.weights[try Self.slot(graph, "norm/gamma")] = [0, 0.5]
    try check.compareEach()
  }

  // MARK: What is refused

  @Test func refusesWhatDoesNotFit() throws {
    let graph = try Self.network()
    let check = GradientCheck(graph)
    let training = try ReferenceTraining(graph: graph, weights: check.weights)
    let output = graph.outputs[0]
    #expect(errorCode { try training.forward([:], count: 2, to: [output]) } == .missing)
    #expect(errorCode { try training.forward(check.inputs, count: 3, to: [output]) } == .doesNotFit)
    #expect(errorCode { try training.forward(check.inputs, count: 0, to: [output]) } == .invalidArgument)
    for slot in [
      try Self.slot(graph, "norm/moving_mean"), WeightSlot(layer: "none", role: .kernel, shape: [1]),
    ] {
      #expect(
        errorCode { try training.forward(check.inputs, count: 2, to: [output], learning: [slot]) }
          == .invalidArgument)
    }
    let pass = try training.forward(check.inputs, count: 2, to: [output])
    #expect(errorCode { try pass.backward([output: [1]]) } == .doesNotFit)
    let inner = try #require(graph.value(named: "sum"))
    #expect(
      errorCode { try pass.backward([inner: [Double](repeating: 1, count: 240)]) } == .doesNotFit)
    #expect(try pass.backward(check.slopes).weights.isEmpty)
  }

  @Test func refusesSettingsThatNoLayerHas() throws {
    let graph = try Self.network()
    func code(_ change: (inout ReferenceTraining.Settings) -> Void) -> ZooError.Code? {
      var settings = ReferenceTraining.Settings()
      change(&settings)
      return errorCode {
        try ReferenceTraining(graph: graph, weights: ReferenceWeights(), settings: settings)
      }
    }
    let statistics = BatchStatistics(momentum: 0.9)
    let noise = TrainingNoise(.dropout, 0.5)
    #expect(code { $0.batchStatistics["norm"] = statistics } == nil)
    #expect(code { $0.batchStatistics["first"] = statistics } == .invalidArgument)
    #expect(code { $0.batchStatistics["norm"] = BatchStatistics(momentum: 1.5) } == .invalidArgument)
    #expect(code { $0.noise["dropout"] = noise } == nil)
    #expect(code { $0.noise["norm"] = noise } == .invalidArgument)
    #expect(code { $0.noise["elsewhere"] = noise } == .invalidArgument)
    #expect(code { $0.noise["dropout"] = TrainingNoise(.dropout, -0.1) } == .invalidArgument)
    #expect(code { $0.noise["dropout"] = TrainingNoise(.gaussianDropout, 1) } == .invalidArgument)
    #expect(code { $0.noise["dropout"] = TrainingNoise(.gaussianNoise, .infinity) } == .invalidArgument)
  }
}
