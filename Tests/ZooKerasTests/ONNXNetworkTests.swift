import Testing
import ZooExport
import ZooGraph
import ZooTestSupport

/// Every network of Fixtures/layers as ONNX. `make check-onnx` gives the files to ONNX Runtime.
@Suite struct ONNXNetworkTests {
  @Test(
    "an ONNX file computes what Keras does", arguments: KerasNetworkGolden.all.indices, ImageLayout.allCases)
  func network(index: Int, layout: ImageLayout) throws {
    let golden = KerasNetworkGolden.all[index]
    let (network, weights) = try golden.network()
    let graph = network.graph
    // Each example twice, as the batch is open.
    let inputs = golden.inputs.map { ONNXEvaluator.Array([2] + $0.shape, $0.values + $0.values) }
    let (contents, outputs) = try ONNXEvaluator.outputs(
      of: graph, weights: weights, layout: layout, inputs: inputs, name: "\(index)")
    let names = (graph.inputs + graph.outputs).map { graph[$0].name }
    #expect(contents.inputs.map(\.name) == Array(names.prefix(graph.inputs.count)))
    if Set(names).count == names.count {
      #expect(contents.outputs.map(\.name) == Array(names.dropFirst(graph.inputs.count)))
    }
    #expect(outputs.map(\.shape) == golden.outputs.map { [2] + $0.shape })
    for (ours, expected) in zip(outputs, golden.outputs) {
      let largest = expected.values.reduce(1e-3) { max($0, abs($1)) }
      let worst = zip(ours.values, expected.values + expected.values).reduce(0) { worst, pair in
        pair.0 == pair.1 ? worst : max(worst, abs(pair.0 - pair.1))
      }
      // Constants have 32 bits.
      #expect(worst <= 2e-6 * largest, "off by \(worst / largest)")
    }
  }
}
