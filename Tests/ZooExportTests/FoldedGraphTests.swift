import Testing
import ZooExport
import ZooGraph
import ZooReference
import ZooTensor
import ZooTestSupport

private typealias Operation = ZooGraph.Operation

@Suite struct FoldedGraphTests {
  private static let norm = Operation.batchNormalization(BatchNormalization(epsilon: 1e-3))
  private static let plain = Operation.batchNormalization(
    BatchNormalization(epsilon: 1e-3, scale: false, center: false))

  /// Layers that a norm can be a part of, on an image of 5x4x6.
  static let layers: [(String, ZooGraph.Operation)] = [
    (
      "convolution",
      .convolution(
        Convolution(
          filters: 4, kernel: Extent2D(3, 2), strides: Extent2D(2), padding: .same, groups: 2, useBias: true))
    ),
    (
      "depthwise",
      .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: 2, kernel: Extent2D(3), strides: .one, padding: .valid, useBias: false))
    ),
    (
      "separable",
      .separableConvolution(
        SeparableConvolution(
          filters: 3, multiplier: 2, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true))
    ),
    (
      "transposed",
      .transposedConvolution(
        TransposedConvolution(
          filters: 5, kernel: Extent2D(3, 2), strides: Extent2D(2), offset: Extent2D(0),
          size: Extent2D(12, 8),
          useBias: true))
    ),
    ("dense", .dense(Dense(units: 7, useBias: false))),
  ]

  private func check(_ graph: Graph, _ layers: [String]) throws {
    let weights = DictionaryWeights(randomFor: graph, seed: 4)
    let folded = try FoldedGraph(graph)
    #expect(folded.graph.nodes.map(\.name) == layers)
    let shape = graph[graph.inputs[0]].shape
    var random = SplitMix(seed: 9)
    let x = ReferenceTensor(
      shape: shape, values: (0..<shape.elementCount).map { _ in .random(in: -1...1, using: &random) })
    let expected = try ReferenceEngine(graph: graph, weights: weights).run([x])
    let found = try ReferenceEngine(graph: folded.graph, weights: folded.weights(from: weights)).run([x])
    for (output, own) in zip(graph.outputs, folded.graph.outputs) {
      let (y, z) = (try #require(expected[output]), try #require(found[own]))
      let largest = y.values.reduce(1) { max($0, abs($1)) }
      #expect(y.shape == z.shape)
      #expect(zip(y.values, z.values).allSatisfy { abs($0 - $1) <= 1e-6 * largest })
      #expect(graph[output].name == folded.graph[own].name)
    }
  }

  @Test("a norm becomes a part of the layer before it", arguments: layers.indices)
  func layersTakeNorms(index: Int) throws {
    for norm in [Self.norm, Self.plain, .layerScale] {
      var g = GraphBuilder()
      let x = g.add("x", .input(shape: [5, 4, 6]))
      let layer = g.add("layer", Self.layers[index].1, x)
      let result = g.add("norm", norm, layer)
      let active = g.add("y", .activation(.relu), result)
      try check(g.build(outputs: [active]), ["x", "norm", "y"])
    }
  }

  @Test func otherNormsStayByThemselves() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [5, 4, 6]))
    let first = g.add("first", Self.norm, x)
    let layer = g.add("layer", Self.layers[0].1, first)
    // Two layers read this one.
    let second = g.add("second", Self.norm, layer)
    let sum = g.add("sum", .add, second, layer)
    let active = g.add(
      "active",
      .convolution(
        Convolution(
          filters: 3, kernel: .one, strides: .one, padding: .valid, useBias: false, activation: .relu)), sum)
    let third = g.add("third", Self.plain, active)
    let flat = g.add("flat", .flatten, third)
    let fourth = g.add("fourth", Self.norm, flat)
    try check(
      g.build(outputs: [fourth]),
      ["x", "first", "layer", "second", "sum", "active", "third", "flat", "fourth"])
  }

  @Test func sharedLayersStay() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [4]))
    let dense = Operation.dense(Dense(units: 4, useBias: true))
    let once = g.add("d", dense, x)
    let norm = g.add("n", Self.norm, once)
    let twice = g.add("d:2", dense, [norm], sharing: once)
    let again = g.add("n:2", Self.norm, [twice], sharing: norm)
    try check(g.build(outputs: [again]), ["x", "d", "n", "d:2", "n:2"])
  }

  @Test func outputsStay() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [5, 4, 6]))
    let layer = g.add("layer", Self.layers[0].1, x)
    let norm = g.add("norm", Self.norm, layer)
    try check(g.build(outputs: [layer, norm]), ["x", "layer", "norm"])
  }
}
