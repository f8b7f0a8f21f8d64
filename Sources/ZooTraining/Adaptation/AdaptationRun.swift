import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor

/// One adaptation, from pictures to the file.
struct AdaptationRun {
  let adaptation: BatchNormAdaptation
  let dataset: ImageDataset
  let name: String

  private var options: BatchNormAdaptation.Options { adaptation.options }
  private var model: ZooFile { adaptation.model }

  /// So many pictures are in the network at a time: early maps are large.
  private static let batch = 8
  /// Decoded pictures are kept for later passes if they take no more bytes.
  private static let memory = 1 << 29

  func run(
    to output: String, progress: (BatchNormAdaptation.Progress) -> Void
  ) throws -> AdaptationReport {
    let start = ContinuousClock.now
    guard (0...1).contains(options.weight) else {
      throw ZooError(
        .invalidArgument, what: "cannot adapt", at: "the options",
        "the weight of new statistics is \(options.weight), expected 0 to 1")
    }
    let graph = model.document.graph
    let groups = try BatchNorm.groups(of: graph, path: model.path)
    guard !groups.isEmpty else {
      throw ZooError(
        .unsuitable, what: "no batch norms", at: model.path, "there are no statistics to adapt to pictures")
    }
    let (match, unmeasured) = try match()
    let pictures = try Pictures(of: dataset.examples, runner: runner(graph, model))
    guard pictures.examples.count >= BatchNormAdaptation.leastPictures else {
      throw ZooError(
        .unsuitable, what: "too few pictures", at: name,
        "\(pictures.examples.count) can be read, and statistics need \(BatchNormAdaptation.leastPictures)")
    }
    let before = try match.map { try answers($0, pictures, weights: model, progress: progress) }
    var own: [WeightSlot: StoredTensor] = [:]
    var norms: [AdaptationReport.Norm] = []
    for (pass, group) in groups.enumerated() {
      let sums = try measure(group, pictures, weights: ChangedWeights(of: model, own: own)) {
        progress(.pictures(pass: pass + 1, passes: groups.count, done: $0, total: pictures.examples.count))
      }
      for (norm, sums) in zip(group, sums) { norms.append(try adapt(norm, sums, &own)) }
    }
    let weights = ChangedWeights(of: model, own: own)
    let measured = try match.flatMap { match -> AdaptationReport.Measured? in
      guard let before else { return nil }
      return Self.compare(before, try answers(match, pictures, weights: weights, progress: progress))
    }
    let verification = try ModelAssembly(
      document: document(pictures, norms.map(\.layer), measured), weights: weights,
      plan: model.storagePlan()
    ).write(to: output, overwrite: options.overwrite) {
      progress(.verifying($0))
    } writing: {
      progress(.writing(done: $0, total: $1))
    }
    return AdaptationReport(
      model: model.path, output: output, data: name, pictures: pictures.examples.count,
      unreadable: pictures.unreadable, weight: options.weight, passes: groups.count,
      norms: norms.sorted { ($1.meanShift, $0.layer) < ($0.meanShift, $1.layer) }, measured: measured,
      unmeasured: measured == nil ? unmeasured : nil, warnings: dataset.warnings, verification: verification,
      seconds: (ContinuousClock.now - start).seconds)
  }

  // MARK: Pictures

  private func runner(_ graph: Graph, _ weights: some WeightSource) throws -> PictureRunner {
    try PictureRunner(
      graph: graph, weights: weights, preprocessing: model.document.card.preprocessing, path: model.path,
      options: .init(fitting: options.fitting, isUpright: options.isUpright, threads: options.threads))
  }

  /// The pictures that can be read, decoded where there is room for all.
  private final class Pictures {
    let examples: [ImageDataset.Example]
    let hashes: [XXH3Hasher.Digest]
    let unreadable: [TrainingReport.Data.Unreadable]
    private let loader: PictureLoader
    private var images: [Image] = []

