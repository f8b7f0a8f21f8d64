import Foundation
import Testing
import ZooGraph
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

/// A layer computed by Keras in float64: one entry of Fixtures/layers/layers.json.
struct LayerGolden: Decodable, CustomTestStringConvertible, Sendable {
  struct Array: Decodable, Sendable {
    let shape: [Int]
    let values: [Double]
  }

  struct Layer: Decodable, Sendable {
    /// The name of Keras' padding, or its amounts at top, bottom, left and right.
    enum Amounts: Decodable, Sendable {
      case named(String)
      case edges([Int])

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let name = try? container.decode(String.self) {
          self = .named(name)
        } else {
          self = .edges(try container.decode([Int].self))
        }
      }

      var edges: Edges {
        guard case .edges(let e) = self else { return .none }
        return Edges(top: e[0], bottom: e[1], left: e[2], right: e[3])
      }

      var padding: Padding {
        switch self {
        case .named("same"): .same
        case .named: .valid
        case .edges: .explicit(edges)
        }
      }
    }

    let kind: String
    var filters: Int?, units: Int?, multiplier: Int?, groups: Int?
    var kernel: [Int]?, strides: [Int]?, dilation: [Int]?, window: [Int]?, target: [Int]?
    var padding: Amounts?
    var bias: Bool?, scale: Bool?, center: Bool?, keepDimensions: Bool?
    var epsilon: Double?, maxValue: Double?, negativeSlope: Double?, threshold: Double?
    var activation: String?

    private func extent(_ pair: [Int]?) throws -> Extent2D {
      let pair = try #require(pair)
      return Extent2D(pair[0], pair[1])
    }

    private func activationFunction() throws -> Activation {
      switch activation {
      case "linear": .linear
      case "relu": .relu
      case "sigmoid": .sigmoid
      case "tanh": .tanh
      case "softmax": .softmax
      default: try #require(nil, "unknown activation")
      }
    }

