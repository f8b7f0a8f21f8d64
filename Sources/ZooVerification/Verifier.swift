import ZooFormat
import ZooGraph
import ZooImages
import ZooRuntime
import ZooTensor

/// Whether a network with its weights computes what it should: the checks of `zoo verify`.
public struct Verifier: Sendable {
  /// What to check against, and how closely.
  public struct Options: Sendable {
    /// How many threads compute.
    public var threads = 2
    /// How many values of each layer the reference engine recomputes.
    public var samplesPerLayer = Options.samplesOfConversion
    /// Pictures for the batch-norm statistics; synthetic ones where there is none.
    public var images: [String] = []
    /// An `.npz` with inputs and outputs of another framework.
    public var ioPath: String?

    /// Few enough that a conversion is not held up by its checks.
    package static let samplesOfConversion = 256
    /// For `zoo verify`, which is run for the checks alone.
    package static let samplesOfVerification = 1024

    /// The options that a conversion has.
    public init() {}

    /// The options that `zoo verify` has: four times as many values of each layer.
    public static var thorough: Options {
      var options = Options()
      options.samplesPerLayer = samplesOfVerification
      return options
    }
  }

  /// What a verification is doing.
  public struct Progress: Sendable {
    /// The check, for example `comparing the engines`.
    public let phase: String
    /// How many layers or images of it are done.
    public let done: Int
    /// How many there are; 0 where that is unknown.
    public let total: Int
    /// What is counted: `layer` or `image`.
    public let unit: String

    package init(_ phase: String, done: Int = 0, total: Int = 0, unit: String = "") {
      self.phase = phase
      self.done = done
      self.total = total
      self.unit = unit
    }
  }

  let graph: Graph
  let card: ModelCard
  let layerTraining: [String: LayerTraining]
  let storage: StorageType
  /// How far the stored weights were allowed to move values, of the largest in a layer; nil where they did not.
  let storageTolerance: Double?
  let precision: SourcePrecision?
  let options: Options

  package init(
    graph: Graph, card: ModelCard, layerTraining: [String: LayerTraining] = [:], storage: StorageType,
    storageTolerance: Double? = nil, precision: SourcePrecision? = nil, options: Options = Options()
  ) {
    self.graph = graph
    self.card = card
    self.layerTraining = layerTraining
    self.storage = storage
    self.storageTolerance = storageTolerance
    self.precision = precision
    self.options = options
  }

  /// The checks that need no file: engine against engine, test case, batch-norm statistics, and
  /// recorded outputs where they are given. With `integers` the network is also computed in that way, and the test case
  /// is one of it. Calls `progress` as each check begins and goes on.
  package func verify(
    weights: some WeightSource, engine: Engine, testCase: TestCase?, integers: IntegerForm? = nil,
    progress: (Progress) -> Void = { _ in }
  ) throws -> VerificationReport {
    var report = VerificationReport()
    let comparing = "comparing the engines"
    progress(Progress(comparing))
    let inputs = try TestInput.make(for: graph, preprocessing: card.preprocessing, seed: 1)
    report.checks.append(
      try LayerCheck(samplesPerLayer: options.samplesPerLayer)
        .check(graph: graph, weights: weights, engine: engine, inputs: inputs) {
          progress(Progress(comparing, done: $0, total: $1, unit: "layer"))
        })
    var runner = engine
    if let integers {
      runner = try Engine(
        graph: graph, weights: weights, options: PlanOptions(threads: options.threads, integers: integers))
      progress(Progress("comparing the 8-bit engines"))
      report.checks.append(
        try IntegerCheck(graph: graph, form: integers).check(
          weights: weights, inputs: inputs, threads: options.threads))
    }
    if let testCase {
      progress(Progress("replaying the test case"))
      report.checks.append(try testCase.replay(graph: graph, engine: runner))
    }
    report.checks.append(
      try withoutActuallyEscaping(progress) { progress in
        try BatchNormCheck(
          graph: graph, card: card, layerTraining: layerTraining, images: options.images,
          threads: options.threads,
          progress: { progress(.statistics(done: $0, total: $1)) }
        ).check(weights: weights)
      })
    if let path = options.ioPath {
      progress(Progress("comparing with \(path)"))
      let comparison = try IOComparison(path: path, graph: graph)
      report.checks.append(
        try comparison.check(
          weights: weights,
          relativeTolerance: max(Tolerances.outputs(storage), storageTolerance ?? 0),
          precision: precision,
          threads: options.threads))
    }
    return report
  }

  /// The checks of a `.zoo` file: every checksum, then all the others.
  package static func verify(
    _ file: ZooFile, options: Options = Options(), progress: (Progress) -> Void = { _ in }
  ) throws -> VerificationReport {
    progress(Progress("checking the checksums"))
    let checksums = checksumCheck(file)
    guard checksums.status == .passed else { return VerificationReport(checks: [checksums]) }
    let document = file.document
    // Nobody vouches for what a file says of itself, so that it can't allow itself more than is usual.
    let stated = VerificationReport.tolerance(
      of: VerificationReport.Check.precision(file.storage), in: document.verification)
    let verifier = Verifier(
      graph: document.graph, card: document.card, layerTraining: document.layerTraining,
      storage: file.storage,
      storageTolerance: stated.map { min($0, Tolerances.precision(file.storage)) },
      precision: document.source?.precision, options: options)
    let engine = try Engine(
      graph: document.graph, weights: file, options: PlanOptions(threads: options.threads))
    var report = try verifier.verify(
      weights: file, engine: engine, testCase: document.testCase, integers: try file.integerForm(),
      progress: progress)
    report.checks.insert(checksums, at: 0)
    return report
  }

  private static func checksumCheck(_ file: ZooFile) -> VerificationReport.Check {
    let name = "checksums"
    for record in file.tensors {
      do {
        try file.verifyChecksum(record)
      } catch {
        return .init(name, .failed, location: record.name, detail: error.why)
      }
    }
    return .init(
      name, .passed,
      detail: "\(file.tensors.first?.checksum.algorithm ?? "checksum") of \(file.tensors.count) tensors")
  }
}

extension Verifier.Progress {
  /// Of the batch-norm statistics, by the images that have run.
  package static func statistics(done: Int = 0, total: Int = 0) -> Verifier.Progress {
    Verifier.Progress("reading the batch-norm statistics", done: done, total: total, unit: "image")
  }
}
