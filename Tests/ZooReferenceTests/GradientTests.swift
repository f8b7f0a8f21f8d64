import Testing
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

import ZooReference

/// Gradients of heads agree with numeric differences, and what they compute with the reference engine.
@Suite("gradients")
struct GradientTests {
  /// A head over a map of 4x6 pixels and 5 channels.
  struct Head: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let isLinear: Bool
    let build: @Sendable (inout GraphBuilder, Value) -> Value

    init(
      _ name: String, isLinear: Bool = false,
      _ build: @escaping @Sendable (inout GraphBuilder, Value) -> Value
    ) {
      testDescription = name
      self.isLinear = isLinear
      self.build = build
    }
  }

  private static func dense(_ units: Int, _ activation: Activation = .linear) -> Operation {
    .dense(Dense(units: units, useBias: true, activation: activation))
  }

  private static func pooling(_ side: Int, _ stride: Int, _ padding: Padding) -> Pooling {
    Pooling(window: Extent2D(side), strides: Extent2D(stride), padding: padding)
  }

  private static let norm = BatchNormalization(epsilon: 1e-3)

  static let heads: [Head] = [
    Head("average pooling and dense", isLinear: true) { b, map in
      let pooled = b.add("gap", .globalAveragePooling(keepDimensions: false), [map])
      return b.add("out", dense(3), [pooled])
    },
    Head("MobileNet's", isLinear: true) { b, map in
      let pooled = b.add("gap", .globalAveragePooling(keepDimensions: true), [map])
      let dropout = b.add("dropout", .identity(layer: "Dropout"), [pooled])
      let conv = Convolution(
        filters: 3, kernel: .one, strides: .one, padding: .same, useBias: true)
      let logits = b.add("conv", .convolution(conv), [dropout])
      return b.add("out", .reshape(target: [3]), [logits])
    },
    Head("norms and scales", isLinear: true) { b, map in
      let norm = b.add("bn", .batchNormalization(norm), [map])
      let rescaled = b.add("rescale", .rescaling(Rescaling(scale: [0.5], offset: [0.1])), [norm])
      let scaled = b.add("scale", .layerScale, [rescaled])
      let affine = b.add("affine", .channelAffine(ChannelAffine(scale: true, center: true)), [scaled])
      let permuted = b.add("permute", .permute(order: [2, 0, 1]), [affine])
      let flat = b.add("flat", .flatten, [permuted])
      return b.add("out", dense(3), [flat])
    },
    Head("VGG's") { b, map in
      let pooled = b.add("pool", .maxPooling(pooling(2, 2, .valid)), [map])
      let flat = b.add("flat", .flatten, [pooled])
      let first = b.add("fc1", dense(7, .relu), [flat])
      let second = b.add("fc2", dense(6, .tanh), [first])
      return b.add("out", dense(3), [second])
    },
    Head("ConvNeXt's") { b, map in
      let pooled = b.add("gap", .globalAveragePooling(keepDimensions: false), [map])
      let norm = b.add("ln", .layerNormalization(LayerNormalization(epsilon: 1e-6)), [pooled])
      return b.add("out", dense(3), [norm])
    },
    Head("both poolings") { b, map in
      let mean = b.add("gap", .globalAveragePooling(keepDimensions: false), [map])
      let most = b.add("gmp", .globalMaxPooling(keepDimensions: false), [map])
      let both = b.add("join", .concatenate, [mean, most])
      let sloped = b.add("prelu", .prelu(sharedAxes: []), [both])
      return b.add("out", dense(3), [sloped])
    },
    Head("overlapping windows with padding") { b, map in
      let mean = b.add("avg", .averagePooling(pooling(3, 2, .same)), [map])
      let shared = b.add("prelu", .prelu(sharedAxes: [0, 1]), [mean])
      let most = b.add("max", .maxPooling(pooling(2, 1, .same)), [shared])
      let flat = b.add("flat", .flatten, [most])
      return b.add("out", dense(3), [flat])
    },
    Head("products and extremes") { b, map in
      let pooled = b.add("gap", .globalAveragePooling(keepDimensions: false), [map])
      let gate = b.add("gate", dense(4, .sigmoid), [pooled])
      let value = b.add("value", dense(4, .gelu(approximate: false)), [pooled])
      let product = b.add("product", .merge(.multiply), [gate, value])
      let largest = b.add("largest", .merge(.maximum), [product, gate])
      let least = b.add("least", .merge(.minimum), [largest, value])
      let difference = b.add("difference", .merge(.subtract), [least, gate])
      let mean = b.add("mean", .merge(.average), [difference, product, value])
      return b.add("out", dense(3), [b.add("sum", .add, [mean, gate])])
    },
  ]

  /// A network that ends in the head; what comes before it is one convolution.
  private static func network(_ head: Head) throws -> (graph: Graph, map: Value) {
    var builder = GraphBuilder()
    let input = builder.add("input", .input(shape: [4, 6, 2]), [])
    let conv = Convolution(filters: 5, kernel: .one, strides: .one, padding: .same, useBias: true)
    let map = builder.add("map", .convolution(conv), [input])
    let output = head.build(&builder, map)
    return (try builder.build(outputs: [output]), map)
  }

  private static func values(_ count: Int, seed: UInt64) -> [Double] {
    var random = SplitMix(seed: seed)
    return (0..<count).map { _ in .random(in: -1...1, using: &random) }
  }

  @Test(arguments: heads) func agreesWithNumericDifferences(head: Head) throws {
    let (graph, map) = try Self.network(head)
    let weights = DictionaryWeights(randomFor: graph, seed: 3)
    let gradient = try #require(
      ReferenceGradient(graph: graph, weights: weights, of: graph.outputs[0], by: map))
    #expect(gradient.isLinear == head.isLinear && gradient.constants.isEmpty)
    let x = Self.values(4 * 6 * 5, seed: 5)
    for output in 0..<3 {
      let found = try gradient.gradient(of: output, at: x, constants: [])
      for index in x.indices {
        let step = 1e-6
        var (up, down) = (x, x)
        up[index] += step
        down[index] -= step
        let (high, low) = (
          try gradient.target(at: up, constants: [])[output],
          try gradient.target(at: down, constants: [])[output]
        )
        let numeric = (high - low) / (2 * step)
        #expect(abs(numeric - found.gradient[index]) < 1e-6 * max(1, abs(numeric)), "\(output), \(index)")
      }
    }
  }

  @Test(arguments: heads) func computesWhatTheReferenceEngineDoes(head: Head) throws {
    let (graph, map) = try Self.network(head)
    let weights = DictionaryWeights(randomFor: graph, seed: 4)
    let input = ReferenceTensor(shape: [4, 6, 2], values: Self.values(48, seed: 6))
    let all = try ReferenceEngine(graph: graph, weights: weights).run([input], keeping: [map])
    let gradient = try #require(
      ReferenceGradient(graph: graph, weights: weights, of: graph.outputs[0], by: map))
    let output = try gradient.target(at: try #require(all[map]).values, constants: [])
    for (ours, theirs) in zip(output, try #require(all[graph.outputs[0]]).values) {
      #expect(abs(ours - theirs) < 1e-12 * max(1, abs(theirs)))
    }
  }

  @Test func derivativesOfActivations() {
    let activations: [Activation] = [
      .linear, .relu, .relu6, .relu(maxValue: 1, negativeSlope: 0.2, threshold: 0), .elu(alpha: 1.3), .selu,
      .gelu(approximate: false), .gelu(approximate: true), .silu, .sigmoid, .hardSigmoid(slope: 0.2),
      .hardSilu, .tanh, .softplus, .softsign, .exponential, .mish, .squareRoot, .logarithm, .reciprocal,
    ]
    for activation in activations {
      for x in [0.1, 0.7, 1.9, 2.8, 7.1] + (isPositive(activation) ? [] : [-0.3, -1.7, -2.9, -7.2]) {
        let numeric = (activation.scalar(x + 1e-6) - activation.scalar(x - 1e-6)) / 2e-6
        #expect(
          abs(activation.derivative(x) - numeric) < 1e-6 * max(1, abs(numeric)), "\(activation) at \(x)")
      }
    }
  }

  private func isPositive(_ activation: Activation) -> Bool {
    [.squareRoot, .logarithm, .reciprocal].contains(activation)
  }

  /// What passes by the map is a constant, and what is not covered is said.
  @Test func constantsAndLimits() throws {
    var builder = GraphBuilder()
    let input = builder.add("input", .input(shape: [4, 6, 5]), [])
    let map = builder.add("map", .activation(.relu), [input])
    let other = builder.add("other", .globalMaxPooling(keepDimensions: false), [input])
    let pooled = builder.add("gap", .globalAveragePooling(keepDimensions: false), [map])
    let both = builder.add("product", .merge(.multiply), [pooled, other])
    let soft = builder.add("soft", .activation(.softmax), [both])
    let graph = try builder.build(outputs: [soft])
    let weights = DictionaryWeights([:])
    let gradient = try #require(ReferenceGradient(graph: graph, weights: weights, of: both, by: map))
    #expect(gradient.constants == [other] && gradient.isLinear)
    let result = try gradient.gradient(
      of: 1, at: Self.values(120, seed: 1), constants: [[1, 2, 3, 4, 5]])
    #expect(abs(result.gradient[1] - 2.0 / 24) < 1e-15 && result.gradient[0] == 0)
    #expect(ReferenceGradient(graph: graph, weights: weights, of: soft, by: map) == nil)
    #expect(ReferenceGradient(graph: graph, weights: weights, of: map, by: other) == nil)
    #expect(throws: ZooError.self) { try gradient.gradient(of: 1, at: [1], constants: [[1, 2, 3, 4, 5]]) }
    #expect(throws: ZooError.self) {
      try gradient.gradient(of: 9, at: Self.values(120, seed: 1), constants: [[1, 2, 3, 4, 5]])
    }
  }
}
