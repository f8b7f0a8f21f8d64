import ZooCompression
import ZooFormat
import ZooGraph
import ZooImages
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

/// Turns a weight file into a verified `.zoo` file.
public struct Converter: Sendable {
  /// What to convert to, and what to check before the output appears.
  public struct Options: Sendable {
    /// What is stated about the file in place of what would be found in it.
    public var recipe = RecipeOptions()
    /// How weights are stored.
    public var storage = StorageType.f32
    /// With other types than `f32`, how far any layer's output may move, of its largest value; layers that would move
    /// it farther are stored more exactly. Nil: what suits the type, ``largestStorageError(of:)``.
    public var largestStorageError: Double?
    /// A size or an error that the file has to keep to; then each tensor gets the type that suits it, whatever ``storage``
    /// says.
    public var fit: FitTarget?
    /// Whether the network is to be computed with activations of 8 bits, too; that asks for weights of the type `int8`.
    public var integerActivations = false
    /// With ``integerActivations``, how far outputs may move: the root of the mean square of their differences over their
    /// deviation, of logits where the network ends in probabilities. Layers that move them farther are computed in floats.
    public var largestOutputError = Tolerances.integerOutputs
    /// With ``integerActivations`` or ``fit``, pictures or folders of them to try it on; synthetic ones where there is none.
    public var images: [String] = []
    /// Whether the bytes of stored weights are coded without loss. Such a file takes less room, but its weights have to
    /// be decoded before they are used.
    public var compress = false
    /// Whether to verify before the output appears.
    public var verify = true
    /// How it is verified.
    public var verifier = Verifier.Options()
    /// Whether an existing output is replaced.
    public var overwrite = false
    /// Whether everything is done but the writing.
    public var dryRun = false
    /// Whether a warning is an error.
    public var isStrict = false

    /// Single precision, verified, and nothing replaced.
    public init() {}

    /// How far weights of a type may move any layer's output, of its largest value, where nothing else is stated.
    public static func largestStorageError(of storage: StorageType) -> Double {
      Tolerances.precision(storage)
    }

    /// How far layers may move. What is computed on codes has codes for kernels, and ``largestOutputError`` limits all of
    /// it.
    var tolerance: Double {
      largestStorageError ?? (integerActivations ? Tolerances.codedKernels : Tolerances.precision(storage))
    }
  }

  /// What happens during a conversion, for whoever shows it.
  public enum Progress: Sendable {
    /// A phase begins.
    case phase(String)
    /// A check begins or goes on.
    case verifying(Verifier.Progress)
    /// Bytes of tensors written and to write.
    case writing(done: Int, total: Int)
  }

  /// What it converts to.
  public let options: Options

  /// A converter for any number of files.
  public init(options: Options = Options()) { self.options = options }

  /// Converts the file at `input`.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - input: a weight file or a `.zoo` file, recognised by its content.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.verificationFailed` where a check says no, `ZooError.Code.warned`
  ///   where
  ///   there is a warning and they are errors. Then nothing is written.
  public func convert(
    _ input: String, to output: String, progress: (Progress) -> Void = { _ in }
  ) throws(ZooError) -> ConversionReport {
    let start = ContinuousClock.now
    var report = try ZooError.wrap { try converted(input, to: output, progress: progress) }
    report.seconds = (ContinuousClock.now - start).seconds
    return report
  }

  private func converted(
    _ input: String, to output: String, progress: (Progress) -> Void
  ) throws -> ConversionReport {
    if !options.dryRun { try AtomicFile.checkPossible(output, overwrite: options.overwrite) }
    var source = try read(input, progress: progress)
    try Cancellation.check()
    let read = weights(of: source.recipe)
    if options.verify, source.recipe.preprocessingOrigin == .unknown {
      try findPreprocessing(of: &source.recipe, weights: read, progress: progress)
    }
    source.faults = try WeightFault.all(of: source.recipe.graph, weights: read)
    let forms = try chooseForms(of: source.recipe, weights: read, progress: progress)
    source.recipe = forms.recipe
    let (original, integers) = (forms.weights, forms.integers)
    var precision = forms.precision
    try Cancellation.check()
    let verified =
      options.verify
      ? try verify(&source, weights: original, precision: &precision, integers, progress: progress) : nil
    func report(_ records: [TensorRecord], checksum: Checksum, output: String?) -> ConversionReport {
      ConversionReport(
        recipe: source.recipe, source: sourceRecord(of: source.recipe, source.hashes, checksum: checksum),
        faults: source.faults, storage: storage(precision), choice: precision, integers: integers,
        records: records, output: output,
        verification: verified?.report, largestStorageError: tolerance(precision))
    }
    if options.isStrict {
      let warnings = report([], checksum: .zero, output: nil).warnings
      guard warnings.isEmpty else {
        throw ZooError(
          .warned, what: "warnings are errors", at: input, warnings.joined(separator: "; "),
          remedy: "Without --strict, it is converted all the same.")
      }
    }
    try Cancellation.check()
    let records =
      options.dryRun
      ? []
      : try write(
        source, to: output, weights: original, plan: precision.plan, integers?.record, verified,
        progress: progress)
    return report(records, checksum: source.hashes.checksum, output: options.dryRun ? nil : output)
  }

