import Testing
import ZooExport
import ZooGraph
import ZooSystem
import ZooTestSupport

/// Every network of Fixtures/layers as an ML program. `make check-coreml` gives the packages to coremltools.
@Suite struct CoreMLNetworkTests {
  @Test(
    "a Core ML package computes what Keras does", arguments: KerasNetworkGolden.all.indices,
    [CoreMLType.float32, .float16])
  func network(index: Int, type: CoreMLType) throws {
    let golden = KerasNetworkGolden.all[index]
    let (network, weights) = try golden.network()
    let graph = network.graph
    let inputs = golden.inputs.map { CoreMLEvaluator.Array([1] + $0.shape, $0.values) }
    let outputs: [CoreMLEvaluator.Array]
    do {
      outputs = try CoreMLEvaluator.outputs(
        of: graph, weights: weights, type: type, inputs: inputs, name: "\(index)"
      ).outputs
    } catch let error as ZooError where error.code == .unsupported {
      let hasManyAxes = graph.nodes.contains { $0.shape.rank >= 5 }
      let isLarge = type == .float16 && error.why.contains("beyond the range of 16-bit floats")
      #expect(hasManyAxes && error.why.contains("6 axes") || isLarge, "\(error)")
      return
    }
    #expect(outputs.map(\.shape) == golden.outputs.map { [1] + $0.shape })
    for (ours, expected) in zip(outputs, golden.outputs) {
      let largest = expected.values.reduce(1e-3) { max($0, abs($1)) }
      let worst = zip(ours.values, expected.values).reduce(0) { worst, pair in
        pair.0 == pair.1 ? worst : max(worst, abs(pair.0 - pair.1))
      }
      // Constants have 32 or 16 bits.
      #expect(worst <= (type == .float32 ? 2e-6 : 2e-2) * largest, "off by \(worst / largest)")
    }
  }
}
