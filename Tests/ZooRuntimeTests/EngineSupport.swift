import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Random inputs for a graph, (N, …), from a seed.
func randomInputs(_ graph: Graph, batch: Int = 1, seed: UInt64) -> [Tensor] {
  var random = SplitMix(seed: seed)
  return graph.inputs.map { input in
    let shape = Shape([batch] + graph[input].shape.dimensions)
    return Tensor(
      shape: shape, values: (0..<shape.elementCount).map { _ in .random(in: -1...1, using: &random) })
  }
}

/// Compares a tensor of the fast engine with the reference engine's, to a share of the largest value.
func expectClose(
  _ fast: Tensor, example: Int, _ reference: ReferenceTensor, tolerance: Double = 1e-5, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let ours = fast[example: example]
  #expect(ours.shape == reference.shape, "\(what)", sourceLocation: sourceLocation)
  guard ours.shape == reference.shape else { return }
  let largest = reference.values.reduce(1e-30) { max($0, abs($1)) }
  var worst = 0.0
  for (a, b) in zip(ours.values, reference.values) {
    let difference = abs(Double(a) - b)
    worst = difference.isNaN ? .infinity : max(worst, difference)
  }
  #expect(worst <= tolerance * largest, "\(what): off by \(worst / largest)", sourceLocation: sourceLocation)
}

/// Runs a graph with random weights and inputs on every instruction set of this machine, plain and
/// with every value tapped, and compares all that is in memory with the reference engine.
func expectMatchesReference(
  _ graph: Graph, batch: Int = 1, seed: UInt64, threads: Int = 1,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let weights = DictionaryWeights(randomFor: graph, seed: seed)
  let inputs = randomInputs(graph, batch: batch, seed: seed &+ 1)
  let all = Set(graph.nodes.indices.map(Value.init(index:)))
  let reference = try ReferenceEngine(graph: graph, weights: weights)
  let truth = try (0..<batch).map { example in
    try reference.run(inputs.map { ReferenceTensor($0, example: example) }, keeping: all)
  }
  for kernels in Engine.availableKernels {
    for taps in [[], Array(all)] {
      let options = PlanOptions(threads: threads, taps: taps, kernels: kernels)
      let engine = try Engine(graph: graph, weights: weights, options: options)
      #expect(Set(taps).isSubset(of: engine.materialized), sourceLocation: sourceLocation)
      // Twice: the second run finds the arena as the first one left it.
      let session = engine.makeSession()
      _ = try session.run(inputs)
      let values = try session.runAll(inputs)
      for (value, tensor) in values {
        for example in 0..<batch {
          guard let expected = truth[example][value] else { continue }
          let what = "seed \(seed), \(kernels), \(taps.isEmpty ? "plain" : "tapped"), \(graph[value].name)"
          expectClose(tensor, example: example, expected, what, sourceLocation: sourceLocation)
        }
      }
      let outputs = try session.run(inputs)
      for (tensor, output) in zip(outputs, graph.outputs) {
        #expect(tensor == values[output], sourceLocation: sourceLocation)
      }
    }
  }
}