  // MARK: Phases

  /// A weight file and what it turned out to hold.
  private struct Source {
    /// As it was given.
    let path: String
    var recipe: Recipe
    /// Of all the files that the weights lie in.
    let hashes: SourceHashes
    /// Weights whose values make outputs no numbers.
    var faults: [WeightFault] = []
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
    /// Nil where outputs are no numbers, which a file can't hold.
    let testCase: TestCase?
  }

  private func read(_ input: String, progress: (Progress) -> Void) throws -> Source {
    progress(.phase("reading \(input)"))
    // Before anything is read of it, so that a later change shows. Of a folder, the files in it are watched.
    let opened = (try? MappedFile(path: input)).map { SourceHashes(files: [$0]) }
    var choice = options.recipe
    if options.verify { choice.hashes = opened }
    let recipe = try recipe(input, choice)
    return Source(
      path: input, recipe: recipe, hashes: try hashes(of: recipe.file, opened: opened), opened: opened)
  }

  /// The recipe, with the input size of the recorded inputs where neither a person nor the file says it.
  private func recipe(_ input: String, _ choice: RecipeOptions) throws -> Recipe {
    guard choice.inputSize == nil, let path = options.verifier.ioPath,
      let size = IOComparison.inputSize(path: path)
    else { return try Recipe(path: input, options: choice) }
    var sized = choice
    sized.inputSize = size
    func withSize() throws -> Recipe {
      var recipe = try Recipe(path: input, options: sized)
      recipe.explanation += "; input size \(size.height)x\(size.width), as in \(path)"
      return recipe
    }
    do {
      let recipe = try Recipe(path: input, options: choice)
      let shape = recipe.graph[recipe.graph.inputs[0]].shape
      guard !recipe.usesConfiguration || recipe.leavesSizeOpen, shape.rank == 3,
        shape.dimensions.prefix(2) != [size.height, size.width]
      else { return recipe }
      // Weights of a network that takes one size alone keep theirs.
      return (try? withSize()) ?? recipe
    } catch let error as ZooError where error.code == .openInputSize {
      return try withSize()
    }
  }

  /// What can be done where `check` says no, if anything is known.
  private static func remedy(for check: VerificationReport.Check) -> String? {
    guard check.name == BatchNormCheck.name else { return nil }
    return "Weights that learned while batch norms were frozen may be right all the same: then set "
      + "Converter.Options.verify to false."
  }

  /// Takes the preprocessing that the batch norms testify for, where nobody stated one. Returns whether they
  /// do.
  @discardableResult
  private func findPreprocessing(
    of recipe: inout Recipe, weights: some WeightSource, progress: (Progress) -> Void
  ) throws -> Bool {
    let found = try withoutActuallyEscaping(progress) { progress in
      let check = BatchNormCheck(
        graph: recipe.graph, card: recipe.card, layerTraining: recipe.layerTraining,
        images: options.verifier.images, threads: options.verifier.threads,
        progress: { progress(.verifying(.statistics(done: $0, total: $1))) })
      return try check.foundPreprocessing(weights: weights)
    }
    guard let found else { return false }
    recipe.card.preprocessing = found
    recipe.preprocessingOrigin = .testimony
    return true
  }

  /// Those of the file. What is used only once is not kept.
  private func weights(of recipe: Recipe) -> any WeightSource {
    options.verify ? CachedWeights(recipe.weights) : recipe.weights
  }

  /// A network with how it is stored and computed.
  private struct Forms {
    var recipe: Recipe
    var weights: any WeightSource
    var precision: PrecisionChoice
    var integers: IntegerSearch.Choice?
  }

  private func chooseForms(
    of recipe: Recipe, weights: any WeightSource, progress: (Progress) -> Void
  ) throws -> Forms {
    if let split = try chooseSplitForms(of: recipe, progress: progress) { return split }
    let precision = try choosePrecision(of: recipe, weights: weights, progress: progress)
    let integers = try chooseIntegers(recipe, precision.plan, weights: weights, progress: progress)
    return Forms(recipe: recipe, weights: weights, precision: precision, integers: integers)
  }

