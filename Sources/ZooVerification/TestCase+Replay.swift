import ZooFormat
import ZooGraph
import ZooImages
import ZooReference
import ZooRuntime
import ZooTensor

extension TestCase {
  private static let chosenSeed: UInt64 = 2014
  /// Above this many multiplications the reference engine takes too long for a conversion.
  private static let referenceLimit = 1_500_000_000

  /// Makes the test case of a network.
  ///
  /// The expected values are the reference engine's where the network is small enough to run it whole,
  /// else the fast engine's, which a conversion has by then checked layer by layer. On codes of 8 bits, they are the
  /// fast engine's.
  package static func make(
    graph: Graph, weights: some WeightSource, preprocessing: Preprocessing, engine: Engine, threads: Int,
    isInteger: Bool = false
  ) throws -> TestCase {
    let inputs = try TestInput.make(for: graph, preprocessing: preprocessing, seed: chosenSeed)
    let outputs: [[Double]]
    if graph.macs <= referenceLimit, !isInteger {
      let reference = try ReferenceEngine(graph: graph, weights: weights, threads: threads)
      let values = try reference.run(inputs.map { ReferenceTensor($0, example: 0) })
      outputs = graph.outputs.map { values[$0]?.values ?? [] }
    } else {
      outputs = try engine.makeSession().run(inputs).map { $0.values.map(Double.init) }
    }
    let share = max(1, sampleLimit / outputs.count)
    let expected = outputs.map { values in
      let step = max(1, values.count / share)
      let indices = stride(from: 0, to: values.count, by: step).prefix(share)
      return Output(
        largest: values.reduce(0) { max($0, abs($1)) },
        samples: indices.map { Sample(index: $0, value: values[$0]) })
    }
    return TestCase(
      generator: TestInput.generator, seed: chosenSeed, preprocessing: preprocessing, outputs: expected,
      tolerance: isInteger ? Tolerances.integerTestCase : Tolerances.testCase)
  }

  /// Runs the fast engine on the recorded input and compares with the recorded outputs.
  func replay(graph: Graph, engine: Engine) throws -> VerificationReport.Check {
    let name = "embedded test case"
    guard generator == TestInput.generator else {
      return .init(
        name, .noTestimony, detail: "this version does not know its input generator '\(generator)'")
    }
    let inputs = try TestInput.make(for: graph, preprocessing: preprocessing, seed: seed)
    let results = try engine.makeSession().run(inputs)
    var worst = Worst()
    var count = 0
    for (ordinal, (result, expected)) in zip(results, outputs).enumerated() {
      var error = 0.0
      for sample in expected.samples where result.values.indices.contains(sample.index) {
        let difference = abs(Double(result.values[sample.index]) - sample.value)
        error = difference.isFinite ? max(error, difference) : .infinity
        count += 1
      }
      worst.consider(
        error: error, tolerance: tolerance * expected.largest,
        location: graph[graph.outputs[ordinal]].name)
    }
    return worst.check(name, detail: "\(count) recorded values of \(outputs.count) outputs")
  }
}
