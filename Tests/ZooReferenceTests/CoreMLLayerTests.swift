import Testing
import ZooExport
import ZooTestSupport

/// The layers of Fixtures/layers/layers.json as ML programs.
@Suite struct CoreMLLayerTests {
  @Test(
    "a Core ML package computes what Keras does", arguments: LayerGolden.all.indices,
    [CoreMLType.float32, .float16])
  func layer(index: Int, type: CoreMLType) throws {
    let golden = LayerGolden.all[index]
    let (graph, weights) = try golden.network()
    let inputs = golden.inputs.map { CoreMLEvaluator.Array([1] + $0.shape, $0.values) }
    let (_, outputs) = try CoreMLEvaluator.outputs(
      of: graph, weights: weights, type: type, inputs: inputs, name: "layer-\(index)")
    #expect(outputs.map(\.shape) == [[1] + golden.output.shape])
    // Constants have 32 or 16 bits.
    let largest = golden.output.values.reduce(1) { max($0, abs($1)) }
    for (ours, theirs) in zip(outputs[0].values, golden.output.values) {
      #expect(ours == theirs || abs(ours - theirs) <= (type == .float32 ? 2e-6 : 4e-3) * largest)
    }
  }
}