  /// With each separable convolution as two layers, so that what lies between them is in codes too; nil where most layers
  /// would stay on floats all the same, for which a layer is faster as a whole.
  private func chooseSplitForms(of recipe: Recipe, progress: (Progress) -> Void) throws -> Forms? {
    guard options.integerActivations, SplitGraph.applies(to: recipe.graph) else { return nil }
    var split = recipe
    try split.splitSeparableConvolutions()
    let weights = weights(of: split)
    do {
      let precision = try choosePrecision(of: split, weights: weights, progress: progress)
      let integers = try chooseIntegers(split, precision.plan, weights: weights, progress: progress)
      guard let integers, integers.isMostlyOnCodes else { return nil }
      return Forms(recipe: split, weights: weights, precision: precision, integers: integers)
    } catch let error as ZooError where error.code == .unsuitable {
      return nil
    }
  }

  /// How each weight is stored.
  private func choosePrecision(
    of recipe: Recipe, weights: some WeightSource, progress: (Progress) -> Void
  ) throws -> PrecisionChoice {
    if let fit = options.fit {
      return try PrecisionFit(
        graph: recipe.graph, preprocessing: recipe.card.preprocessing, threads: options.verifier.threads,
        images: try imageFiles(), target: fit, headerAllowance: document(of: recipe).headerAllowance
      ).choose(weights: weights) { progress(.phase("trying layers in smaller types: \($0) of \($1)")) }
    }
    guard options.storage != .f32 else { return PrecisionChoice() }
    let name = options.storage == .f16 ? "half precision" : options.storage.rawValue
    progress(.phase("choosing tensors for \(name)"))
    return try PrecisionSearch(
      graph: recipe.graph, preprocessing: recipe.card.preprocessing, threads: options.verifier.threads,
      storage: options.storage, largestError: options.tolerance,
      areActivationsCodes: options.integerActivations
    ).choose(weights: weights)
  }

  /// How it is computed on codes of 8 bits, if that is wanted.
  private func chooseIntegers(
    _ recipe: Recipe, _ plan: StoragePlan, weights: any WeightSource, progress: (Progress) -> Void
  ) throws -> IntegerSearch.Choice? {
    guard options.integerActivations else { return nil }
    progress(.phase("choosing layers for 8 bits"))
    return try IntegerSearch(
      graph: recipe.graph, preprocessing: recipe.card.preprocessing, threads: options.verifier.threads,
      images: try imageFiles(), largestError: options.largestOutputError
    ).choose(weights: CachedWeights(PlannedWeights(source: weights, plan: plan)), original: weights)
  }

  private func imageFiles() throws -> [String] {
    try options.images.flatMap { isFolder($0) ? try ImageFolder.images(in: $0) : [$0] }
  }

  /// The type that weights are stored in as far as they may be.
  private func storage(_ choice: PrecisionChoice) -> StorageType {
    options.fit == nil ? options.storage : choice.plan.storage
  }

  /// How far storing may move layers. Where a size or an error decides, that is what the type usually may, if it keeps
  /// to it.
  private func tolerance(_ choice: PrecisionChoice) -> Double {
    options.fit == nil ? options.tolerance : Tolerances.precision(storage(choice))
  }

  /// Checks the weights as they will be stored, and makes the test case. Batch norms that agree become
  /// witnesses.
  private func verify(
    _ source: inout Source, weights original: any WeightSource, precision: inout PrecisionChoice,
    _ integers: IntegerSearch.Choice?, progress: (Progress) -> Void
  ) throws -> Verified {
    progress(.phase("preparing the engine"))
    let recipe = source.recipe
    let weights = CachedWeights(
      PlannedWeights(source: original, plan: precision.plan))
    let engine = try Engine(
      graph: recipe.graph, weights: weights, options: PlanOptions(threads: options.verifier.threads))
    let verifier = Verifier(
      graph: recipe.graph, card: recipe.card, layerTraining: recipe.layerTraining,
      storage: storage(precision),
      storageTolerance: precision.error == nil ? nil : tolerance(precision),
      precision: recipe.precision, options: options.verifier)
    let form = try integers?.record.form(of: recipe.graph, weights: weights)
    var report: VerificationReport
    do {
      report = try verifier.verify(weights: weights, engine: engine, testCase: nil, integers: form) {
        progress(.verifying($0))
      }
    } catch let error as ZooError where error.code == .doesNotFit && recipe.leavesOutLayers {
      throw ZooError(
        error.code, what: error.what, at: error.location, error.why,
        remedy:
          "\(recipe.binding.unused.count) tensors of layers of the model's own are left out. If y is the whole "
          + "model's output, convert that with --config MODEL.json.")
    }
    let statistics = report.checks.first { $0.name == BatchNormCheck.name }
    if recipe.preprocessingOrigin.yieldsToTestimony, statistics?.status != .passed,
      try findPreprocessing(of: &source.recipe, weights: original, progress: progress)
    {
      precision = try choosePrecision(of: source.recipe, weights: original, progress: progress)
      return try verify(&source, weights: original, precision: &precision, integers, progress: progress)
    }
    if let check = check(precision) { report.checks.append(check) }
    if let integers { report.checks.append(check(integers)) }
    if let failure = report.failure(of: source.path, remedy: Self.remedy) {
      guard let fault = source.faults.first else { throw failure }
      throw failure.relocated(to: failure.location, why: "\(failure.why); \(fault.text)")
    }
    if statistics?.status == .passed {
      let covered = recipe.graph.layersWithTestimony
      source.recipe.add(.testimony) { covered.contains($0.slot.layer) }
    }
    progress(.phase("making the test case"))
    let runner =
      try form.map { form in
        try Engine(
          graph: recipe.graph, weights: weights,
          options: PlanOptions(threads: options.verifier.threads, integers: form))
      } ?? engine
    let testCase = try TestCase.make(
      graph: recipe.graph, weights: weights, preprocessing: recipe.card.preprocessing, engine: runner,
      threads: options.verifier.threads, isInteger: form != nil)
    return Verified(report: report, testCase: testCase.isFinite ? testCase : nil)
  }

