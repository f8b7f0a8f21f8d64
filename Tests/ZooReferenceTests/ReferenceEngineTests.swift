import Testing
import ZooGraph
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct ReferenceEngineTests {
  @Test(arguments: [1, 3, 16])
  func resultsDoNotDependOnThreads(_ threads: Int) throws {
    let setup = try ReferenceProbeTests.Setup(seed: 9)
    let values = try ReferenceEngine(graph: setup.graph, weights: setup.weights, threads: threads)
      .run([ReferenceTensor(setup.batch, example: 1)], keeping: setup.all)
    #expect(values == setup.values)
  }

  @Test func returnsOutputsAndWhatIsKept() throws {
    let setup = try ReferenceProbeTests.Setup(seed: 9)
    let add = try #require(setup.graph.value(named: "add"))
    let values = try ReferenceEngine(graph: setup.graph, weights: setup.weights)
      .run([ReferenceTensor(setup.batch, example: 1)], keeping: [add])
    #expect(Set(values.keys) == [add, setup.graph.outputs[0]])
    #expect(values[add] == setup.values[add])
  }

  @Test func anInputOfAnotherShapeIsAnError() throws {
    let graph = try Graph(.activation(.relu), on: [2, 3])
    let engine = try ReferenceEngine(graph: graph, weights: DictionaryWeights([:]))
    #expect(errorCode { try engine.run([]) } == .doesNotFit)
    #expect(
      errorCode {
        try engine.run([ReferenceTensor(shape: [6], values: Array(repeating: 0, count: 6))])
      } == .doesNotFit)
  }

  @Test func aWeightOfAnotherShapeOrTypeIsAnError() throws {
    let graph = try Graph(.dense(Dense(units: 2, useBias: false)), on: [3])
    let input = ReferenceTensor(shape: [3], values: [1, 2, 3])
    let integers = try #require(
      StoredTensor(
        shape: [3, 2], elementType: .int32, bytes: ByteSlice(HeapBytes([Int32](repeating: 1, count: 6)))))
    for kernel in [StoredTensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6]), integers] {
      let engine = try ReferenceEngine(graph: graph, weights: DictionaryWeights(["layer/kernel": kernel]))
      let error = #expect(throws: ZooError.self) { try engine.run([input]) }
      #expect(error?.code == .doesNotFit && error?.location == "layer/kernel")
    }
  }

  @Test func theErrorOfTheWeightSourcePassesThrough() throws {
    let graph = try Graph(.dense(Dense(units: 2, useBias: false)), on: [3])
    let engine = try ReferenceEngine(graph: graph, weights: DictionaryWeights([:]))
    #expect(throws: DictionaryWeights.Missing(name: "layer/kernel")) {
      try engine.run([ReferenceTensor(shape: [3], values: [1, 2, 3])])
    }
  }

  @Test(arguments: [
    Edges(top: 2, bottom: 0, left: 0, right: 0), Edges(top: 0, bottom: 3, left: 0, right: 0),
    Edges(top: 0, bottom: 0, left: 2, right: 0), Edges(top: 0, bottom: 0, left: 0, right: 3),
  ])
  func aPoolingWindowWhollyInThePaddingIsAnError(_ edges: Edges) throws {
    let pooling = Pooling(window: Extent2D(2), strides: Extent2D.one, padding: .explicit(edges))
    let graph = try Graph(.averagePooling(pooling), on: [4, 4, 1])
    #expect(
      errorCode {
        try ReferenceEngine(graph: graph, weights: DictionaryWeights([:]))
      } == .unsupported)
  }

  @Test func aValueTooLargeIsAnError() throws {
    let graph = try Graph(.zeroPadding(Edges(all: 1 << 15)), on: [1, 1, 1])
    #expect(
      errorCode {
        try ReferenceEngine(graph: graph, weights: DictionaryWeights([:]))
      } == .tooLarge)
  }
}
