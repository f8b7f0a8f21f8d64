import ZooFormat
import ZooGraph
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

/// Turns a weight file into a verified `.zoo` file.
package struct Converter: Sendable {
  package struct Options: Sendable {
    package var recipe = RecipeOptions()
    package var storage = StorageType.f32
    /// With half precision, how far any layer's output may move, of its largest value; weights that would
    /// move it farther stay in single precision.
    package var largestStorageError = Tolerances.outputs(.f16)
    /// Whether to verify before the output appears.
    package var verify = true
    package var verifier = Verifier.Options()
    /// Whether an existing output is replaced.
    package var overwrite = false
    /// Whether everything is done but the writing.
    package var dryRun = false

    package init() {}
  }

  /// What happens during a conversion, for whoever shows it.
  package enum Progress: Sendable {
    case phase(String)
    /// Bytes of tensors written and to write.
    case writing(done: Int, total: Int)
  }

  package let options: Options

  package init(options: Options = Options()) { self.options = options }

  /// Converts the file at `input`.
  ///
  /// - Parameter output: where to write.
  /// - Throws: `ZooError`; ``ZooError/Code/verificationFailed`` where a check says no, and then nothing is written.
  package func convert(
    _ input: String, to output: String, progress: (Progress) -> Void = { _ in }
  ) throws -> ConversionReport {
    if !options.dryRun && !options.overwrite { try AtomicFile.checkAbsent(output) }
    var source = try read(input, progress: progress)
    // Weights that are used only once are not kept.
    let original: any WeightSource =
      options.verify ? CachedWeights(source.recipe.weights) : source.recipe.weights
    let half = try chooseHalfPrecision(of: source.recipe, weights: original, progress: progress)
    let verified =
      options.verify ? try verify(&source, weights: original, half: half, progress: progress) : nil
    let records =
      options.dryRun
      ? [] : try write(source, to: output, weights: original, half: half, verified, progress: progress)
    return ConversionReport(
      recipe: source.recipe,
      source: sourceRecord(of: source.recipe, source.hashes, checksum: source.hashes.checksum),
      storage: options.storage, records: records,
      output: options.dryRun ? nil : output, verification: verified?.report)
  }

  // MARK: Phases

  /// A weight file and what it turned out to hold.
  private struct Source {
    /// As it was given.
    let path: String
    var recipe: Recipe
    /// Of all the files that the weights lie in.
    let hashes: SourceHashes
    /// Of the input as it was before anything was read of it; nil for a folder.
    let opened: SourceHashes?

    /// - Throws: where a file has changed while it was read.
    func checkUnchanged() throws {
      try opened?.checkUnchanged()
      try hashes.checkUnchanged()
    }
  }

  /// What a verification found, and what it leaves for later ones.
  private struct Verified {
    let report: VerificationReport
    let testCase: TestCase
  }

  private func read(_ input: String, progress: (Progress) -> Void) throws -> Source {
    progress(.phase("reading \(input)"))
    // Before anything is read of it, so that a later change shows. Of a folder, the files in it are watched.
    let opened = (try? MappedFile(path: input)).map { SourceHashes(files: [$0]) }
    var choice = options.recipe
    if options.verify { choice.hashes = opened }
    let recipe = try Recipe(path: input, options: choice)
    return Source(
      path: input, recipe: recipe, hashes: try hashes(of: recipe.file, opened: opened), opened: opened)
  }

  /// Which weights stay in single precision, where the others are stored in half.
  private func chooseHalfPrecision(
    of recipe: Recipe, weights: some WeightSource, progress: (Progress) -> Void
  ) throws -> HalfPrecision.Choice {
    guard options.storage == .f16 else { return HalfPrecision.Choice() }
    progress(.phase("choosing tensors for half precision"))
    return try HalfPrecision(
      graph: recipe.graph, preprocessing: recipe.card.preprocessing, threads: options.verifier.threads,
      largestError: options.largestStorageError
    ).choose(weights: weights)
  }

  /// Checks the weights as they will be stored, and makes the test case. Batch norms that agree become witnesses.
  private func verify(
    _ source: inout Source, weights original: any WeightSource, half: HalfPrecision.Choice,
    progress: (Progress) -> Void
  ) throws -> Verified {
    progress(.phase("preparing the engine"))
    let recipe = source.recipe
    let weights = CachedWeights(
      RoundedWeights(source: original, storage: options.storage, single: half.single))
    let engine = try Engine(
      graph: recipe.graph, weights: weights, options: PlanOptions(threads: options.verifier.threads))
    var verifierOptions = options.verifier
    verifierOptions.isPublished = Catalog.isPublished(recipe.graph)
    let verifier = Verifier(
      graph: recipe.graph, card: recipe.card, storage: options.storage, options: verifierOptions)
    var report = try verifier.verify(weights: weights, engine: engine, testCase: nil) {
      progress(.phase($0))
    }
    if let check = check(half) { report.checks.append(check) }
    guard report.passed else { throw ZooError.verificationFailed(source.path, report) }
    if report.checks.contains(where: { $0.name == BatchNormCheck.name && $0.status == .passed }) {
      let covered = recipe.graph.layersWithTestimony
      source.recipe.add(.testimony) { covered.contains($0.slot.layer) }
    }
    progress(.phase("making the test case"))
    let testCase = try TestCase.make(
      graph: recipe.graph, weights: weights, preprocessing: recipe.card.preprocessing, engine: engine,
      threads: options.verifier.threads)
    return Verified(report: report, testCase: testCase)
  }

  private func write(
    _ source: Source, to output: String, weights: some WeightSource, half: HalfPrecision.Choice,
    _ verified: Verified?, progress: (Progress) -> Void
  ) throws -> [TensorRecord] {
    let recipe = source.recipe
    let document = ZooDocument(
      graph: recipe.graph, card: recipe.card, kerasPlaces: recipe.kerasPlaces, labels: recipe.labels,
      source: sourceRecord(of: recipe, source.hashes, checksum: .zero),
      testCase: verified?.testCase, verification: verified?.report.summary ?? [:])
    return try ZooWriter(document: document, storage: options.storage, single: half.single)
      .write(
        to: output, overwrite: options.overwrite, weights: weights, source: source.hashes,
        progress: { progress(.writing(done: $0, total: $1)) }, confirm: { try source.checkUnchanged() })
  }

  /// Of all the files that `file` lies in; those of the input itself, where it is that one.
  private func hashes(of file: any WeightFile, opened: SourceHashes?) throws -> SourceHashes {
    if let opened, opened.paths == file.sourcePaths { return opened }
    return SourceHashes(
      files: try file.sourcePaths.map { path throws(ZooError) in try MappedFile(path: path) })
  }

  /// What half precision costs, for the report and the file.
  private func check(_ half: HalfPrecision.Choice) -> VerificationReport.Check? {
    guard let error = half.error else { return nil }
    let kept = half.single.isEmpty ? "" : ", \(half.single.count) tensors kept in single precision"
    return VerificationReport.Check(
      "half precision against single precision", .passed, largestError: error,
      tolerance: options.largestStorageError, detail: "all layers, on images and noise\(kept)")
  }

  /// INPUT's name with `.zoo` in the current folder.
  package static func defaultOutput(for input: String) -> String {
    var name = lastComponent(of: input)
    for suffix in [".weights.h5", ".h5", ".hdf5", ".keras", ".npz", ".safetensors", ".zoo"]
    where name.lowercased().hasSuffix(suffix) && name.count > suffix.count {
      name.removeLast(suffix.count)
      break
    }
    return name + ".zoo"
  }

  /// Where the weights come from; several files are known by their bytes one after the other.
  private func sourceRecord(of recipe: Recipe, _ source: SourceHashes, checksum: Checksum) -> SourceRecord {
    SourceRecord(
      file: Self.lastComponent(of: recipe.file.path), sha256: checksum.hexadecimal,
      bytes: source.byteCount,
      writer: recipe.file.writer ?? "unknown", layout: recipe.file.layout.rawValue)
  }

  private static func lastComponent(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// The report of a verification that said no: the underlying error of a ``ZooError`` with the code
/// ``ZooError/Code/verificationFailed``.
package struct VerificationFailure: Error {
  package let report: VerificationReport
}

extension ZooError {
  /// A verification of `file` that said no.
  package static func verificationFailed(_ file: String, _ report: VerificationReport) -> ZooError {
    let check = report.firstFailure
    let why: String =
      switch (check, check?.largestError, check?.tolerance) {
      case (let check?, let error?, let tolerance?):
        "\(check.name): error \(significant(error)), at most \(significant(tolerance)) allowed (\(check.detail))"
      case (let check?, _, _): "\(check.name): \(check.detail)"
      case (nil, _, _): "unknown"
      }
    return ZooError(
      .verificationFailed, what: "verification failed",
      at: check?.location.map { "\(file), '\($0)'" } ?? file, why,
      underlyingError: VerificationFailure(report: report))
  }
}