  private func write(
    _ source: Source, to output: String, weights: some WeightSource, plan: StoragePlan,
    _ integers: IntegerRecord?,
    _ verified: Verified?, progress: (Progress) -> Void
  ) throws -> [TensorRecord] {
    let recipe = source.recipe
    var document = document(of: recipe)
    document.source = sourceRecord(of: recipe, source.hashes, checksum: .zero)
    document.testCase = verified?.testCase
    document.verification = verified?.report.summary ?? [:]
    document.integers = integers
    var plan = plan
    if options.compress { plan.frames = Zstandard.shared }
    let largestLength = if case .bytes(let limit) = options.fit { limit } else { Int.max }
    return try ZooWriter(document: document, plan: plan)
      .write(
        to: output, overwrite: options.overwrite, weights: weights, source: source.hashes,
        largestLength: largestLength,
        progress: { progress(.writing(done: $0, total: $1)) }, confirm: { try source.checkUnchanged() })
  }

  /// What the file says, but for the source, the test case and what checks found.
  private func document(of recipe: Recipe) -> ZooDocument {
    ZooDocument(
      graph: recipe.graph, card: recipe.card, kerasPlaces: recipe.kerasPlaces, labels: recipe.labels,
      layerTraining: recipe.layerTraining)
  }

  /// Of all the files that `file` lies in; those of the input itself, where it is that one.
  private func hashes(of file: any WeightFile, opened: SourceHashes?) throws -> SourceHashes {
    if let opened, opened.paths == file.sourcePaths { return opened }
    return SourceHashes(
      files: try file.sourcePaths.map { path throws(ZooError) in try MappedFile(path: path) })
  }

  /// What the smaller type costs, for the report and the file.
  private func check(_ choice: PrecisionChoice) -> VerificationReport.Check? {
    let (storage, tolerance) = (storage(choice), tolerance(choice))
    guard let error = choice.error, storage != .f32 else { return nil }
    var details = ["all layers, on images and noise"]
    if let outputs = choice.outputError, storage != .f16 || options.fit != nil {
      var text = "outputs by \(significant(outputs)) of their deviation"
      if let trials = choice.trials { text += " on \(trials)" }
      details.append(text)
    }
    if choice.singleCount > 0 {
      details.append("\(counted(choice.singleCount, "tensor")) kept in single precision")
    }
    return VerificationReport.Check(
      VerificationReport.Check.precision(storage), .passed, largestError: error,
      // A size that was asked for may take more than is usual.
      tolerance: error <= tolerance ? tolerance : nil, detail: details.joined(separator: ", "))
  }

  /// The most layers that a check names.
  private static let nameLimit = 8

  /// What computing on codes of 8 bits costs.
  private func check(_ choice: IntegerSearch.Choice) -> VerificationReport.Check {
    var detail = "outputs of \(choice.integerLayers) layers on \(choice.trials), of their deviation"
    if !choice.givenBack.isEmpty {
      let others = choice.givenBack.count - Self.nameLimit
      detail += "; in floats: \(choice.givenBack.prefix(Self.nameLimit).joined(separator: ", "))"
      if others > 0 { detail += " and \(others) more" }
    }
    return VerificationReport.Check(
      VerificationReport.Check.integers, .passed, largestError: choice.error,
      tolerance: options.largestOutputError, detail: detail)
  }

  /// INPUT's name with `.zoo` in the current folder.
  public static func defaultOutput(for input: String) -> String {
    var name = lastComponent(of: input)
    for suffix in [".weights.h5", ".h5", ".hdf5", ".keras", ".npz", ".safetensors", ".pth", ".pt", ".zoo"]
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
      writer: recipe.file.writer ?? "unknown", layout: recipe.file.layout.rawValue, lambdas: recipe.lambdas,
      precision: recipe.precision)
  }

  private static func lastComponent(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