    init(of examples: [ImageDataset.Example], runner: PictureRunner) throws {
      loader = runner.loader
      var read: [ImageDataset.Example] = []
      var hashes: [XXH3Hasher.Digest] = []
      var unreadable: [TrainingReport.Data.Unreadable] = []
      let isKept = examples.count <= AdaptationRun.memory / (3 * loader.height * loader.width)
      for start in stride(from: 0, to: examples.count, by: PictureRunner.batch) {
        try Cancellation.check()
        let some = Array(examples[start..<min(start + PictureRunner.batch, examples.count)])
        for (example, result) in zip(some, try Self.load(some, by: loader)) {
          switch result {
          case .failure(let error): unreadable.append(.init(picture: example.name, reason: error.why))
          case .success(let loaded):
            read.append(example)
            hashes.append(loaded.contentHash)
            if isKept { images += loaded.views }
          }
        }
      }
      self.examples = read
      self.hashes = hashes
      self.unreadable = unreadable
    }

    private static func load(
      _ examples: [ImageDataset.Example], by loader: PictureLoader
    ) throws(ZooError) -> [Result<PictureLoader.Loaded, ZooError>] {
      try loader.load(examples.map(\.path)) { _, _ in PictureLoader.Request(fingerprint: false) }
    }

    /// Calls `body` with some pictures after another, in their order.
    func forEachBatch(progress: (Int) -> Void, _ body: ([Image]) throws -> Void) throws {
      for start in stride(from: 0, to: examples.count, by: AdaptationRun.batch) {
        try Cancellation.check()
        progress(start)
        let range = start..<min(start + AdaptationRun.batch, examples.count)
        try body(
          images.isEmpty
            ? try Self.load(Array(examples[range]), by: loader).flatMap { try $0.get().views }
            : Array(images[range]))
      }
      progress(examples.count)
    }
  }

  // MARK: Statistics

  private func measure(
    _ group: [BatchNorm], _ pictures: Pictures, weights: ChangedWeights, progress: (Int) -> Void
  ) throws -> [NormSums] {
    var sums = try group.map { NormSums(shift: try weights.tensor(for: $0.mean).doubles()) }
    // Norms of one group may read the same value.
    var taps: [Value] = []
    for input in group.flatMap(\.inputs) where !taps.contains(input) { taps.append(input) }
    let runner = try runner(try model.document.graph.cut(to: taps), weights)
    try pictures.forEachBatch(progress: progress) { images in
      let outputs = try runner.run(images)
      for (place, norm) in group.enumerated() {
        for input in norm.inputs {
          guard let tap = taps.firstIndex(of: input) else { continue }
          for values in outputs[tap] { sums[place].add(values) }
        }
      }
    }
    return sums
  }

  /// Puts the new statistics into the place of the old ones.
  private func adapt(
    _ norm: BatchNorm, _ sums: NormSums, _ own: inout [WeightSlot: StoredTensor]
  ) throws -> AdaptationReport.Norm {
    let old = (
      mean: try model.tensor(for: norm.mean).doubles(),
      variance: try model.tensor(for: norm.variance).doubles()
    )
    func blend(_ old: [Double], _ new: [Double]) -> [Double] {
      zip(old, new).map { (1 - options.weight) * $0 + options.weight * $1 }
    }
    let (mean, variance) = (blend(old.mean, sums.mean), blend(old.variance, sums.variance))
    guard (mean + variance).allSatisfy(\.isFinite) else {
      throw ZooError(
        .cannotRun, what: "no statistics", at: "\(model.path), layer '\(norm.layer)'",
        "a value that it reads is not finite")
    }
    own[norm.mean] = StoredTensor(shape: norm.mean.shape, values: mean.map(Float.init))
    own[norm.variance] = StoredTensor(shape: norm.variance.shape, values: variance.map(Float.init))
    var (shifts, ratios) = ([Double](), 0.0)
    for channel in mean.indices {
      let spread = max(old.variance[channel] + norm.epsilon, .leastNormalMagnitude)
      shifts.append(abs(mean[channel] - old.mean[channel]) / spread.squareRoot())
      ratios += log(max(variance[channel] + norm.epsilon, .leastNormalMagnitude) / spread)
    }
    let channels = Double(mean.count)
    return AdaptationReport.Norm(
      layer: norm.layer, channels: mean.count, meanShift: shifts.reduce(0, +) / channels,
      largestShift: shifts.max() ?? 0, varianceRatio: exp(ratios / channels))
  }

  // MARK: Whether it helps

