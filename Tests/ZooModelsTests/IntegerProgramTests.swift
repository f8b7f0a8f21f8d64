import Testing
import ZooGraph
import ZooModels
import ZooTensor
import ZooTestSupport

@Suite struct IntegerProgramTests {
  /// A file holds no other ranges than those that its program goes by. What is read from it has to be the same program.
  @Test("a program is the same without the ranges that it does not go by", arguments: KnownNetwork.all)
  func rangedValuesAreEnough(network: KnownNetwork) throws {
    let graph = try SplitGraph(network.graph()).graph
    let perChannel = graph.depthwiseInputs
    var ranges: [Value: ValueRange] = [:]
    for (index, node) in graph.nodes.enumerated() {
      let value = Value(index: index)
      let highest = (0..<(perChannel.contains(value) ? node.shape.image.channels : 1)).map {
        Float($0 % 5 + 1)
      }
      ranges[value] = try #require(ValueRange(lowest: highest.map { -$0 }, highest: highest))
    }
    let program = IntegerProgram(graph, IntegerForm(ranges: ranges))
    let used = program.rangedValues
    let again = IntegerProgram(graph, IntegerForm(ranges: ranges.filter { used.contains($0.key) }))
    #expect(again.rangedValues == used)
    #expect(again.layers.keys.sorted() == program.layers.keys.sorted())
    for index in program.layers.keys.sorted() { #expect(again.layers[index] == program.layers[index]) }
  }
}
