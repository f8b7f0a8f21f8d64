import Foundation
import Testing
import ZooExport
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

private typealias Operation = ZooGraph.Operation

@Suite struct LoweringTests {
  private func contents(_ graph: Graph, layout: ImageLayout = .nhwc) throws -> ONNXContents {
    try withFolder { folder in
      let path = folder.appending(path: "m.onnx").path
      let model = ONNXModel(
        try graph.lowered(layout: layout, location: "m.zoo"),
        description: .init(name: "m", producerVersion: "1", metadata: [:]))
      _ = try model.write(
        to: path, overwrite: false, weights: DictionaryWeights(randomFor: graph, seed: 1))
      return try ONNXContents([UInt8](Data(contentsOf: URL(filePath: path))))
    }
  }

  @Test func namesAreThoseOfLayersAndUnique() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [2, 2, 3]))
    let same = g.add("same", .identity(layer: "Dropout"), x)
    // A layer that is called as another one's weight would be.
    let kernel = g.add("d/kernel", .activation(.relu), x)
    let dense = g.add("d", .dense(Dense(units: 3, useBias: false)), kernel)
    let graph = try g.build(outputs: [x, same, dense, dense])
    for layout in ImageLayout.allCases {
      let contents = try contents(graph, layout: layout)
      #expect(contents.inputs.map(\.name) == ["x"])
      #expect(contents.outputs.map(\.name) == ["x_1", "same", "d", "d_1"])
      let given =
        contents.inputs.map(\.name) + contents.initializers.map(\.name) + contents.nodes.flatMap(\.outputs)
      #expect(Set(given).count == given.count, "\(given)")
      let values = (0..<12).map { Double($0) - 4 }
      let x = ONNXEvaluator.Array(layout == .nhwc ? [1, 2, 2, 3] : [1, 3, 2, 2], values)
      let results = try ONNXEvaluator(contents).run([x])
      #expect(results[0].values == values && results[1].values == values)
      #expect(results[2].values == results[3].values)
    }
  }

  @Test func layersThatNoOutputNeedsAreLeftOut() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [4]))
    _ = g.add("unused", .dense(Dense(units: 3, useBias: true)), x)
    let y = g.add("y", .dense(Dense(units: 2, useBias: true)), x)
    let contents = try contents(g.build(outputs: [y]))
    #expect(contents.nodes.map(\.name) == ["y"])
    #expect(contents.initializers.map(\.name) == ["y/kernel", "y/bias"])
  }

  @Test func sharedWeightsAreThereOnce() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [4]))
    let once = g.add("d", .dense(Dense(units: 4, useBias: true)), x)
    let twice = g.add("d:2", .dense(Dense(units: 4, useBias: true)), [once], sharing: once)
    let contents = try contents(g.build(outputs: [twice]))
    #expect(contents.nodes.map(\.inputs) == [["x", "d/kernel", "d/bias"], ["d", "d/kernel", "d/bias"]])
    #expect(contents.initializers.count == 2)
  }

  /// ONNX Runtime takes zeros before a MaxPool for its own padding, which counts for nothing.
  @Test func zerosBeforePoolingCount() throws {
    let pool = Operation.maxPooling(
      Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .valid))
    func graph(_ activation: Activation) throws -> Graph {
      var g = GraphBuilder()
      let x = g.add("x", .input(shape: [5, 6, 2]))
      let values = g.add("values", .activation(activation), x)
      let padded = g.add("padded", .zeroPadding(Edges(top: 1, bottom: 2, left: 0, right: 1)), values)
      let pooled = g.add("pooled", pool, padded)
      return try g.build(outputs: [pooled])
    }
    // Values of a rectifier are never below what the padding would be.
    let rectified = try contents(graph(.relu6))
    #expect(rectified.nodes.map(\.type) == ["Clip", "Transpose", "MaxPool", "Transpose"])
    #expect(rectified.nodes[2].attributes["pads"] == .ints([1, 0, 2, 1]))
    let others = try contents(graph(.tanh))
    #expect(others.nodes.map(\.type) == ["Tanh", "Pad", "Transpose", "MaxPool", "Transpose"])
    let zero = try #require(others.initializers.first { $0.name == others.nodes[1].inputs.last })
    #expect(zero.bytes == [0, 0, 0, 0x80])
    let x = ONNXEvaluator.Array([1, 5, 6, 2], (0..<60).map { Double($0 % 7) - 8 })
    let results = try [rectified, others].map { try ONNXEvaluator($0).run([x])[0] }
    #expect(results[0].shape == [1, 3, 3, 2] && results[0].values.allSatisfy { $0 == 0 })
    #expect(results[1].values.contains(0) && results[1].values.contains { $0 < 0 })
  }

  @Test func paddingOfConvolutionsCanBeFolded() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [5, 6, 2]))
    let padded = g.add("padded", .zeroPadding(Edges(all: 1)), x)
    let convolution = Convolution(
      filters: 1, kernel: Extent2D(3), strides: .one, padding: .valid, useBias: false)
    let y = g.add("y", .convolution(convolution), padded)
    let contents = try contents(g.build(outputs: [y]), layout: .nchw)
    #expect(contents.nodes.map(\.type) == ["Pad", "Conv"] && contents.nodes[0].inputs.count == 2)
  }

  static let refused: [(String, ZooGraph.Operation)] = [
    (
      "as wide as its window",
      .maxPooling(
        Pooling(window: Extent2D(2), strides: .one, padding: .explicit(Edges(all: 2))))
    ),
    (
      "outside of what it computes",
      .transposedConvolution(
        TransposedConvolution(
          filters: 1, kernel: Extent2D(2), strides: .one, offset: Extent2D(9, 0), size: Extent2D(2),
          useBias: false))
    ),
    ("to too large an image", .resize(Resize(size: Extent2D((1 << 25) + 1, 3), interpolation: .nearest))),
    ("too large an image", .resize(Resize(size: Extent2D(5_000_000, 3), interpolation: .bicubic))),
  ]

  @Test("what ONNX can't hold is named before anything is written", arguments: refused.indices)
  func refusals(index: Int) throws {
    let (why, operation) = Self.refused[index]
    let graph = try Graph(operation, on: [4, 4, 3])
    let error = #expect(throws: ZooError.self) { try graph.lowered(layout: .nhwc, location: "m.zoo") }
    #expect(error?.code == .unsupported && error?.location == "m.zoo, 'layer'")
    #expect(error?.why.contains(why) == true, "\(error?.description ?? "")")
  }

  @Test func aCancelledExportLeavesNothing() async throws {
    let graph = try Graph(.dense(Dense(units: 2, useBias: true)), on: [3])
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = ONNXModel(
      try graph.lowered(layout: .nhwc, location: "m.zoo"),
      description: .init(name: "m", producerVersion: "1", metadata: [:]))
    let task = Task { () -> ZooError.Code? in
      withUnsafeCurrentTask { $0?.cancel() }
      for limit in [ONNXModel.messageLimit, 10] {
        let code = errorCode {
          try model.write(
            to: folder.appending(path: "m.onnx").path, overwrite: false,
            weights: DictionaryWeights(randomFor: graph, seed: 1), limit: limit)
        }
        guard code == .cancelled || limit == 10 else { return code }
      }
      return .cancelled
    }
    #expect(await task.value == .cancelled)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func filesThatAreThereStay() throws {
    let graph = try Graph(.dense(Dense(units: 200, useBias: true)), on: [30])
    let model = ONNXModel(
      try graph.lowered(layout: .nhwc, location: "m.zoo"),
      description: .init(name: "m", producerVersion: "1", metadata: [:]))
    let weights = DictionaryWeights(randomFor: graph, seed: 1)
    try withFolder { folder in
      let path = folder.appending(path: "m.onnx").path
      try Data([1]).write(to: URL(filePath: path + ".data"))
      let write = { (overwrite: Bool) in
        try model.write(to: path, overwrite: overwrite, weights: weights, limit: 2000).files.count
      }
      #expect(errorCode { try write(false) } == .cannotCreate)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["m.onnx.data"])
      #expect(try Data(contentsOf: URL(filePath: path + ".data")) == Data([1]))
      #expect(try write(true) == 2)
    }
  }
}
