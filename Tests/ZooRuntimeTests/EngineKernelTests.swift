import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Every kernel of every instruction set that the machine has, against the reference engine.
@Suite struct EngineKernelTests {
  /// A random choice of one layer's options; the graph may turn out impossible.
  private struct Case {
    var random: SplitMix

    init(_ seed: Int) { random = SplitMix(seed: UInt64(seed)) }

    mutating func pick<T>(_ options: [T]) -> T {
      options[Int.random(in: 0..<options.count, using: &random)]
    }

    mutating func extent(_ range: ClosedRange<Int>) -> Extent2D {
      Extent2D(.random(in: range, using: &random), .random(in: range, using: &random))
    }

    mutating func padding() -> Padding {
      let edges = Edges(
        top: pick([0, 1, 2]), bottom: pick([0, 1]), left: pick([0, 1, 3]), right: pick([0, 2]))
      return pick([.valid, .same, .explicit(edges)])
    }

    mutating func activation() -> Activation {
      pick([
        .linear, .relu, .relu6, .sigmoid, .tanh, .softmax,
        .relu(maxValue: nil, negativeSlope: 0.2, threshold: 0),
        .relu(maxValue: 2, negativeSlope: 0, threshold: 0.5),
      ])
    }

    mutating func size() -> [Int] { [pick([5, 7, 8, 14, 17]), pick([5, 7, 9, 15, 20])] }
  }

  @Test(arguments: 0..<60) func convolution(seed: Int) throws {
    var c = Case(seed)
    let groups = c.pick([1, 1, 1, 2, 3])
    let channels = groups * c.pick([1, 3, 4, 5, 16, 37])
    let layer = Convolution(
      filters: groups * c.pick([1, 7, 16, 22, 33, 48, 70, 100]),
      kernel: c.pick([.one, Extent2D(3), c.extent(1...5)]),
      strides: c.pick([.one, c.extent(1...3)]), padding: c.padding(),
      dilation: c.pick([.one, c.extent(1...2)]),
      groups: groups, useBias: c.pick([true, false]), activation: c.activation())
    guard let graph = try? Graph(.convolution(layer), on: c.size() + [channels]) else { return }
    try expectMatchesReference(graph, seed: UInt64(seed), threads: c.pick([1, 3]))
  }

