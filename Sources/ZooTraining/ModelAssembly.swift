import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// A network that was made of others, on its way into a file.
struct ModelAssembly {
  /// Without what a verification adds.
  var document: ZooDocument
  let weights: any WeightSource
  let plan: StoragePlan

  /// Checks the network as `zoo verify` does, and by what `more` finds in the engine; then writes the file, whole or
  /// not at all. The number of threads does not depend on the machine, as the file states the largest error.
  ///
  /// - Throws: `ZooError`, with the code `verificationFailed` where a check says no.
  func write(
    to path: String, overwrite: Bool,
    checks more: (Engine) throws -> [VerificationReport.Check] = { _ in [] },
    verifying: (Verifier.Progress) -> Void, writing: (Int, Int) -> Void
  ) throws -> VerificationReport {
    let options = Verifier.Options()
    let threads = options.threads
    let engine = try Engine(graph: document.graph, weights: weights, options: PlanOptions(threads: threads))
    let verifier = Verifier(
      graph: document.graph, card: document.card, layerTraining: document.layerTraining,
      storage: plan.storage,
      options: options)
    var report = try verifier.verify(
      weights: AnyWeights(weights), engine: engine, testCase: nil, progress: verifying)
    report.checks += try more(engine)
    if let failure = report.failure(of: path) { throw failure }
    let testCase = try TestCase.make(
      graph: document.graph, weights: AnyWeights(weights), preprocessing: document.card.preprocessing,
      engine: engine, threads: threads)
    var finished = document
    finished.testCase = testCase.isFinite ? testCase : nil
    finished.verification = report.summary
    finished.tool = ZooDocument.currentTool
    try Cancellation.check()
    try ZooWriter(document: finished, plan: plan)
      .write(to: path, overwrite: overwrite, weights: AnyWeights(weights), progress: writing)
    return report
  }
}

/// A source of weights whose type is not known.
private struct AnyWeights: WeightSource {
  private let source: any WeightSource

  init(_ source: any WeightSource) { self.source = source }

  func tensor(for slot: WeightSlot) throws -> StoredTensor { try source.tensor(for: slot) }

  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    try source.quantizedTensor(for: slot)
  }
}
