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
    package var largestStorageError = StorageType.f16.relativeTolerance
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
  /// - Throws: `ZooError`, `ZooError`, `ZooError`, `ZooError`;
  ///   ``ZooError/Code/verificationFailed`` where a check says no, and then nothing is written.
  package func convert(
    _ input: String, to output: String, progress: (Progress) -> Void = { _ in }
  ) throws -> ConversionReport {
    if !options.dryRun && !options.overwrite { try AtomicFile.checkAbsent(output) }
    progress(.phase("reading \(input)"))
    // Before anything is read of it, so that a later change shows. Of a folder, the files in it are watched.
    let opened = (try? MappedFile(path: input)).map { SourceHashes(files: [$0]) }
    var choice = options.recipe
    if options.verify { choice.hashes = opened }
    var recipe = try Recipe(path: input, options: choice)
    let source = try hashes(of: recipe.file, opened: opened)
    // Weights that are used only once are not kept.
    let original: any WeightSource = options.verify ? CachedWeights(recipe.weights) : recipe.weights
    var half = HalfPrecision.Choice()
    if options.storage == .f16 {
      progress(.phase("choosing tensors for half precision"))
      half = try HalfPrecision(
        graph: recipe.graph, preprocessing: recipe.card.preprocessing, threads: options.verifier.threads,
        largestError: options.largestStorageError
      ).choose(weights: original)
    }

    var records: [TensorRecord] = []
    var verification: VerificationReport?
    var testCase: TestCase?
    if options.verify {
      progress(.phase("preparing the engine"))
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
      guard report.passed else { throw ZooError.verificationFailed(input, report) }
      if report.checks.contains(where: { $0.name == BatchNormCheck.name && $0.status == .passed }) {
        let covered = recipe.graph.layersWithTestimony
        recipe.add(.testimony) { covered.contains($0.slot.layer) }
      }
      progress(.phase("making the test case"))
      testCase = try TestCase.make(
        graph: recipe.graph, weights: weights, preprocessing: recipe.card.preprocessing, engine: engine,
        threads: options.verifier.threads)
      verification = report
    }

    if !options.dryRun {
      let document = ZooDocument(
        graph: recipe.graph, card: recipe.card, kerasPlaces: recipe.kerasPlaces, labels: recipe.labels,
        source: sourceRecord(of: recipe, source, checksum: .zero),
        testCase: testCase, verification: verification?.summary ?? [:])
      records = try ZooWriter(document: document, storage: options.storage, single: half.single)
        .write(
          to: output, overwrite: options.overwrite, weights: original,
          source: source, progress: { progress(.writing(done: $0, total: $1)) },
          confirm: {
            try opened?.checkUnchanged()
            try source.checkUnchanged()
          })
    }
    return ConversionReport(
      recipe: recipe,
      source: sourceRecord(of: recipe, source, checksum: source.checksum),
      storage: options.storage, records: records,
      output: options.dryRun ? nil : output, verification: verification)
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
