import Testing
import ZooGraph
import ZooSystem
import ZooTensor

/// A network cut at its features, and heads behind them.
@Suite struct FeaturesTests {
  /// Two convolutions that share weights, a branch that nobody needs, and a classifier.
  private func network() throws -> Graph {
    var g = GraphBuilder()
    let conv = Operation.convolution(
      Convolution(filters: 3, kernel: Extent2D(1), strides: .one, padding: .same, useBias: true))
    let image = g.add("image", .input(shape: [4, 6, 3]))
    let first = g.add("features", conv, image)
    let again = g.add("again", conv, [first], sharing: first)
    let side = g.add("side", .flatten, image)
    let pooled = g.add("pool", .globalAveragePooling(keepDimensions: false), again)
    let scores = g.add(
      "predictions", .dense(Dense(units: 5, useBias: true, activation: .softmax)), pooled)
    return try g.build(outputs: [scores, side])
  }

  @Test func onlyWhatFeaturesNeedIsKept() throws {
    let graph = try network()
    let cut = try graph.endingInFeatures(of: [try #require(graph.value(named: "again"))])
    // A layer of the name is there already.
    #expect(cut.nodes.map(\.name) == ["image", "features", "again", "features_1"])
    #expect(cut[cut.outputs[0]].shape == [3])
    #expect(cut.weightSlots == graph.weightSlots.filter { $0.layer == "features" })
    #expect(cut.node(named: "again")?.sharing == cut.value(named: "features"))
  }

  /// What shares weights needs the layer that has them, also where nothing else reads it.
  @Test func sharedWeightsAreKept() throws {
    var g = GraphBuilder()
    let conv = Operation.convolution(
      Convolution(filters: 3, kernel: Extent2D(1), strides: .one, padding: .same, useBias: true))
    let image = g.add("image", .input(shape: [4, 4, 3]))
    let owner = g.add("owner", conv, image)
    let user = g.add("user", conv, [image], sharing: owner)
    let graph = try g.build(outputs: [user])
    let cut = try graph.endingInFeatures(of: [user])
    #expect(cut.nodes.map(\.name) == ["image", "owner", "user", "features"])
  }

  @Test func severalLayersAreJoinedInTheirOrder() throws {
    let graph = try network()
    let taps = try ["pool", "features", "side"].map { try #require(graph.value(named: $0)) }
    let cut = try graph.endingInFeatures(of: taps)
    let joined = cut[cut.outputs[0]]
    #expect(joined.shape == [3 + 3 + 72])
    #expect(joined.inputs.map { cut[$0].name } == ["pool", "features_2", "side"])
    #expect(throws: ZooError.self) { try graph.endingInFeatures(of: []) }
  }

  @Test func headsTakeThePlaceOfTheOutput() throws {
    let graph = try network()
    let cut = try graph.endingInFeatures(of: [try #require(graph.value(named: "pool"))])
    let relu = Operation.dense(Dense(units: 4, useBias: true, activation: .relu))
    let softmax = Operation.dense(Dense(units: 2, useBias: true, activation: .softmax))
    let (whole, names) = try cut.appending(
      heads: [[("hidden", relu), ("predictions", softmax)], [("pool", softmax)]])
    #expect(names == [["hidden", "predictions"], ["pool_1"]])
    #expect(whole.outputs.map { whole[$0].name } == ["predictions", "pool_1"])
    #expect(whole.outputs.map { whole[$0].shape } == [[2], [2]])
    #expect(Array(whole.nodes.prefix(cut.nodes.count)) == cut.nodes)
  }
}