  @Test(arguments: 0..<30) func winogradConvolution(seed: Int) throws {
    var c = Case(seed)
    let size = c.pick([[12, 16], [14, 14], [13, 23], [28, 17], [30, 31]])
    let channels = c.pick([32, 37, 48, 64, 130])
    let layer = Convolution(
      filters: c.pick([32, 40, 48, 72, 100]), kernel: Extent2D(3), strides: .one,
      padding: c.pick([.same, .valid]),
      useBias: c.pick([true, false]), activation: c.pick([.linear, .relu]))
    let threads = c.pick([1, 2, 3])
    var builder = GraphBuilder()
    let x = builder.add("x", .input(shape: size + [channels]))
    let a = builder.add("a", .convolution(layer), x)
    let b = builder.add("b", .batchNormalization(BatchNormalization(epsilon: 1e-3)), a)
    var plain = layer
    plain.activation = .linear
    let other = builder.add("c", .convolution(plain), x)
    let sum = builder.add("d", .add, b, other)
    let output = builder.add("e", .activation(.relu), sum)
    let graph = try builder.build(outputs: [output])
    try expectMatchesReference(graph, seed: UInt64(seed), threads: threads)
    let weights = DictionaryWeights(randomFor: graph, seed: 1)
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: threads))
    let shape = graph[Value(index: 1)].shape
    let tiles = (shape[0] + 3) / 4 * ((shape[1] + 3) / 4)
    if tiles >= 24 && shape[0] * shape[1] * 10 >= tiles * 112 {
      #expect(engine.steps.contains { $0.kernel.hasPrefix("Winograd ") })
    }
  }

  @Test(arguments: 0..<60) func depthwiseConvolution(seed: Int) throws {
    var c = Case(seed)
    let layer = DepthwiseConvolution(
      multiplier: c.pick([1, 1, 1, 2, 3]),
      kernel: c.pick([Extent2D(3), Extent2D(5), Extent2D(7), c.extent(1...9)]),
      strides: c.pick([.one, Extent2D(2), c.extent(1...3)]), padding: c.padding(),
      dilation: c.pick([.one, .one, c.extent(1...2)]), useBias: c.pick([true, false]),
      activation: c.activation())
    guard let graph = try? Graph(.depthwiseConvolution(layer), on: c.size() + [c.pick([1, 11, 16, 44, 64])])
    else { return }
    try expectMatchesReference(graph, seed: UInt64(seed), threads: c.pick([1, 2]))
  }

  @Test(arguments: 0..<20) func separableConvolution(seed: Int) throws {
    var c = Case(seed)
    let layer = SeparableConvolution(
      filters: c.pick([1, 11, 44, 64]), multiplier: c.pick([1, 2]),
      kernel: c.pick([Extent2D(3), Extent2D(5)]),
      strides: c.pick([.one, Extent2D(2)]), padding: c.padding(), useBias: c.pick([true, false]),
      activation: c.activation())
    guard let graph = try? Graph(.separableConvolution(layer), on: c.size() + [c.pick([3, 16, 44])]) else {
      return
    }
    try expectMatchesReference(graph, seed: UInt64(seed))
  }

  /// A block of so many pixels, and products with so many weights, that the rows of one don't all go into a
  /// product at once.
  @Test func separableConvolutionOfManyPixelsToManyFilters() throws {
    let (channels, filters, pixels) = (15, 8800, 4225)
    let layer = SeparableConvolution(
      filters: filters, multiplier: 1, kernel: .one, strides: .one, padding: .valid, useBias: false)
    let graph = try Graph(.separableConvolution(layer), on: [65, 65, channels])
    let weights = DictionaryWeights(randomFor: graph, seed: 3)
    func values(_ role: WeightRole) throws -> [Float] {
      let slot = try #require(graph.nodes.flatMap(\.weights).first { $0.role == role })
      return try weights.tensor(for: slot).floats()
    }
    let (depthwise, pointwise) = (try values(.depthwiseKernel), try values(.pointwiseKernel))
    let input = randomInputs(graph, seed: 4)
    for kernels in Engine.availableKernels {
      let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels))
      let output = try engine.makeSession().run(input)[0].values
      var worst = 0.0
      for pixel in [0, 4095, 4096, pixels - 1] {
        for filter in 0..<filters {
          let truth = (0..<channels).reduce(0.0) {
            $0 + Double(input[0].values[pixel * channels + $1]) * Double(depthwise[$1])
              * Double(pointwise[$1 * filters + filter])
          }
          worst = max(worst, abs(Double(output[pixel * filters + filter]) - truth))
        }
      }
      #expect(worst < 1e-4, "\(kernels)")
    }
  }

  @Test(arguments: 0..<40) func pooling(seed: Int) throws {
    var c = Case(seed)
    let pooling = Pooling(
      window: c.pick([Extent2D(2), Extent2D(3), c.extent(1...4)]), strides: c.extent(1...3),
      padding: c.pick([.valid, .same, .explicit(Edges(top: 0, bottom: 1, left: 1, right: 0))]))
    let operation: ZooGraph.Operation = c.pick([.maxPooling(pooling), .averagePooling(pooling)])
    guard let graph = try? Graph(operation, on: c.size() + [c.pick([1, 11, 32, 44])]) else { return }
    try expectMatchesReference(graph, seed: UInt64(seed))
  }

  @Test(arguments: [1, 5, 1000, 2049], [[7], [100], [4, 9], [3, 2, 64]])
  func dense(units: Int, input: [Int]) throws {
    let graph = try Graph(.dense(Dense(units: units, useBias: true, activation: .relu)), on: input)
    try expectMatchesReference(graph, batch: 2, seed: UInt64(units))
    try expectMatchesReference(graph, seed: UInt64(units), threads: 2)
  }

  @Test func denseSkipsZeros() throws {
    let graph = try Graph(.dense(Dense(units: 33, useBias: false)), on: [50])
    let weights = DictionaryWeights(randomFor: graph, seed: 5)
    for zeros in [50, 49, 42, 17] {
      let values = (0..<50).map { $0 < zeros ? Float(0) : Float($0) / 7 }
      let input = Tensor(shape: [1, 50], values: values)
      let reference = try ReferenceEngine(graph: graph, weights: weights)
      let expected = try reference.run([ReferenceTensor(input, example: 0)])
      for kernels in Engine.availableKernels {
        let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels))
        let output = try engine.makeSession().run([input])[0]
        let truth = try #require(expected[graph.outputs[0]])
        expectClose(output, example: 0, truth, "\(zeros) zeros, \(kernels)")
      }
    }
  }

  @Test(arguments: [
    ZooGraph.Operation.batchNormalization(BatchNormalization(epsilon: 1e-3)),
    .batchNormalization(BatchNormalization(epsilon: 1e-3, scale: false, center: false)),
    .activation(.linear), .activation(.relu), .activation(.relu6), .activation(.sigmoid), .activation(.tanh),
    .activation(.softmax), .activation(.relu(maxValue: 1, negativeSlope: 0.1, threshold: -0.2)),
    .globalAveragePooling(keepDimensions: false), .globalMaxPooling(keepDimensions: true),
    .zeroPadding(Edges(top: 1, bottom: 2, left: 0, right: 3)),
    .cropping(Edges(top: 1, bottom: 0, left: 2, right: 1)),
    .flatten, .reshape(target: [3, 5, 77]), .identity(layer: "Dropout"),
  ])
  func others(operation: ZooGraph.Operation) throws {
    try expectMatchesReference(Graph(operation, on: [5, 7, 33]), batch: 2, seed: 3)
    try expectMatchesReference(Graph(operation, on: [5, 7, 33]), seed: 4, threads: 2)
  }

  @Test(arguments: [2, 3, 5]) func joins(count: Int) throws {
    let shapes = [[Int]](repeating: [4, 5, 11], count: count)
    try expectMatchesReference(Graph(.add, on: shapes), seed: UInt64(count))
    try expectMatchesReference(Graph(.concatenate, on: shapes), seed: UInt64(count))
    try expectMatchesReference(Graph(.concatenate, on: [[4], [9]]), seed: UInt64(count))
  }
}
