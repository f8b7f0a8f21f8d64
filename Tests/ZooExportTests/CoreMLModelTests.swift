import Foundation
import Testing
import ZooExport
import ZooGraph
import ZooModels
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct CoreMLModelTests {
  /// A package of `graph` in `folder`.
  @discardableResult
  private func write(
    _ graph: Graph, to path: String, weights: any WeightSource, type: CoreMLType = .float32,
    picture: CoreMLPicture? = nil, classes: CoreMLModel.Classes? = nil, overwrite: Bool = false,
    progress: (Int) -> Void = { _ in }
  ) throws -> Int {
    let folded = try FoldedGraph(graph)
    let own = folded.weights(from: weights)
    let model = try CoreMLModel(
      folded.graph.lowered(
        for: .init(
          inputs: picture == nil ? .nhwc : .nchw, outputs: .nhwc, hasCompositeActivations: true),
        location: "m.zoo"),
      inputs: graph.inputs.map { _ in picture.map { .picture($0) } ?? .array("values") }, classes: classes,
      description: .init(
        summary: "a network", author: "somebody", version: "1.2", licence: "free", metadata: ["key": "value"],
        outputRemark: "numbers"),
      type: type, weights: own, location: "m.zoo")
    return try model.write(to: path, overwrite: overwrite, weights: own, progress: progress)
  }

  private func contents(
    _ graph: Graph, weights: any WeightSource, type: CoreMLType = .float32, picture: CoreMLPicture? = nil,
    classes: CoreMLModel.Classes? = nil
  ) throws -> CoreMLContents {
    try withFolder { folder in
      let path = folder.appending(path: "M.mlpackage").path
      try write(graph, to: path, weights: weights, type: type, picture: picture, classes: classes)
      return try CoreMLContents(path: path)
    }
  }

  // MARK: Values

  @Test("what the package computes is what the network computes", arguments: ONNXModelTests.networks.indices)
  func values(index: Int) throws {
    let graph = try ONNXModelTests.networks[index].graph()
    let weights = ONNXModelTests.weights(graph)
    let shape = graph[graph.inputs[0]].shape
    var random = SplitMix(seed: 3)
    let x = ReferenceTensor(
      shape: shape, values: (0..<shape.elementCount).map { _ in .random(in: -1...1, using: &random) })
    let expected = try #require(
      try ReferenceEngine(graph: graph, weights: weights).run([x])[graph.outputs[0]])
    let largest = expected.values.reduce(0) { max($0, abs($1)) }
    for (type, tolerance) in [(CoreMLType.float32, 1e-6), (.float16, 1e-2)] {
      let (contents, outputs) = try CoreMLEvaluator.outputs(
        of: graph, weights: weights, type: type, inputs: [.init([1] + shape.dimensions, x.values)],
        name: "network-\(index)")
      let worst = zip(outputs[0].values, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(outputs[0].shape == [1] + expected.shape.dimensions)
      #expect(largest > 1e-3 && worst <= tolerance * largest, "off by \(worst / largest)")
      // Norms are within the layers before them, where these have no other reader.
      let types = contents.operations.map(\.type)
      #expect(types.contains("batch_norm") == (index == 4), "\(types)")
    }
  }

  static let preprocessings: [(Preprocessing, Int)] =
    Preprocessing.statable.map { ($0, 3) }
    + Preprocessing.statable.filter(\.takesGrey).map { ($0, 1) }

  @Test("pixels are preprocessed in the program", arguments: preprocessings.indices)
  func preprocessing(index: Int) throws {
    let (preprocessing, channels) = Self.preprocessings[index]
    let picture = try #require(CoreMLPicture(preprocessing, channels: channels))
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [2, 3, channels]))
    let same = g.add("y", .identity(layer: "Dropout"), x)
    let graph = try g.build(outputs: [same])
    let contents = try contents(
      graph, weights: DictionaryWeights(randomFor: graph, seed: 1), picture: picture)
    let isBGR = preprocessing == .caffe || preprocessing == .torchBGR
    #expect(contents.inputs.map(\.name) == ["image"] && contents.inputs[0].kind == 4)
    #expect(contents.inputs[0].numbers == [3, 2, channels == 1 ? 10 : isBGR ? 30 : 20])
    // The pixel of place p has the value 40 p + channel.
    let pixels = (0..<channels).flatMap { c in (0..<6).map { Double(40 * $0 + c) } }
    let result = try CoreMLEvaluator(contents).run([.init([1, channels, 2, 3], pixels)])
    let y = try #require(result.arrays["y"])
    #expect(y.shape == [1, 2, 3, channels])
    for (place, value) in y.values.enumerated() {
      let expected = Self.value(
        Double(40 * (place / channels) + place % channels), preprocessing, channel: place % channels)
      #expect(abs(value - expected) <= 1e-5 * max(1, abs(expected)), "\(value) in place of \(expected)")
    }
  }

  /// What Keras' and PyTorch's functions make of a pixel.
  private static func value(_ pixel: Double, _ preprocessing: Preprocessing, channel: Int) -> Double {
    let (means, deviations) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    switch preprocessing {
    case .none, .unknown: return pixel
    case .unit: return pixel / 255
    case .tf: return pixel / 127.5 - 1
    case .caffe: return pixel - [103.939, 116.779, 123.68][channel]
    case .caffeRGB: return pixel - [123.68, 116.779, 103.939][channel]
    case .torch: return (pixel / 255 - means[channel]) / deviations[channel]
    case .torchBGR: return (pixel / 255 - means[2 - channel]) / deviations[2 - channel]
    }
  }

  @Test func unknownPreprocessingIsNoPicture() {
    #expect(CoreMLPicture(.unknown, channels: 3) == nil && CoreMLPicture(.torch, channels: 1) == nil)
    #expect(CoreMLPicture(.unit, channels: 2) == nil)
  }

  // MARK: Structure

  @Test func thePackageSaysWhatItIs() throws {
    let graph = try Graph(
      .convolution(
        Convolution(filters: 5, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true)),
      on: [4, 6, 3])
    for (type, number) in [(CoreMLType.float16, 10), (.float32, 11)] {
      let contents = try contents(
        graph, weights: DictionaryWeights(randomFor: graph, seed: 1), type: type)
      #expect(contents.specificationVersion == 7 && contents.opset == "CoreML6")
      #expect(contents.functionInputs.map(\.name) == contents.inputs.map(\.name))
      #expect(contents.functionInputs[0].type == .init(element: 11, shape: [1, 4, 6, 3]))
      #expect(contents.inputs[0].kind == 5 && contents.inputs[0].numbers == [1, 4, 6, 3])
      #expect(contents.inputs[0].summary == "values" && contents.outputs[0].summary == "numbers")
      #expect(contents.outputs.map(\.name) == ["layer"] && contents.results == ["layer"])
      #expect(contents.outputs[0].numbers == [1, 4, 6, 5])
      #expect((1...4).map { contents.metadata.text($0) } == ["a network", "1.2", "somebody", "free"])
      let entry = try #require(try contents.metadata.messages(100).first)
      #expect(entry.text(1) == "key" && entry.text(2) == "value")
      // What a program gives and gets are 32-bit floats.
      let floats = contents.operations.filter { $0.value == nil }.map { $0.outputs[0].type.element }
      #expect(floats.dropLast().allSatisfy { $0 == number } && floats.last == 11)
      let kernel = try #require(contents.operations.first { $0.outputs[0].name == "layer_kernel" })
      #expect(kernel.outputs[0].type == .init(element: number, shape: [5, 3, 3, 3]))
    }
  }

  @Test func weightsKeepTheirBits() throws {
    let graph = try Graph(.dense(Dense(units: 30, useBias: true)), on: [20])
    let weights = DictionaryWeights(randomFor: graph, seed: 2)
    let kernel = try weights.tensor(for: graph.weightSlots[0]).floats()
    for type in [CoreMLType.float32, .float16] {
      var written = 0
      let contents = try withFolder { folder in
        let path = folder.appending(path: "M.mlpackage").path
        let count = try write(graph, to: path, weights: weights, type: type) { written += $0 }
        let files = [
          "Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin",
        ]
        let sizes = try files.map {
          try Data(contentsOf: folder.appending(path: "M.mlpackage/\($0)")).count
        }
        #expect(sizes.reduce(0, +) == count)
        return try CoreMLContents(path: path)
      }
      #expect(written == 630 * (type == .float32 ? 4 : 2))
      let found = try #require(contents.operations.first { $0.outputs[0].name == "layer_kernel" })
      let expected = (0..<600).map { index -> Double in
        let value = kernel[index % 20 * 30 + index / 20]
        return Double(type == .float32 ? value : Float(float16Bits: value.float16Bits))
      }
      #expect(found.value == .numbers(expected))
    }
  }

  @Test func namesAreIdentifiers() throws {
    var g = GraphBuilder()
    let x = g.add("1/in put", .input(shape: [3]))
    let a = g.add("a/b", .activation(.relu), x)
    let b = g.add("a_b", .activation(.tanh), a)
    let c = g.add("bool", .dense(Dense(units: 3, useBias: false)), b)
    let d = g.add("größe", .activation(.softsign), c)
    let graph = try g.build(outputs: [a, b, c, d, d])
    for type in [CoreMLType.float32, .float16] {
      let contents = try contents(graph, weights: DictionaryWeights(randomFor: graph, seed: 1), type: type)
      #expect(contents.inputs.map(\.name) == ["_1_in_put"])
      #expect(contents.outputs.map(\.name) == ["a_b", "a_b_0", "bool_0", "gr__e", "gr__e_1"])
      let names = contents.functionInputs.map(\.name) + contents.operations.flatMap { $0.outputs.map(\.name) }
      #expect(Set(names).count == names.count)
      #expect(names.allSatisfy { $0.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil }, "\(names)")
      let result = try CoreMLEvaluator(contents).run([.init([1, 3], [-1, 0.5, 2])])
      #expect(result.arrays["a_b"]?.values == [0, 0.5, 2])
      #expect(result.arrays["gr__e"]?.values == result.arrays["gr__e_1"]?.values)
    }
  }

  // MARK: Classes

  @Test func classesHaveNames() throws {
    let graph = try Graph(.activation(.linear), on: [3])
    let weights = DictionaryWeights(randomFor: graph, seed: 1)
    let x = CoreMLEvaluator.Array([1, 3], [1, 3, 2])
    for type in [CoreMLType.float32, .float16] {
      let each = try contents(
        graph, weights: weights, type: type,
        classes: .init(labels: ["crane", "tabby", "crane"], values: .each))
      #expect(each.predictedFeature == "classLabel" && each.predictedProbabilities == "classLabel_probs")
      #expect(each.outputs.map(\.kind) == [3, 6] && each.results == each.outputs.map(\.name))
      let result = try CoreMLEvaluator(each).run([x])
      #expect(result.label == "tabby" && result.values == ["crane": 1, "tabby": 3, "crane (2)": 2])
      let logits = try contents(
        graph, weights: weights, type: type, classes: .init(labels: ["a", "b", "c"], values: .logits))
      let probabilities = try CoreMLEvaluator(logits).run([x]).values
      let sum: Double = probabilities.values.reduce(0, +)
      #expect(abs(sum - 1) < 1e-9)
      let b: Double = 1 / (1 + exp(-1) + exp(-2))
      #expect(abs((probabilities["b"] ?? 0) - b) < 1e-9)
    }
    let single = try Graph(.activation(.linear), on: [1])
    let second = try contents(
      single, weights: weights, classes: .init(labels: ["no", "yes"], values: .second))
    let result = try CoreMLEvaluator(second).run([.init([1, 1], [0.25])])
    #expect(result.label == "no" && result.values == ["no": 0.75, "yes": 0.25])
  }

  // MARK: What can't be

  @Test func tooManyAxesAreNamed() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [16]))
    let y = g.add("folded", .reshape(target: [2, 2, 2, 1, 2]), x)
    let flat = g.add("flat", .flatten, y)
    let graph = try g.build(outputs: [flat])
    try withFolder { (folder: URL) throws in
      let error = #expect(throws: ZooError.self) {
        try write(
          graph, to: folder.appending(path: "M.mlpackage").path,
          weights: DictionaryWeights(randomFor: graph, seed: 1))
      }
      #expect(error?.code == .unsupported && error?.location == "m.zoo, 'folded'")
      #expect(error?.why.contains("6 axes") == true, "\(error?.description ?? "")")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
  }

  @Test func valuesBeyondHalfPrecisionAreNamed() throws {
    let graph = try Graph(.dense(Dense(units: 12, useBias: true)), on: [2])
    let large = ComputedWeights { slot in
      let count = slot.shape.elementCount
      return StoredTensor(shape: slot.shape, values: (0..<count).map { $0 == count - 1 ? 65520 : 1 })
    }
    try withFolder { (folder: URL) throws in
      let path = folder.appending(path: "M.mlpackage").path
      let error = #expect(throws: ZooError.self) {
        try write(graph, to: path, weights: large, type: .float16)
      }
      #expect(error?.code == .unsupported && error?.location.contains("'layer/") == true)
      #expect(error?.remedy == "Use --dtype f32.")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
      #expect(try write(graph, to: path, weights: large) > 0)
    }
  }

  @Test func aCancelledExportLeavesNothing() async throws {
    let graph = try Graph(.dense(Dense(units: 20, useBias: true)), on: [3])
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let own = DictionaryWeights(randomFor: graph, seed: 1)
    let model = try CoreMLModel(
      graph.lowered(layout: .nhwc, location: "m.zoo"), inputs: [.array("")], classes: nil,
      description: .init(summary: "m"), type: .float16, weights: own, location: "m.zoo")
    let task = Task { () -> ZooError.Code? in
      withUnsafeCurrentTask { $0?.cancel() }
      return errorCode {
        try model.write(to: folder.appending(path: "M.mlpackage").path, overwrite: false, weights: own)
      }
    }
    #expect(await task.value == .cancelled)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func otherFoldersStay() throws {
    let graph = try Graph(.dense(Dense(units: 20, useBias: true)), on: [3])
    let weights = DictionaryWeights(randomFor: graph, seed: 1)
    try withFolder { folder in
      let path = folder.appending(path: "M.mlpackage").path
      try write(graph, to: path, weights: weights, type: .float16)
      let small = try CoreMLContents(path: path).weights.count
      #expect(errorCode { try write(graph, to: path, weights: weights) } == .cannotCreate)
      try write(graph, to: path + "/", weights: weights, overwrite: true)
      #expect(try CoreMLContents(path: path).weights.count > small)
      // Something of somebody else is in it.
      let note = folder.appending(path: "M.mlpackage/Data/note.txt")
      try Data([1]).write(to: note)
      let error = #expect(throws: ZooError.self) {
        try write(graph, to: path, weights: weights, type: .float16, overwrite: true)
      }
      #expect(error?.why.contains("Data/note.txt") == true, "\(error?.description ?? "")")
      #expect(try Data(contentsOf: note) == Data([1]) && CoreMLContents(path: path).weights.count > small)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["M.mlpackage"])
    }
  }
}
