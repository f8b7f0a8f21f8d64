import Testing
import ZooGraph
import ZooModels
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Results are the same bit for bit for any number of threads.
@Suite struct ThreadTests {
  private func expectSameForAnyNumberOfThreads(_ graph: Graph, batch: Int, seed: UInt64) throws {
    let weights = DictionaryWeights(randomFor: graph, seed: seed)
    let input = randomInputs(graph, batch: batch, seed: seed + 1)
    for kernels in Engine.availableKernels {
      let one = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1, kernels: kernels))
      let expected = try one.makeSession().run(input)
      // A comparison of values that are not numbers would fail, and say nothing of threads.
      #expect(expected.allSatisfy { $0.values.allSatisfy(\.isFinite) }, "\(kernels)")
      for threads in [2, 3, 4, 7] {
        let engine = try Engine(
          graph: graph, weights: weights, options: PlanOptions(threads: threads, kernels: kernels))
        let session = engine.makeSession()
        for run in 1...2 {
          #expect(try session.run(input) == expected, "\(kernels), \(threads) threads, run \(run)")
        }
      }
    }
  }

  @Test(arguments: AccuracyTests.layers) func oneLayer(_ layer: AccuracyTests.Layer) throws {
    try expectSameForAnyNumberOfThreads(Graph(layer.operation, on: layer.input), batch: 1, seed: 61)
  }

  static let networks: [(any NetworkDefinition, InputShape)] = [
    (VGG(depths: [1, 1, 2, 1, 1], width: 32, denseWidth: 128), InputShape(64, 64)),
    (ResNet(depths: [1, 2, 1, 1], width: 32), InputShape(72, 64)),
    (MobileNet(alpha: 0.25), InputShape(96, 96)),
    (
      NASNet(penultimateFilters: 192, numBlocks: 1, stemBlockFilters: 8, skipReduction: true),
      InputShape(64, 64)
    ),
  ]

  @Test(arguments: networks.indices, [1, 3]) func wholeNetwork(index: Int, batch: Int) throws {
    let (definition, input) = Self.networks[index]
    let graph = try definition.graph(input: input, head: .classifier(classes: 10, activation: .linear))
    try expectSameForAnyNumberOfThreads(graph, batch: batch, seed: 71)
  }
}
