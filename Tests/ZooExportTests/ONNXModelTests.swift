import Foundation
import Testing
import ZooExport
import ZooGraph
import ZooModels
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct ONNXModelTests {
  /// Small members of the families, whose values are alive.
  static let networks = [
    KnownNetwork(
      "vgg16", VGG(depths: [1, 1, 2, 2, 2], width: 4, denseWidth: 8), InputShape(64, 36),
      .classifier(classes: 5, activation: .softmax)),
    KnownNetwork(
      "resnet50", ResNet(depths: [1, 2, 1, 1], width: 4), InputShape(33, 35, channels: 1),
      .classifier(classes: 10, activation: .softmax)),
    KnownNetwork("mobilenet", MobileNet(alpha: 1.0 / 16), InputShape(35, 32), .features(.none)),
    KnownNetwork(
      "mobilenet", MobileNet(alpha: 1.0 / 16), InputShape(32, 32),
      .classifier(classes: 3, activation: .softmax)),
    KnownNetwork(
      "nasnetmobile",
      NASNet(penultimateFilters: 96, numBlocks: 1, stemBlockFilters: 4, skipReduction: true),
      InputShape(35, 41), .features(.avg)),
  ]

  /// Weights with which no layer's output dies or explodes.
  static func weights(_ graph: Graph) -> DictionaryWeights {
    let random = DictionaryWeights(randomFor: graph, seed: 5)
    return DictionaryWeights(
      random.tensors.mapValues { tensor in
        let fan = tensor.shape.rank > 1 ? tensor.shape.dimensions.dropLast().reduce(1, *) : 1
        let factor = (3 / Float(fan)).squareRoot()
        return tensor.shape.rank == 1
          ? tensor : StoredTensor(shape: tensor.shape, values: tensor.floats().map { $0 * factor })
      })
  }

  private static func written(
    _ graph: Graph, layout: ImageLayout, weights: some WeightSource, limit: Int = ONNXModel.messageLimit
  ) throws -> (contents: ONNXContents, data: [UInt8]) {
    try withFolder { folder in
      let path = folder.appending(path: "m.onnx").path
      let model = ONNXModel(
        try graph.lowered(layout: layout, location: "test"),
        description: .init(name: "m", producerVersion: "1", metadata: ["key": "value", "other": "…"]))
      let written = try model.write(to: path, overwrite: false, weights: weights, limit: limit)
      let files = try written.files.map { [UInt8](try Data(contentsOf: URL(filePath: $0))) }
      #expect(files.reduce(0) { $0 + $1.count } == written.byteCount)
      #expect(written.files == (files.count == 1 ? [path] : [path, path + ".data"]))
      return (try ONNXContents(files[0]), files.count > 1 ? files[1] : [])
    }
  }

  @Test(
    "what the file computes is what the network computes", arguments: networks.indices, ImageLayout.allCases)
  func values(index: Int, layout: ImageLayout) throws {
    let graph = try Self.networks[index].graph()
    let weights = Self.weights(graph)
    let shape = graph[graph.inputs[0]].shape
    var random = SplitMix(seed: 3)
    let x = ReferenceTensor(
      shape: shape, values: (0..<shape.elementCount).map { _ in .random(in: -1...1, using: &random) })
    let output = graph.outputs[0]
    let expected = try #require(try ReferenceEngine(graph: graph, weights: weights).run([x])[output])
    let (_, outputs) = try ONNXEvaluator.outputs(
      of: graph, weights: weights, layout: layout,
      inputs: [ONNXEvaluator.Array([1] + shape.dimensions, x.values)], name: "network-\(index)")
    let ours = outputs[0]
    #expect(ours.shape == [1] + expected.shape.dimensions)
    let largest = expected.values.reduce(0) { max($0, abs($1)) }
    let worst = zip(ours.values, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(largest > 1e-3)
    // Epsilons have 32 bits.
    #expect(worst <= 1e-6 * largest, "off by \(worst / largest)")
  }

  @Test func theFileSaysWhatItIs() throws {
    let graph = try Self.networks[0].graph()
    let (contents, _) = try Self.written(graph, layout: .nhwc, weights: Self.weights(graph))
    #expect(contents.irVersion == 8 && contents.opset == 17 && contents.producer == "zoo")
    #expect(contents.name == "m" && contents.metadata == ["key": "value", "other": "…"])
    #expect(contents.inputs.map(\.name) == [graph[graph.inputs[0]].name])
    #expect(contents.inputs[0].shape == ["N", "64", "36", "3"])
    #expect(contents.outputs.map(\.name) == ["predictions"])
    #expect(contents.outputs[0].shape == ["N", "5"])
    // One change of order after the input, and one before the values of an image become a vector.
    let orders = contents.nodes.filter { $0.type == "Transpose" }.map { $0.attributes["perm"] }
    #expect(orders == [.ints([0, 3, 1, 2]), .ints([0, 2, 3, 1])])
    let types = contents.nodes.map(\.type)
    #expect(types.count { $0 == "Conv" } == 8 && types.count { $0 == "Gemm" } == 3)
    #expect(types.last == "Softmax")
    // The value of each layer has its name.
    let names = Set(contents.nodes.flatMap(\.outputs))
    #expect(graph.nodes.dropFirst().allSatisfy { names.contains($0.name) })
    let (other, _) = try Self.written(graph, layout: .nchw, weights: Self.weights(graph))
    #expect(other.inputs[0].shape == ["N", "3", "64", "36"])
    #expect(other.nodes.count { $0.type == "Transpose" } == 1)
  }

  @Test func weightsKeepTheirBits() throws {
    let graph = try Self.networks[4].graph()
    let weights = Self.weights(graph)
    let (contents, _) = try Self.written(graph, layout: .nhwc, weights: weights)
    let found = Dictionary(uniqueKeysWithValues: contents.initializers.map { ($0.name, $0) })
    for slot in graph.weightSlots {
      let initializer = try #require(found[slot.name], "\(slot.name)")
      let values = try weights.tensor(for: slot).floats()
      let own = initializer.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      let shape = slot.shape.dimensions
      guard shape.count == 4 else {
        #expect(initializer.shape == shape && own == values)
        continue
      }
      // Channels of a depthwise kernel are outputs of one input each.
      let inputs = slot.role == .depthwiseKernel ? 1 : shape[2]
      let outputs = shape[2] * shape[3] / inputs
      #expect(initializer.shape == [outputs, inputs, shape[0], shape[1]])
      let positions = shape[0] * shape[1]
      let expected = (0..<own.count).map { index in
        let (rest, position) = index.quotientAndRemainder(dividingBy: positions)
        return values[(position * inputs + rest % inputs) * outputs + rest / inputs]
      }
      #expect(own == expected, "\(slot.name)")
    }
  }

  @Test func largeModelsHaveTheirWeightsBeside() throws {
    let graph = try Self.networks[1].graph()
    let weights = Self.weights(graph)
    let whole = try Self.written(graph, layout: .nchw, weights: weights)
    let apart = try Self.written(graph, layout: .nchw, weights: weights, limit: 60_000)
    #expect(whole.data.isEmpty && !apart.data.isEmpty)
    var external = 0
    for (one, other) in zip(whole.contents.initializers, apart.contents.initializers) {
      #expect(one.name == other.name && one.shape == other.shape && one.type == other.type)
      guard !other.external.isEmpty else {
        #expect(one.bytes == other.bytes)
        continue
      }
      external += 1
      #expect(other.external["location"] == "m.onnx.data")
      let offset = try #require(other.external["offset"].flatMap { Int($0) })
      let length = try #require(other.external["length"].flatMap { Int($0) })
      #expect(offset % 4096 == 0 && length == one.bytes.count)
      #expect(Array(apart.data[offset..<offset + length]) == one.bytes)
    }
    #expect(external > 10)
    let x = ONNXEvaluator.Array([1, 1, 33, 35], (0..<33 * 35).map { Double($0 % 7) - 3 })
    let inside = try ONNXEvaluator(whole.contents).run([x])[0].values
    let beside = try ONNXEvaluator(apart.contents).run([x], external: apart.data)[0].values
    #expect(inside == beside)
  }

  @Test func smallerTypesAreWidened() throws {
    let graph = try Graph(.dense(Dense(units: 2, useBias: true)), on: [3])
    let halves = ComputedWeights { slot in
      let bits = (0..<slot.shape.elementCount).map { UInt16(0x3c00 + $0 * 77) }
      return try #require(
        StoredTensor(shape: slot.shape, elementType: .float16, bytes: ByteSlice(HeapBytes(bits))))
    }
    let (contents, _) = try Self.written(graph, layout: .nhwc, weights: halves)
    let kernel = try #require(contents.initializers.first { $0.name == "layer/kernel" })
    #expect(kernel.type == 1)
    let values = kernel.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let expected = (0..<6).map { Float(float16Bits: UInt16(0x3c00 + $0 * 77)) }
    #expect(values == expected)
  }
}