  /// The task whose labels can measure it, or why there is none.
  private func match() throws(ZooError) -> (TaskMatch?, reason: String) {
    let none = "the pictures have no labels"
    guard !dataset.tasks.isEmpty else {
      guard !options.requiresLabels else { throw ZooError(.doesNotFit, what: "no labels", at: name, none) }
      return (nil, none)
    }
    do throws(ZooError) {
      let matches = try TaskMatch.all(model: model, dataset: dataset)
      guard let match = matches.first(where: { $0.task.kind == .classes }) else {
        throw ZooError(.doesNotFit, what: "no classes", at: name, "what model and data share are no classes")
      }
      return (match, "")
    } catch {
      guard !options.requiresLabels else { throw error }
      return (nil, "the labels don't fit the model's: \(error.why)")
    }
  }

  /// Of each picture with a known class, whether it is right.
  private func answers(
    _ match: TaskMatch, _ pictures: Pictures, weights: some WeightSource,
    progress: (BatchNormAdaptation.Progress) -> Void
  ) throws -> [Bool] {
    let runner = try runner(model.document.graph, weights)
    var rows: [[Double]] = []
    try pictures.forEachBatch {
      progress(.measuring(done: $0, total: pictures.examples.count))
    } _: { images in
      rows += try runner.run(images)[match.output].map { match.scores(of: [$0]) }
    }
    return zip(pictures.examples, rows).compactMap { example, scores in
      guard case .classIndex(let index) = match.renamed(example).targets[0] else { return nil }
      return Scores.largest(scores, outputs: scores.count)[0] == index
    }
  }

  private static func compare(_ before: [Bool], _ after: [Bool]) -> AdaptationReport.Measured? {
    guard !before.isEmpty else { return nil }
    func interval(_ answers: [Bool]) -> TrainingReport.Measured.Interval {
      .init(Estimate(share: answers.count { $0 }, of: answers.count))
    }
    let comparison = PairedComparison(first: before, second: after)
    let isReal = comparison.probability < BackboneChoice.significance
    return AdaptationReport.Measured(
      pictures: before.count, before: interval(before), after: interval(after), lost: comparison.firstOnly,
      won: comparison.secondOnly, probability: comparison.probability,
      verdict: !isReal ? .same : comparison.difference < 0 ? .better : .worse)
  }

  // MARK: The file

  /// - Parameter layers: those whose statistics were measured.
  private func document(
    _ pictures: Pictures, _ layers: [String], _ measured: AdaptationReport.Measured?
  ) -> ZooDocument {
    var document = model.document
    // Ranges follow from statistics that are no longer true.
    document.integers = nil
    let name = name.onOneLine
    let text = "of \(pictures.examples.count) pictures of \(name), weight \(options.weight)"
    var record =
      document.training
      ?? TrainingRecord(
        backbone: model.path.split(separator: "/").last.map(String.init) ?? model.path,
        backboneContent: model.contentHash?.hexadecimal ?? String(repeating: "0", count: 64), layers: [],
        data: name,
        dataChecksum: Checksum(
          of: pictures.hashes.map { String($0.high, radix: 16) + " " + String($0.low, radix: 16) }.sorted()
            .joined(separator: "\n")
        ).hexadecimal, pictureCount: pictures.examples.count, tasks: [],
        pixels: TrainingRecord.Pixels(
          resampling: options.fitting.resampling.rawValue, crop: options.fitting.crop.name,
          isUpright: options.isUpright))
    record.settings["statistics of batch norms"] = text
    if options.weight == 1 {
      for layer in layers { document.layerTraining[layer]?.hasOldStatistics = false }
      document.layerTraining = document.layerTraining.filter { !$0.value.isUsual }
    }
    // What was measured before is no longer true.
    record.results = [:]
    document.card.accuracy = nil
    if let measured {
      record.results = [
        "accuracy": measured.after.value, "accuracy before": measured.before.value,
        "pictures": Double(measured.pictures),
      ]
      document.card.accuracy =
        "\(decimal(measured.after.value * 100, 1)) % (\(decimal(measured.after.low * 100, 1)) to "
        + "\(decimal(measured.after.high * 100, 1))) of \(grouped(measured.pictures)) pictures of \(name)"
    }
    document.card.trainingData =
      (document.card.trainingData.map { "\($0), then " } ?? "") + "batch-norm statistics \(text)"
    document.training = record
    return document
  }
}
