import Foundation
import Testing
import ZooConversion
import ZooGraph
import ZooImageFiles
import ZooImages
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport
import ZooVerification

/// What batch norms say about values.
@Suite struct ValuePredictionTests {
  /// A network under construction, with the weights of its batch norms.
  private struct Network {
    var builder = GraphBuilder()
    var weights: [String: StoredTensor] = [:]

    /// A batch norm on an input of its own.
    mutating func norm(_ name: String, _ shape: [Int], beta: [Float], gamma: [Float]) -> Value {
      let input = builder.add("\(name)_input", .input(shape: shape))
      for (role, values) in [
        ("gamma", gamma), ("beta", beta), ("moving_mean", beta.map { _ in 0.5 }),
        ("moving_variance", beta.map { _ in 2 }),
      ] {
        weights["\(name)/\(role)"] = StoredTensor(shape: [beta.count], values: values)
      }
      return builder.add(name, .batchNormalization(BatchNormalization(epsilon: 1e-3)), input)
    }

    func prediction(of output: Value) throws -> ValuePrediction {
      let graph = try builder.build(outputs: [output])
      return try ValuePrediction(graph: graph, weights: DictionaryWeights(weights))
    }
  }

  private static let activations: [Activation] = [
    .linear, .relu, .relu6, .relu(maxValue: nil, negativeSlope: 0.2, threshold: 0),
    .relu(maxValue: 2, negativeSlope: 0, threshold: 0.5), .elu(alpha: 1), .selu, .gelu(approximate: false),
    .gelu(approximate: true), .silu, .sigmoid, .hardSigmoid(slope: 0.2), .hardSilu, .tanh, .softplus,
    .softsign, .exponential, .mish,
  ]

