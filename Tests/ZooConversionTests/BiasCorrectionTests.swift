import Testing
import ZooConversion
import ZooGraph
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// The mean error of rounded kernels, taken off biases and batch norms.
@Suite struct BiasCorrectionTests {
  /// A batch norm whose gamma is 0, so that its output really is its beta at every pixel, then a layer, and a
  /// batch norm behind it where the layer has no bias.
  private struct Network {
    let graph: Graph
    let layer: Value
    var weights: DictionaryWeights

    init(_ operation: ZooGraph.Operation, shape: [Int], hasNorm: Bool) throws {
      var builder = GraphBuilder()
      let input = builder.add("input", .input(shape: shape))
      let front = builder.add("front", .batchNormalization(BatchNormalization(epsilon: 1e-3)), input)
      layer = builder.add("layer", operation, front)
      let norm = BatchNormalization(epsilon: 1e-3)
      let end = hasNorm ? builder.add("norm", .batchNormalization(norm), layer) : layer
      graph = try builder.build(outputs: [end])
      weights = DictionaryWeights(randomFor: graph, seed: 3)
      let channels = shape[shape.count - 1]
      weights.tensors["front/gamma"] = StoredTensor(
        shape: [channels], values: [Float](repeating: 0, count: channels))
    }

    /// What the network computes with codes of 8 bits for the layer, and what with its own weights.
    func outputs(isCorrected: Bool) throws -> (original: [Float], stored: [Float]) {
      var coded = weights
      for slot in graph[layer].weights {
        guard let form = graph[layer].operation.quantizedForm(.int8, of: slot) else { continue }
        let rounding = try QuantizedTensor.rounding(weights.tensor(for: slot), to: form, name: slot.name)
        coded.tensors[slot.name] = StoredTensor(shape: slot.shape, values: rounding.tensor.floats())
      }
      if isCorrected {
        let correction = BiasCorrection(
          graph: graph, prediction: try ValuePrediction(graph: graph, weights: weights))
        #expect(correction.applies(to: layer))
        let stored = coded
        let replaced = try correction.replacements(for: layer, weights: weights) {
          try stored.tensor(for: $0)
        }
        #expect(replaced.count == 1)
        for (slot, tensor) in replaced { coded.tensors[slot.name] = tensor }
      }
      let shape = graph[graph.inputs[0]].shape
      let random = CounterRandom(seed: 1)
      let input = Tensor(
        shape: Shape([1] + shape.dimensions),
        values: (0..<shape.elementCount).map { Float(random.signed($0)) })
      func run(_ weights: DictionaryWeights) throws -> [Float] {
        let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1))
        return try engine.makeSession().run([input])[0].values
      }
      return (try run(weights), try run(coded))
    }
  }

  private static func convolution(groups: Int = 1, useBias: Bool) -> ZooGraph.Operation {
    .convolution(
      Convolution(
        filters: 12, kernel: Extent2D(3), strides: Extent2D(2), padding: .valid, groups: groups,
        useBias: useBias))
  }

  private static let layers: [(ZooGraph.Operation, [Int])] = [true, false].flatMap { useBias in
    [
      (convolution(useBias: useBias), [9, 9, 8]),
      (convolution(groups: 4, useBias: useBias), [9, 9, 8]),
      (
        .depthwiseConvolution(
          DepthwiseConvolution(
            multiplier: 2, kernel: Extent2D(3), strides: .one, padding: .valid, useBias: useBias)), [7, 7, 5]
      ),
      (
        .separableConvolution(
          SeparableConvolution(
            filters: 6, kernel: Extent2D(3), strides: .one, padding: .valid, useBias: useBias)), [7, 7, 5]
      ),
      (
        .transposedConvolution(
          TransposedConvolution(
            filters: 6, kernel: Extent2D(1), strides: .one, offset: Extent2D(0), size: Extent2D(5),
            useBias: useBias)), [5, 5, 4]
      ),
      (.dense(Dense(units: 9, useBias: useBias)), [30]),
    ]
  }

  @Test("a constant input gives the output of the original weights", arguments: layers.indices)
  func theOutputIsTheOriginals(index: Int) throws {
    let (operation, shape) = Self.layers[index]
    let hasBias = index < Self.layers.count / 2
    let network = try Network(operation, shape: shape, hasNorm: !hasBias)
    let plain = try network.outputs(isCorrected: false)
    let corrected = try network.outputs(isCorrected: true)
    let scale = plain.original.map(abs).max() ?? 0
    func error(_ pair: (original: [Float], stored: [Float])) -> Float {
      zip(pair.original, pair.stored).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(error(corrected) <= 4e-6 * scale, "\(operation.kind): \(error(corrected)) of \(scale)")
    #expect(error(plain) > 50 * error(corrected), "\(operation.kind)")
  }

  @Test("by hand", arguments: [true, false])
  func byHand(hasBias: Bool) throws {
    let dense = ZooGraph.Operation.dense(Dense(units: 2, useBias: hasBias))
    var network = try Network(dense, shape: [2], hasNorm: !hasBias)
    network.weights.tensors["front/beta"] = StoredTensor(shape: [2], values: [2, -1])
    network.weights.tensors["layer/kernel"] = StoredTensor(shape: [2, 2], values: [1, 2, 3, 4])
    network.weights.tensors["layer/bias"] = StoredTensor(shape: [2], values: [10, 20])
    network.weights.tensors["norm/moving_mean"] = StoredTensor(shape: [2], values: [10, 20])
    let correction = BiasCorrection(
      graph: network.graph, prediction: try ValuePrediction(graph: network.graph, weights: network.weights))
    // The kernel is off by 0.5, 0; 1, -2: the output by 2·0.5 - 1·1 = 0 and -1·(-2) = 2.
    let replaced = try correction.replacements(for: network.layer, weights: network.weights) { slot in
      StoredTensor(shape: slot.shape, values: [1.5, 2, 4, 2])
    }
    #expect(replaced.count == 1)
    let (slot, tensor) = try #require(replaced.first)
    #expect(slot.name == (hasBias ? "layer/bias" : "norm/moving_mean"))
    #expect(tensor.floats() == (hasBias ? [10, 18] : [10, 22]))
  }

  /// Nothing takes up the error, or nothing is known of it.
  @Test func whatCannotBeCorrectedIsLeft() throws {
    func applies(_ build: (inout GraphBuilder, Value) -> (layer: Value, output: Value)) throws -> Bool {
      var builder = GraphBuilder()
      let input = builder.add("input", .input(shape: [5, 5, 4]))
      let (layer, output) = build(&builder, input)
      let graph = try builder.build(outputs: [output])
      let weights = DictionaryWeights(randomFor: graph, seed: 4)
      let prediction = try ValuePrediction(graph: graph, weights: weights)
      return BiasCorrection(graph: graph, prediction: prediction).applies(to: layer)
    }
    let norm = ZooGraph.Operation.batchNormalization(BatchNormalization(epsilon: 1e-3))
    func pointwise(_ activation: Activation = .linear, useBias: Bool = false) -> ZooGraph.Operation {
      .convolution(
        Convolution(
          filters: 4, kernel: .one, strides: .one, padding: .valid, useBias: useBias, activation: activation))
    }
    // The input's mean is not known.
    #expect(
      try !applies { builder, input in
        let layer = builder.add("layer", pointwise(useBias: true), input)
        return (layer, layer)
      })
    #expect(
      try applies { builder, input in
        let layer = builder.add("layer", pointwise(useBias: true), builder.add("front", norm, input))
        return (layer, layer)
      })
    // No bias, and no batch norm of its own.
    #expect(
      try !applies { builder, input in
        let layer = builder.add("layer", pointwise(), builder.add("front", norm, input))
        return (layer, builder.add("sum", .add, layer, input))
      })
    #expect(
      try !applies { builder, input in
        let layer = builder.add("layer", pointwise(), builder.add("front", norm, input))
        let first = builder.add("first", norm, layer)
        return (layer, builder.add("sum", .add, first, layer))
      })
    #expect(
      try !applies { builder, input in
        let layer = builder.add("layer", pointwise(.relu), builder.add("front", norm, input))
        return (layer, builder.add("norm", norm, layer))
      })
    // A layer that is called twice has the errors of two inputs.
    #expect(
      try !applies { builder, input in
        let front = builder.add("front", norm, input)
        let layer = builder.add("layer", pointwise(useBias: true), front)
        return (layer, builder.add("again", pointwise(useBias: true), [layer], sharing: layer))
      })
  }
}
