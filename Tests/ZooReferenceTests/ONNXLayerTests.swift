import Testing
import ZooExport
import ZooTestSupport

/// The layers of Fixtures/layers/layers.json as ONNX.
@Suite struct ONNXLayerTests {
  @Test("an ONNX file computes what Keras does", arguments: LayerGolden.all.indices, ImageLayout.allCases)
  func layer(index: Int, layout: ImageLayout) throws {
    let golden = LayerGolden.all[index]
    let (graph, weights) = try golden.network()
    let inputs = golden.inputs.map { ONNXEvaluator.Array([1] + $0.shape, $0.values) }
    let (_, outputs) = try ONNXEvaluator.outputs(
      of: graph, weights: weights, layout: layout, inputs: inputs, name: "layer-\(index)")
    #expect(outputs.map(\.shape) == [[1] + golden.output.shape])
    for (ours, theirs) in zip(outputs[0].values, golden.output.values) {
      // Epsilons and slopes have 32 bits.
      #expect(abs(ours - theirs) <= 2e-6 * max(1, abs(theirs)))
    }
  }
}
