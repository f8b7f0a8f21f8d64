import Testing
import ZooGraph
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct ReferenceProbeTests {
  /// A small network with every kind of layer, whose softmax comes last.
  static func network() throws -> Graph {
    var g = GraphBuilder()
    let one = Extent2D.one
    let three = Extent2D(3)
    let image = g.add("image", .input(shape: [9, 8, 3]))
    let padded = g.add("pad", .zeroPadding(Edges(top: 0, bottom: 1, left: 1, right: 1)), image)
    var x = g.add(
      "conv",
      .convolution(
        Convolution(filters: 4, kernel: three, strides: Extent2D(2), padding: .valid, useBias: true)),
      padded)
    x = g.add("bn", .batchNormalization(BatchNormalization(epsilon: 1e-3)), x)
    let shortcut = g.add("relu", .activation(.relu), x)
    x = g.add(
      "depthwise",
      .depthwiseConvolution(
        DepthwiseConvolution(kernel: three, strides: one, padding: .same, useBias: false)), shortcut)
    x = g.add(
      "separable",
      .separableConvolution(
        SeparableConvolution(
          filters: 4, kernel: three, strides: one, padding: .same, useBias: true, activation: .tanh)), x)
    x = g.add("add", .add, [x, shortcut])
    let largest = g.add(
      "max", .maxPooling(Pooling(window: three, strides: one, padding: .same)), x)
    let mean = g.add(
      "mean", .averagePooling(Pooling(window: three, strides: one, padding: .same)), x)
    x = g.add("concat", .concatenate, [largest, mean])
    x = g.add("crop", .cropping(Edges(top: 1, bottom: 0, left: 0, right: 1)), x)
    let pooled = g.add("pooled", .globalAveragePooling(keepDimensions: true), x)
    x = g.add(
      "grouped",
      .convolution(
        Convolution(
          filters: 6, kernel: one, strides: one, padding: .valid, groups: 2, useBias: false,
          activation: .sigmoid)), pooled)
    x = g.add("reshape", .reshape(target: [6]), x)
    x = g.add("dropout", .identity(layer: "Dropout"), x)
    let probabilities = g.add(
      "classes", .dense(Dense(units: 5, useBias: true, activation: .softmax)), x)
    return try g.build(outputs: [probabilities])
  }

  /// The network, its weights, an input of two examples and all values of the second.
  struct Setup {
    let graph: Graph
    let weights: DictionaryWeights
    let batch: Tensor
    let values: [Value: ReferenceTensor]
    let all: Set<Value>

    init(seed: UInt64) throws {
      graph = try ReferenceProbeTests.network()
      weights = DictionaryWeights(randomFor: graph, seed: seed)
      var random = SplitMix(seed: seed &+ 1)
      batch = Tensor(
        shape: [2, 9, 8, 3], values: (0..<2 * 9 * 8 * 3).map { _ in .random(in: -1...1, using: &random) })
      all = Set(graph.nodes.indices.map(Value.init(index:)))
      values = try ReferenceEngine(graph: graph, weights: weights)
        .run([ReferenceTensor(batch, example: 1)], keeping: all)
    }

    /// The values of `kept` as an engine of 32-bit floats would have them for the second example.
    func materialized(_ kept: Set<Value>) -> [Value: Tensor] {
      var result: [Value: Tensor] = [graph.inputs[0]: batch]
      for value in kept where value != graph.inputs[0] {
        guard let tensor = values[value] else { continue }
        let floats = tensor.values.map(Float.init)
        result[value] = Tensor(
          shape: Shape([2] + tensor.shape.dimensions),
          values: [Float](repeating: .nan, count: floats.count) + floats)
      }
      return result
    }
  }

  @Test func everyValueFromTheInputAlone() throws {
    let setup = try Setup(seed: 3)
    let probe = try ReferenceProbe(
      graph: setup.graph, weights: setup.weights, materialized: setup.materialized([]), example: 1)
    for value in setup.all {
      let expected = try #require(setup.values[value])
      for index in expected.values.indices {
        let found = probe.probe(value, at: index)
        #expect(abs(found.value - expected.values[index]) <= 1e-14 * found.scale)
        #expect(found.scale >= abs(found.value) * (1 - 1e-12))
      }
    }
  }

  @Test(arguments: UInt64(0)..<12)
  func randomValuesFromARandomSubset(seed: UInt64) throws {
    let setup = try Setup(seed: seed)
    var random = SplitMix(seed: seed)
    let kept = setup.all.filter { _ in Bool.random(using: &random) }
    let probe = try ReferenceProbe(
      graph: setup.graph, weights: setup.weights, materialized: setup.materialized(kept), example: 1)
    for value in setup.all.sorted(by: { $0.index < $1.index }) {
      let expected = try #require(setup.values[value])
      for _ in 0..<8 {
        let index = Int.random(in: expected.values.indices, using: &random)
        let found = probe.probe(value, at: index)
        // What it reads is rounded to 32 bits.
        let tolerance = found.float32Tolerance(factor: 4)
        #expect(abs(found.value - expected.values[index]) <= tolerance, "\(setup.graph[value].name)")
        #expect(probe.value(value, at: index) == found.value)
      }
    }
  }

  @Test func aWrongInputShowsInItsReader() throws {
    let setup = try Setup(seed: 5)
    let relu = try #require(setup.graph.value(named: "relu"))
    let depthwise = try #require(setup.graph.value(named: "depthwise"))
    var values = setup.materialized(setup.all)
    let wrong = try #require(values[relu])
    values[relu] = Tensor(shape: wrong.shape, values: wrong.values.map { $0 + 0.01 })
    let probe = try ReferenceProbe(
      graph: setup.graph, weights: setup.weights, materialized: values, example: 1)
    let expected = try #require(setup.values[depthwise])
    let misses = expected.values.indices.filter {
      let found = probe.probe(depthwise, at: $0)
      return abs(found.value - expected.values[$0]) > found.float32Tolerance(factor: 8)
    }
    #expect(misses.count > expected.values.count / 2)
    // The wrong layer itself is recomputed from its own inputs.
    let right = try #require(setup.values[relu])
    #expect(abs(probe.value(relu, at: 0) - right.values[0]) < 1e-5)
  }

  @Test func theScaleOfASumIsThatOfItsProducts() throws {
    let graph = try Graph(.dense(Dense(units: 1, useBias: true)), on: [3])
    let weights = DictionaryWeights([
      "layer/kernel": StoredTensor(shape: [3, 1], values: [2, -3, 0.5]),
      "layer/bias": StoredTensor(shape: [1], values: [-1]),
    ])
    let probe = try ReferenceProbe(
      graph: graph, weights: weights,
      materialized: [graph.inputs[0]: Tensor(shape: [1, 3], values: [1, 2, 4])])
    let found = probe.probe(graph.outputs[0], at: 0)
    #expect(found.value == -3)
    #expect(found.scale == 11)
    #expect(found.terms >= 4)
  }

  @Test func aMissingInputIsAnError() throws {
    let setup = try Setup(seed: 1)
    #expect(
      errorCode {
        try ReferenceProbe(graph: setup.graph, weights: setup.weights, materialized: [:])
      } == .missing)
  }

  @Test func anExampleBeyondTheBatchIsAnError() throws {
    let setup = try Setup(seed: 1)
    for example in [-1, 2] {
      #expect(
        errorCode {
          try ReferenceProbe(
            graph: setup.graph, weights: setup.weights, materialized: setup.materialized([]), example: example
          )
        } == .doesNotFit)
    }
  }

  @Test func aValueOfAnotherShapeIsAnError() throws {
    let setup = try Setup(seed: 1)
    var values = setup.materialized([])
    values[Value(index: 2)] = Tensor(zeros: [2, 4])
    #expect(
      errorCode {
        try ReferenceProbe(graph: setup.graph, weights: setup.weights, materialized: values)
      } == .doesNotFit)
    values[Value(index: 2)] = nil
    values[Value(index: 1000)] = Tensor(zeros: [2, 4])
    #expect(
      errorCode {
        try ReferenceProbe(graph: setup.graph, weights: setup.weights, materialized: values)
      } == .doesNotFit)
  }

  @Test func aLongChainOfMissingValuesIsAnError() throws {
    var g = GraphBuilder()
    let input = g.add("x", .input(shape: [1]))
    var x = input
    for index in 0..<300 { x = g.add("relu\(index)", .activation(.relu), x) }
    let graph = try g.build(outputs: [x])
    #expect(
      errorCode {
        try ReferenceProbe(
          graph: graph, weights: DictionaryWeights([:]), materialized: [input: Tensor(zeros: [1, 1])])
      } == .missing)
  }

  @Test func theArgumentOfAFunctionIsKnownWhereItBends() throws {
    let dense = { (activation: Activation) in
      try Graph(.dense(Dense(units: 1, useBias: false, activation: activation)), on: [2])
    }
    let kernel = StoredTensor(shape: [2, 1], values: [100, -99])
    for (activation, slope) in [(Activation.sigmoid, 0.25), (.tanh, 1), (.softmax, 0.5)] {
      let graph = try dense(activation)
      let probe = try ReferenceProbe(
        graph: graph, weights: DictionaryWeights(["layer/kernel": kernel]),
        materialized: [graph.inputs[0]: Tensor(shape: [1, 2], values: [1, 1])])
      let argument = try #require(probe.argument(of: graph.outputs[0], at: 0))
      #expect(argument.value == 1 && argument.slope == slope)
    }
    let graph = try dense(.relu)
    let probe = try ReferenceProbe(
      graph: graph, weights: DictionaryWeights(["layer/kernel": kernel]),
      materialized: [graph.inputs[0]: Tensor(shape: [1, 2], values: [1, 1])])
    #expect(probe.argument(of: graph.outputs[0], at: 0) == nil)
  }
}
