import Testing
import ZooGraph
import ZooKeras
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A network that is written as a Keras configuration and read again is the same, in both versions of Keras.
@Suite("networks written for Keras") struct KerasExpressionTests {
  private static let writers = ["keras 2.15.0", "keras 3.15.1"]

  /// Nil where Keras has no layer for something.
  private func expression(_ network: KerasNetwork) throws -> KerasExpression? {
    do {
      return try KerasExpression(of: network.graph, training: network.training, at: "golden")
    } catch  where error.code == .unsupported {
      return nil
    }
  }

  private func read(_ expression: KerasExpression, _ writer: String) throws -> KerasNetwork {
    let text = Array(expression.configuration(name: "again").text.utf8)
    return try kerasGraph(
      configuration: try JSONValue(parsing: text, location: "again"), inputSize: nil, writer: writer)
  }

  /// Many goldens have layers that are called twice, or that only one version of Keras has.
  @Test func mostAreWritten() throws {
    let written = try KerasNetworkGolden.all.count { try expression($0.network().0) != nil }
    #expect(written >= 250, "\(written) of \(KerasNetworkGolden.all.count)")
  }

  @Test("compute the same", arguments: KerasNetworkGolden.all)
  func outputs(_ golden: KerasNetworkGolden) throws {
    let (network, weights) = try golden.network()
    // Which of them are not written, the test above counts.
    guard let expression = try expression(network) else { return }
    let inputs = golden.inputs.map { ReferenceTensor(shape: Shape($0.shape), values: $0.values) }
    let expected = try ReferenceEngine(graph: network.graph, weights: weights).run(inputs)
    let origins = Dictionary(uniqueKeysWithValues: expression.layers.map { ($1, $0) })
    let moved = ComputedWeights { slot in
      let layer = try #require(origins[slot.layer])
      return try weights.tensor(for: WeightSlot(layer: layer, role: slot.role, shape: slot.shape))
    }
    for writer in Self.writers {
      let again = try read(expression, writer)
      #expect(Set(again.graph.weightSlots) == Set(expression.graph.weightSlots))
      #expect(again.training == expression.training)
      let found = try ReferenceEngine(graph: again.graph, weights: moved).run(inputs)
      for (ours, theirs) in zip(again.graph.outputs, network.graph.outputs) {
        let (a, b) = (try #require(found[ours]), try #require(expected[theirs]))
        let largest = b.values.reduce(1e-3) { max($0, abs($1)) }
        let worst = zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(a.shape == b.shape && worst <= 1e-12 * largest, "\(writer): off by \(worst)")
      }
    }
  }

  /// Everything that a configuration says for training is said again.
  @Test func trainingIsWritten() throws {
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [8, 7, 3]))
    let conv = b.add(
      "block/conv",
      .convolution(
        Convolution(
          filters: 4, kernel: Extent2D(3), strides: Extent2D(2),
          padding: .explicit(Edges(top: 0, bottom: 1, left: 1, right: 0)), useBias: true,
          activation: .relu6)),
      input)
    let norm = b.add("_norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), conv)
    var value = b.add("gate", .activation(.hardSilu), norm)
    var training: [String: LayerTraining] = [:]
    for kind in TrainingNoise.Kind.allCases {
      value = b.add(kind.rawValue, .identity(layer: "Dropout"), value)
      training[kind.rawValue, default: LayerTraining()].noise = TrainingNoise(kind, 0.25)
    }
    let pool = b.add("pool", .globalAveragePooling(keepDimensions: false), value)
    let head = b.add("head", .dense(Dense(units: 3, useBias: true, activation: .softmax)), pool)
    let graph = try b.build(outputs: [head])
    var own = LayerTraining()
    own.isFrozen = true
    own.regularizers = [.kernel: Regularizer(l1: 0.5, l2: 0.25), .bias: Regularizer(l2: 0.125)]
    own.initializers = [.kernel: .orthogonal(gain: 1.5), .bias: .constant(0.5)]
    training["block/conv"] = own
    var ofHead = LayerTraining()
    ofHead.initializers = [.kernel: .heNormal]
    training["head"] = ofHead
    var ofNorm = LayerTraining()
    ofNorm.momentum = 0.75
    ofNorm.regularizers = [.gamma: Regularizer(l2: 0.5)]
    ofNorm.initializers = [
      .gamma: .zeros, .beta: .uniform(low: -0.5, high: 0.25), .movingMean: .normal(mean: 0.5, deviation: 2),
      .movingVariance: .truncatedNormal(mean: 1, deviation: 0.25),
    ]
    training["_norm"] = ofNorm
    let expression = try KerasExpression(of: graph, training: training, at: "here")
    #expect(expression.layers == ["block/conv": "block_conv", "_norm": "layer_norm", "head": "head"])
    var expected = training
    expected["block_conv"] = expected.removeValue(forKey: "block/conv")
    expected["layer_norm"] = expected.removeValue(forKey: "_norm")
    for writer in Self.writers {
      let again = try read(expression, writer)
      #expect(again.training == expected)
      #expect(again.graph.nodes.map(\.name).contains("block_conv_pad"))
      #expect(again.graph[again.graph.outputs[0]].name == "head")
    }
  }

  @Test func whatKerasHasNoLayerForIsNamed() throws {
    let ofVectors: [ZooGraph.Operation] = [.layerScale, .activation(.reciprocal)]
    for operation in ofVectors {
      var b = GraphBuilder()
      let input = b.add("input", .input(shape: [8]))
      let odd = b.add("odd", operation, input)
      let graph = try b.build(outputs: [odd])
      let error = #expect(throws: ZooError.self) {
        try KerasExpression(of: graph, training: [:], at: "m.zoo")
      }
      #expect(error?.code == .unsupported && error?.location == "m.zoo, 'odd'")
    }
  }
}
