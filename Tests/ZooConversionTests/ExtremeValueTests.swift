import Foundation
import Testing
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Values that are infinite or no numbers: alike in two engines they agree, and elsewhere they are errors.
@Suite struct ExtremeValueTests {
  private func compare(_ activation: Activation, x: [Float], y: [Float]) throws -> VerificationReport.Check {
    try withFolder { folder in
      let path = folder.appending(path: "io.npz").path
      try NumPyFile.write(to: path, overwrite: false) { writer throws(ZooError) in
        try writer.add("x", Tensor(shape: [1, x.count], values: x))
        try writer.add("y", Tensor(shape: [1, y.count], values: y))
      }
      return try IOComparison(path: path, graph: Graph(.activation(activation), on: [x.count]))
        .check(weights: DictionaryWeights([:]), relativeTolerance: 2e-5, threads: 1)
    }
  }

  @Test func alikeInBothTheyAgree() throws {
    let roots = try compare(.squareRoot, x: [-1, 4, .infinity], y: [.nan, 2, .infinity])
    #expect(roots.status == .passed && (roots.tolerance ?? .infinity) < 1e-3, "\(roots)")
    let powers = try compare(.exponential, x: [0, 1000], y: [1, .infinity])
    #expect(powers.status == .passed && (powers.tolerance ?? .infinity) < 1e-3, "\(powers)")
  }

  @Test(
    arguments: [
      ([-1, 4], [0, 2]), ([1, 4], [.nan, 2]), ([.infinity, 4], [3e38, 2]), ([1, 4], [.infinity, 2]),
      ([.infinity, 4], [.nan, 2]), ([-1, 4], [.nan, 3]),
    ] as [([Float], [Float])])
  func elsewhereTheyAreErrors(x: [Float], y: [Float]) throws {
    #expect(try compare(.squareRoot, x: x, y: y).status == .failed)
  }

  @Test func engineAndReferenceAgreeBeyondSinglePrecision() throws {
    var builder = GraphBuilder()
    var value = builder.add("x", .input(shape: [64]))
    for _ in 0..<4 { value = builder.add(.activation(.exponential), value) }
    let graph = try builder.build(outputs: [value])
    let weights = DictionaryWeights([:])
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1))
    let card = ModelCard(architecture: "powers", variant: "", preprocessing: .none)
    let report = try Verifier(graph: graph, card: card, storage: .f32)
      .verify(weights: weights, engine: engine, testCase: nil)
    #expect(report.passed, "\(report.text)")
    #expect(report.checks.allSatisfy { ($0.tolerance ?? 0).isFinite })
  }

  /// The sums in front of a ReLU6 are rounded by their own size, however small the values that are let through.
  @Test func sumsInFrontOfABoundMayBeLarge() throws {
    var builder = GraphBuilder()
    let input = builder.add("x", .input(shape: [256]))
    let dense = Dense(units: 8192, useBias: false, activation: .relu6)
    let output = builder.add("y", .dense(dense), input)
    let graph = try builder.build(outputs: [output])
    let random = CounterRandom(seed: 1)
    let weights = ComputedWeights { slot in
      StoredTensor(
        shape: slot.shape, values: (0..<slot.shape.elementCount).map { Float(500 * random.signed($0)) })
    }
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1))
    let card = ModelCard(architecture: "sums", variant: "", preprocessing: .none)
    var options = Verifier.Options()
    options.samplesPerLayer = 8192
    let report = try Verifier(graph: graph, card: card, storage: .f32, options: options)
      .verify(weights: weights, engine: engine, testCase: nil)
    #expect(report.passed, "\(report.text)")
    #expect((report.checks[0].tolerance ?? 0) < 10, "\(report.text)")
  }
}