  @Test("moments behind an activation are those of the normal distribution", arguments: activations)
  func moments(activation: Activation) throws {
    for (mean, deviation) in [(0.0, 1.0), (-1.5, 0.7), (3, 2.5), (0.2, 0.05), (-4, 1)] {
      var (first, second, weights) = (0.0, 0.0, 0.0)
      for step in -40_000...40_000 {
        let z = Double(step) / 4000
        let (value, weight) = (activation.scalar(mean + deviation * z), exp(-z * z / 2))
        first += weight * value
        second += weight * value * value
        weights += weight
      }
      first /= weights
      let variance = second / weights - first * first
      let found = try #require(
        activation.moments(of: Moments(mean: mean, variance: deviation * deviation)))
      // A function that jumps is met less well.
      let tolerance = activation == .relu(maxValue: 2, negativeSlope: 0, threshold: 0.5) ? 5e-3 : 1e-4
      #expect(
        abs(found.mean - first) < tolerance * max(1, deviation), "\(activation) of \(mean), \(deviation)")
      #expect(
        abs(found.variance - variance) < max(2 * tolerance * max(1, deviation * deviation), 2e-3 * variance))
    }
    let constant = activation.moments(of: Moments(mean: 0.7, variance: 0))
    #expect(constant == Moments(mean: activation.scalar(0.7), variance: 0))
  }

  @Test func whatIsNotFiniteIsNotKnown() {
    #expect(Activation.logarithm.moments(of: Moments(mean: 0, variance: 1)) == nil)
    #expect(Activation.reciprocal.range(of: -1...2) == nil)
    #expect(Activation.softmax.moments(of: Moments(mean: 0, variance: 1)) == nil)
    #expect(Activation.relu.moments(of: Moments(mean: .nan, variance: 1)) == nil)
  }

  @Test func rectifiedNormalNumbers() throws {
    let found = try #require(Activation.relu.moments(of: Moments(mean: 0, variance: 1)))
    #expect(abs(found.mean - 1 / (2 * Double.pi).squareRoot()) < 1e-15)
    #expect(abs(found.variance - (0.5 - 1 / (2 * Double.pi))) < 1e-15)
  }

  @Test func sumsProductsAndJoints() throws {
    var network = Network()
    let a = network.norm("a", [4, 4, 2], beta: [1, -2], gamma: [0.5, 3])
    let b = network.norm("b", [4, 4, 2], beta: [0.25, 4], gamma: [2, -1])
    let gate = network.norm("gate", [1, 1, 2], beta: [0.5, 0.1], gamma: [0, 0])
    let sum = network.builder.add("sum", .add, a, b)
    let difference = network.builder.add("difference", .merge(.subtract), a, b)
    let mean = network.builder.add("mean", .merge(.average), a, b)
    let product = network.builder.add("product", .merge(.multiply), gate, b)
    let joint = network.builder.add("joint", .concatenate, sum, difference, mean, product)
    let pooled = network.builder.add(
      "pooled", .averagePooling(Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .valid)), joint)
    let padded = network.builder.add("padded", .zeroPadding(Edges(all: 1)), pooled)
    let vector = network.builder.add("vector", .globalAveragePooling(keepDimensions: false), padded)
    let prediction = try network.prediction(of: vector)

    let moments = try #require(prediction.moments(of: joint))
    #expect(zip(moments.means, [1.25, 2, 0.75, -6, 0.625, 1, 0.125, 0.4]).allSatisfy { abs($0 - $1) < 1e-7 })
    let expected = [4.25, 10, 4.25, 10, 4.25 / 4, 2.5, 1, 0.01]
    #expect(zip(moments.variances, expected).allSatisfy { abs($0 - $1) < 1e-7 })
    #expect(prediction.moments(of: padded)?.means == moments.means)
    #expect(prediction.moments(of: vector)?.means == moments.means)
    #expect(prediction.moments(of: vector)?.variances[0] == 4.25 / 16)

    let ranges = try #require(prediction.ranges(of: joint))
    // Six deviations of each: ±3 and ±18, ±12 and ±6.
    #expect(ranges.ranges[0...2] == [-13.75...16.25, -22...26, -14.25...15.75])
    #expect(
      zip(ranges.lowest, [-13.75, -22, -14.25, -30, -6.875, -11, -5.875]).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(abs(ranges.highest[6] - 6.125) < 1e-9 && abs(ranges.highest[7] - 1) < 1e-6)
    #expect(ranges.whole == -30...26)
    // Channels of positive values alone would have zeros at the border.
    #expect(prediction.ranges(of: padded)?.ranges[7] == ranges.ranges[7].lowerBound...ranges.highest[7])
  }

  @Test func activationsCutRanges() throws {
    var network = Network()
    let norm = network.norm("norm", [2, 2, 3], beta: [1, 5, -9], gamma: [0.5, 1, 1])
    let relu = network.builder.add("relu", .activation(.relu), norm)
    let relu6 = network.builder.add("relu6", .activation(.relu6), norm)
    let silu = network.builder.add("silu", .activation(.silu), norm)
    let unknown = network.builder.add("unknown", .input(shape: [2, 2, 3]))
    let sigmoid = network.builder.add("sigmoid", .activation(.sigmoid), unknown)
    let cut = network.builder.add("cut", .activation(.relu6), unknown)
    let rest = network.builder.add("rest", .activation(.relu), unknown)
    let all = network.builder.add("all", .concatenate, [relu, relu6, silu, sigmoid, cut, rest])
    let prediction = try network.prediction(of: all)
    #expect(prediction.ranges(of: relu)?.ranges == [0...4, 0...11, 0...0])
    #expect(prediction.ranges(of: relu6)?.ranges == [0...4, 0...6, 0...0])
    let silus = try #require(prediction.ranges(of: silu))
    #expect(silus.lowest.allSatisfy { $0 >= -0.2785 && $0 <= 0 } && silus.lowest[0] < -0.2784)
    #expect(prediction.ranges(of: sigmoid)?.whole == 0...1)
    #expect(prediction.ranges(of: cut)?.whole == 0...6)
    #expect(prediction.ranges(of: rest) == nil && prediction.ranges(of: all) == nil)
    #expect(prediction.moments(of: cut) == nil && prediction.moments(of: all) == nil)
  }

  @Test func otherShapesHaveTheSameValues() throws {
    var network = Network()
    let norm = network.norm("norm", [2, 3, 2], beta: [1, 3], gamma: [1, 2])
    let flat = network.builder.add("flat", .flatten, norm)
    let wide = network.builder.add("wide", .reshape(target: [3, 4]), norm)
    let narrow = network.builder.add("narrow", .reshape(target: [12, 1]), norm)
    let other = network.builder.add("other", .reshape(target: [4, 3]), norm)
    let turned = network.builder.add("turned", .permute(order: [1, 0, 2]), norm)
    let mixed = network.builder.add("mixed", .permute(order: [2, 1, 0]), norm)
    let identity = network.builder.add("identity", .identity(layer: "Dropout"), norm)
    let all = network.builder.add(
      "all", .concatenate,
      [flat, wide, narrow, other, turned, mixed, identity].enumerated().map {
        network.builder.add("v\($0)", .flatten, $1)
      })
    let prediction = try network.prediction(of: all)
    #expect(prediction.moments(of: flat)?.means == [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3])
    #expect(prediction.moments(of: wide)?.means == [1, 3, 1, 3])
    // A mixture of N(1, 1) and N(3, 4).
    #expect(prediction.moments(of: narrow)?.means == [2])
    #expect(prediction.moments(of: narrow)?.variances == [3.5])
    #expect(prediction.moments(of: other) == nil)
    #expect(prediction.moments(of: turned)?.means == [1, 3])
    #expect(prediction.moments(of: mixed)?.means == [2, 2])
    #expect(prediction.moments(of: identity)?.variances == [1, 4])
    #expect(prediction.ranges(of: narrow)?.ranges == [-9...15])
  }

  @Test func linearLayersPassMeansOn() throws {
    var network = Network()
    let norm = network.norm("norm", [6, 6, 2], beta: [1, 3], gamma: [1, 2])
    let convolution = network.builder.add(
      "conv",
      .convolution(
        Convolution(
          filters: 1, kernel: Extent2D(1, 2), strides: .one, padding: .valid, useBias: true, activation: .relu
        )),
      norm)
    // Each tap of channel 0 is 0.5, each of channel 1 is -0.25.
    network.weights["conv/kernel"] = StoredTensor(shape: [1, 2, 2, 1], values: [0.5, -0.25, 0.5, -0.25])
    network.weights["conv/bias"] = StoredTensor(shape: [1], values: [1])
    let prediction = try network.prediction(of: convolution)
    let expected = try #require(
      Activation.relu.moments(of: Moments(mean: 1 - 1.5 + 1, variance: 2 * 0.25 + 2 * 0.0625 * 4)))
    #expect(prediction.moments(of: convolution)?.means == [expected.mean])
    #expect(prediction.moments(of: convolution)?.variances == [expected.variance])
    #expect(prediction.ranges(of: convolution) == nil)
  }

  /// A file's author decides how large maps are.
  @Test func hugeValuesAreNotPredicted() throws {
    var network = Network()
    let norm = network.norm("norm", [1 << 14, 1 << 14, 2], beta: [1, 3], gamma: [1, 2])
    let flat = network.builder.add("flat", .flatten, norm)
    let pooled = network.builder.add("pooled", .globalAveragePooling(keepDimensions: false), norm)
    let sum = network.builder.add("sum", .add, flat, network.builder.add("again", .flatten, flat))
    let all = network.builder.add("all", .concatenate, pooled, sum)
    let prediction = try network.prediction(of: all)
    #expect(prediction.moments(of: flat) == nil && prediction.ranges(of: sum) == nil)
    #expect(prediction.moments(of: pooled)?.means == [1, 3])
  }

  @Test func networksWithoutTrainedNormsSayNothing() throws {
    let graph = try KnownNetwork(
      "vgg16", SmallNetworks.vgg.definition, SmallNetworks.vgg.input, SmallNetworks.vgg.head
    ).graph()
    let prediction = try ValuePrediction(graph: graph, weights: DictionaryWeights(randomFor: graph, seed: 1))
    #expect(graph.nodes.indices.allSatisfy { prediction.moments(of: Value(index: $0)) == nil })

    var network = Network()
    let norm = network.norm("norm", [2, 2, 2], beta: [0, 0], gamma: [1, 1])
    network.weights["norm/moving_mean"] = StoredTensor(shape: [2], values: [0, 0])
    network.weights["norm/moving_variance"] = StoredTensor(shape: [2], values: [1, 1])
    let untrained = try network.prediction(of: norm)
    #expect(untrained.moments(of: norm) == nil && untrained.ranges(of: norm) == nil)
  }

  /// How far the measured means of each layer's channels are from the predicted ones, in deviations: the
  /// median; and the share of them that are within the predicted ranges.
  private static func misfits(
    of recipe: Recipe, on pictures: [Image]
  ) throws -> [(layer: String, misfit: Double, withinRange: Double)] {
    let graph = recipe.graph
    let prediction = try ValuePrediction(graph: graph, weights: recipe.weights)
    let taps = graph.nodes.indices.map(Value.init(index:)).filter {
      if case .activation(let activation) = graph[$0].operation { activation != .softmax } else { false }
    }
    let session = try Engine(
      graph: graph, weights: recipe.weights, options: PlanOptions(threads: 1, taps: taps)
    ).makeSession()
    var moments = Dictionary(
      uniqueKeysWithValues: taps.map { ($0, ChannelMoments(channels: graph[$0].shape.dimensions.last ?? 0)) })
    for picture in pictures {
      let input = recipe.card.preprocessing.tensor(of: picture)
      for (value, tensor) in try session.run([input], keeping: taps).kept {
        moments[value]?.add(tensor.values)
      }
    }
    return try taps.map { tap in
      let expected = try #require(prediction.moments(of: tap))
      let ranges = try #require(prediction.ranges(of: tap))
      let measured = try #require(moments[tap]?.mean)
      let misfits = measured.indices.map {
        abs(measured[$0] - expected.means[$0]) / (expected.variances[$0].squareRoot() + 1e-6)
      }
      let within = measured.indices.count {
        measured[$0] >= ranges.lowest[$0] && measured[$0] <= ranges.highest[$0]
      }
      return (graph[tap].name, misfits.sorted()[misfits.count / 2], Double(within) / Double(measured.count))
    }
  }

  /// On pictures like those of training, the means of every layer are nearly the predicted ones.
  @Test func trainedNetworksDoWhatIsPredicted() throws {
    let recipe = try Recipe(path: fixture("digits/digits.h5"))
    let size = recipe.graph[recipe.graph.inputs[0]].shape
    let names = try FileManager.default.contentsOfDirectory(atPath: fixture("digits/pictures")).sorted()
    let pictures = try names.map {
      try Image(path: fixture("digits/pictures/\($0)")).resized(height: size[0], width: size[1])
    }
    let misfits = try Self.misfits(of: recipe, on: pictures)
    #expect(misfits.count == 27)
    for (layer, misfit, within) in misfits { #expect(misfit < 0.4 && within > 0.99, "\(layer): \(misfit)") }
  }

  @Test(.enabled(if: RealFiles.exist, "\(RealFiles.absence)"))
  func aPublishedNetworkDoesWhatIsPredicted() throws {
    let recipe = try Recipe(path: RealFiles.mobileNet)
    let pictures = (1...4).map { deadLeaves(height: 224, width: 224, seed: $0) }
    for (layer, misfit, within) in try Self.misfits(of: recipe, on: pictures) {
      #expect(misfit < 0.5 && within > 0.99, "\(layer): \(misfit)")
    }
  }
}