    func operation() throws -> ZooGraph.Operation {
      switch kind {
      case "convolution":
        try .convolution(
          Convolution(
            filters: #require(filters), kernel: extent(kernel), strides: extent(strides),
            padding: #require(padding).padding, dilation: extent(dilation), groups: #require(groups),
            useBias: #require(bias as Bool?), activation: activationFunction()))
      case "depthwise":
        try .depthwiseConvolution(
          DepthwiseConvolution(
            multiplier: #require(multiplier), kernel: extent(kernel), strides: extent(strides),
            padding: #require(padding).padding, dilation: extent(dilation), useBias: #require(bias as Bool?),
            activation: activationFunction()))
      case "separable":
        try .separableConvolution(
          SeparableConvolution(
            filters: #require(filters), multiplier: #require(multiplier), kernel: extent(kernel),
            strides: extent(strides), padding: #require(padding).padding, dilation: extent(dilation),
            useBias: #require(bias as Bool?), activation: activationFunction()))
      case "dense":
        try .dense(
          Dense(units: #require(units), useBias: #require(bias as Bool?), activation: activationFunction()))
      case "batchNormalization":
        try .batchNormalization(
          BatchNormalization(
            epsilon: #require(epsilon), scale: #require(scale as Bool?), center: #require(center as Bool?)))
      case "relu":
        try .activation(
          .relu(
            maxValue: maxValue, negativeSlope: #require(negativeSlope), threshold: #require(threshold)))
      case "activation": try .activation(activationFunction())
      case "maxPooling": .maxPooling(try pooling())
      case "averagePooling": .averagePooling(try pooling())
      case "globalAveragePooling":
        try .globalAveragePooling(keepDimensions: #require(keepDimensions as Bool?))
      case "globalMaxPooling": try .globalMaxPooling(keepDimensions: #require(keepDimensions as Bool?))
      case "zeroPadding": try .zeroPadding(#require(padding).edges)
      case "cropping": try .cropping(#require(padding).edges)
      case "add": .add
      case "concatenate": .concatenate
      case "flatten": .flatten
      case "reshape": try .reshape(target: #require(target))
      case "identity": .identity(layer: "Dropout")
      default: try #require(nil, "unknown kind \(kind)")
      }
    }

    private func pooling() throws -> Pooling {
      try Pooling(window: extent(window), strides: extent(strides), padding: #require(padding).padding)
    }
  }

  let operation: Layer
  let inputs: [Array]
  let weights: [String: [Double]]
  let output: Array

  var testDescription: String { "\(operation.kind) \(inputs.map(\.shape))" }

  /// The graph of the layer with its weights.
  func network() throws -> (Graph, DictionaryWeights) {
    let graph = try Graph(operation.operation(), on: inputs.map(\.shape))
    var tensors: [String: StoredTensor] = [:]
    for slot in graph.weightSlots {
      // Keras 3 names the kernel of a depthwise layer `kernel`.
      let values = try #require(weights[slot.role.rawValue] ?? weights["kernel"])
      tensors[slot.name] = StoredTensor(shape: slot.shape, values: values.map(Float.init))
    }
    return (graph, DictionaryWeights(tensors))
  }

  static let all: [LayerGolden] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fixtures/layers/layers.json")
    do {
      return try JSONDecoder().decode([LayerGolden].self, from: Data(contentsOf: file))
    } catch {
      Issue.record("\(file.path): \(error)")
      return []
    }
  }()
}

@Suite struct ReferenceLayerTests {
  @Test func goldensAreThere() {
    #expect(LayerGolden.all.count >= 60)
  }

  @Test(arguments: LayerGolden.all)
  func agreesWithKeras(_ golden: LayerGolden) throws {
    let (graph, weights) = try golden.network()
    let inputs = golden.inputs.map { ReferenceTensor(shape: Shape($0.shape), values: $0.values) }
    let result = try ReferenceEngine(graph: graph, weights: weights).run(inputs)
    let output = try #require(result[graph.outputs[0]])
    #expect(output.shape == Shape(golden.output.shape))
    for (ours, theirs) in zip(output.values, golden.output.values) {
      #expect(abs(ours - theirs) <= 1e-12 * max(1, abs(theirs)))
    }
  }

  @Test func averagePoolingWithStatedPaddingDoesNotCountIt() throws {
    let pooling = Pooling(
      window: Extent2D(2), strides: Extent2D(2),
      padding: .explicit(Edges(top: 1, bottom: 0, left: 1, right: 0)))
    let graph = try Graph(.averagePooling(pooling), on: [3, 3, 1])
    let input = ReferenceTensor(shape: [3, 3, 1], values: [1, 2, 3, 4, 5, 6, 7, 8, 9])
    let result = try ReferenceEngine(graph: graph, weights: DictionaryWeights([:])).run([input])
    #expect(result[graph.outputs[0]]?.values == [1, 2.5, 5.5, 7])
  }

  @Test func zeroPaddingBeforeMaxPoolingCounts() throws {
    var builder = GraphBuilder()
    let image = builder.add("image", .input(shape: [2, 2, 1]))
    let padded = builder.add("pad", .zeroPadding(Edges(all: 1)), image)
    let pooling = Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .valid)
    let pooled = builder.add("pool", .maxPooling(pooling), padded)
    let graph = try builder.build(outputs: [pooled])
    let input = ReferenceTensor(shape: [2, 2, 1], values: [-1, -2, -3, 4])
    let result = try ReferenceEngine(graph: graph, weights: DictionaryWeights([:])).run([input])
    #expect(result[graph.outputs[0]]?.values == [0, 0, 0, 4])
  }

  @Test func softmaxOfLargeValuesIsFinite() throws {
    let graph = try Graph(.activation(.softmax), on: [3])
    let input = ReferenceTensor(shape: [3], values: [1e4, 1e4, -1e4])
    let result = try ReferenceEngine(graph: graph, weights: DictionaryWeights([:])).run([input])
    #expect(result[graph.outputs[0]]?.values == [0.5, 0.5, 0])
  }

  @Test func reluKeepsNotANumber() {
    #expect(Activation.relu.scalar(.nan).isNaN)
    #expect(Activation.relu6.scalar(.nan).isNaN)
  }

  @Test(arguments: [ElementType.float16, .bfloat16, .float32, .float64])
  func readsWeightsOfEveryPrecision(_ type: ElementType) throws {
    let values: [Float] = [1, -0.5, 2, 0.25]
    let bytes =
      switch type {
      case .float16: HeapBytes(values.map(\.float16Bits))
      case .bfloat16: HeapBytes(values.map { UInt16($0.bitPattern >> 16) })
      case .float32: HeapBytes(values)
      default: HeapBytes(values.map(Double.init))
      }
    let graph = try Graph(.dense(Dense(units: 2, useBias: false)), on: [2])
    let kernel = try #require(StoredTensor(shape: [2, 2], elementType: type, bytes: ByteSlice(bytes)))
    let engine = try ReferenceEngine(graph: graph, weights: DictionaryWeights(["layer/kernel": kernel]))
    let result = try engine.run([ReferenceTensor(shape: [2], values: [10, 100])])
    #expect(result[graph.outputs[0]]?.values == [210, 20])
  }
}
