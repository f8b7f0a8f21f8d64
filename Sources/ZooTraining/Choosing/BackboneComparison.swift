import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor

/// One comparison of backbones.
struct BackboneComparison {
  let chooser: BackboneChooser
  let dataset: ImageDataset
  let name: String

  private var options: BackboneChooser.Options { chooser.options }

  /// A candidate, and which pictures its head gets right.
  private struct Measured {
    var candidate: BackboneChoice.Candidate
    let isRight: [Bool]
  }

  /// The pictures that are used, the same for all backbones.
  private struct Pictures {
    let examples: [ImageDataset.Example]
    let labels: [Int]
    /// For each picture its part of cross-validation.
    let folds: [Int]
  }

  func run(progress: (BackboneChooser.Progress) -> Void) throws -> BackboneChoice {
    let start = ContinuousClock.now
    guard let place = dataset.tasks.firstIndex(where: { $0.kind == .classes }) else {
      throw ZooError(
        .unsuitable, what: "no classes", at: name,
        "backbones are compared by how well classes are told apart, and the data have none")
    }
    let examples = dataset.examples.filter { $0.part != .test && $0.targets[place] != .missing }
    // Whatever a file lacks is found before anything is computed.
    let extractors = try chooser.backbones.map(extractor)
    var pictures: Pictures?
    var measured: [Measured] = []
    var unreadable: [TrainingReport.Data.Unreadable] = []
    var warnings = dataset.warnings
    for extractor in extractors {
      let path = extractor.backbone.path
      let features = try extractor.features(of: examples.map(\.path)) {
        progress(.pictures(model: path, done: $0, total: $1))
      }
      if let failure = extractor.cacheFailure { warnings.append("features are not kept: \(failure)") }
      if pictures == nil {
        unreadable = features.failures.map {
          .init(picture: examples[$0.index].name, reason: $0.error.why)
        }
        pictures = try self.pictures(features, of: examples, place: place)
      }
      guard let pictures else { continue }
      // A file that changed between two backbones.
      guard features.indices.count == pictures.examples.count else {
        throw ZooError(
          .unsuitable, what: "pictures changed", at: name,
          "\(features.indices.count) can be read now, \(pictures.examples.count) could before")
      }
      if extractor.backbone.document.card.preprocessing == .unknown {
        warnings.append(
          "\(path) does not say how pixels are preprocessed, so 0…255 go in as they are, and it may look worse "
            + "than it is; zoo convert --preprocessing states it")
      }
      measured += try measure(
        extractor, features.matrix, pictures, task: dataset.tasks[place], progress: progress)
    }
    guard let pictures else {
      throw ZooError(.invalidArgument, what: "no backbones", at: name, "there is nothing to compare")
    }
    let (candidates, reason) = Self.ranked(measured)
    let counts = pictures.labels.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    return BackboneChoice(
      data: name, task: dataset.tasks[place].name, classes: dataset.tasks[place].classNames.count,
      pictures: pictures.examples.count,
      largestClass: Double(counts.values.max() ?? 0) / Double(pictures.examples.count),
      unreadable: unreadable, folds: Set(pictures.folds).count, threads: options.threads, warnings: warnings,
      candidates: candidates, reason: reason, seconds: (ContinuousClock.now - start).seconds)
  }

  // MARK: Features

  private func extractor(_ backbone: BackboneChooser.Backbone) throws -> FeatureExtractor {
    let graph = backbone.file.document.graph
    var layers = options.layers
    if layers.isEmpty, !options.isTopOnly {
      layers = graph.stages(limit: BackboneChooser.stageLimit).map { graph[$0].name }
      // As training without a choice of layers does: then both have one cache.
      if layers.count == 1 { layers = [] }
    }
    var extracting = FeatureExtractor.Options()
    extracting.layers = layers
    extracting.fitting = backbone.fitting
    extracting.isUpright = backbone.isUpright
    extracting.views = PictureViews(seed: options.seed, strength: .light)
    extracting.threads = options.threads
    extracting.cacheFolder = options.cacheFolder
    return try FeatureExtractor(backbone: backbone.file, options: extracting)
  }

  private func pictures(
    _ features: FeatureExtractor.Features, of examples: [ImageDataset.Example], place: Int
  ) throws -> Pictures {
    guard !features.indices.isEmpty else {
      throw features.failures.first?.error
        ?? ZooError(.unsuitable, what: "no pictures", at: name, "the data have none")
    }
    let (groups, _) = try DuplicateFinder.groups(
      fingerprints: features.fingerprints, contentHashes: features.hashes)
    let used = features.indices.map { examples[$0] }
    let labels = used.map { example in
      if case .classIndex(let index) = example.targets[place] { index } else { 0 }
    }
    let folds = DataSplit.folds(
      strata: labels, groups: groups, keys: features.hashes.map(\.low), count: options.folds,
      seed: options.seed)
    return Pictures(examples: used, labels: labels, folds: folds)
  }

  // MARK: Measuring

  private func measure(
    _ extractor: FeatureExtractor, _ matrix: FeatureMatrix, _ pictures: Pictures, task: ImageDataset.Task,
    progress: (BackboneChooser.Progress) -> Void
  ) throws -> [Measured] {
    let file = extractor.backbone
    let whole = file.document.graph
    var measured: [Measured] = []
    var first = 0
    for (number, layer) in extractor.layers.enumerated() {
      try Cancellation.check()
      progress(.layers(model: file.path, done: number, total: extractor.layers.count))
      guard let tap = whole.value(named: layer) else { continue }
      let graph = try whole.endingInFeatures(of: [tap])
      let width = graph[graph.outputs[0]].shape.elementCount
      let features = matrix.selecting(columns: first..<first + width)
      first += width
      try check(features, file: file, layer: layer, pictures)
      let search = try HeadProblemSolver(
        task: task, features: features, targets: pictures.labels.map { .classIndex($0) },
        classWeights: .automatic, penalty: nil, threads: options.threads
      ).search(folds: pictures.folds) {}
      let answers = Scores.largest(search.outOfFoldScores, outputs: task.classNames.count)
      let isRight = zip(answers, pictures.labels).map { $0 == $1 }
      measured.append(
        Measured(
          candidate: BackboneChoice.Candidate(
            model: file.path, layer: layer, isTop: tap == whole.topFeatures, width: width,
            parameters: graph.parameterCount, fileBytes: file.byteCount,
            millisecondsPerPicture: try milliseconds(graph, of: file),
            preprocessing: file.document.card.preprocessing.rawValue,
            logME: try logME(features, pictures, classes: task.classNames.count),
            accuracy: .init(Estimate(share: isRight.count { $0 }, of: isRight.count)),
            penalty: search.setting.penalty ?? 0),
          isRight: isRight))
    }
    progress(.layers(model: file.path, done: extractor.layers.count, total: extractor.layers.count))
    return measured
  }

  /// Nil where the features' covariances can't be decomposed: it is only there for comparison.
  private func logME(_ features: FeatureMatrix, _ pictures: Pictures, classes: Int) throws -> Double? {
    do throws(ZooError) {
      return try LogME.score(features, labels: pictures.labels, classes: classes, threads: options.threads)
    } catch {
      guard error.code == .unexpected || error.code == .doesNotFit else { throw error }
      return nil
    }
  }

  private func check(
    _ features: FeatureMatrix, file: ZooFile, layer: String, _ pictures: Pictures
  ) throws(ZooError) {
    guard let place = features.values.firstIndex(where: { !$0.isFinite }) else { return }
    throw ZooError(
      .cannotRun, what: "no features",
      at: "\(file.path), \(pictures.examples[place / features.columns].path)",
      "feature \(place % features.columns) of layer '\(layer)' is \(features.values[place])")
  }

  /// At least so many runs and seconds are timed.
  private static let leastRuns = 5
  private static let leastTime = Duration.milliseconds(200)

  /// The median time of a picture, in batches as training has them.
  private func milliseconds(_ graph: Graph, of file: ZooFile) throws -> Double {
    let engine = try Engine(graph: graph, weights: file, options: PlanOptions(threads: options.threads))
    let session = engine.makeSession()
    let batch = max(options.threads, 4)
    let shape = graph[graph.inputs[0]].shape
    let random = CounterRandom(seed: 1)
    let values = (0..<batch * shape.elementCount).map { Float(random.signed($0)) }
    let input = Tensor(shape: Shape([batch] + shape.dimensions), values: values)
    _ = try session.run([input])
    var times: [Double] = []
    let end = ContinuousClock.now + Self.leastTime
    while times.count < Self.leastRuns || ContinuousClock.now < end {
      let start = ContinuousClock.now
      _ = try session.run([input])
      times.append((ContinuousClock.now - start).seconds * 1000 / Double(batch))
    }
    times.sort()
    return times[times.count / 2]
  }

  // MARK: Choosing

  /// The most accurate first, with the fastest marked of those that can't be told from it.
  private static func ranked(_ measured: [Measured]) -> (candidates: [BackboneChoice.Candidate], String) {
    // Of equally accurate ones the first is the fastest.
    let order = measured.sorted {
      ($1.candidate.accuracy.value, $0.candidate.millisecondsPerPicture)
        < ($0.candidate.accuracy.value, $1.candidate.millisecondsPerPicture)
    }
    guard let best = order.first else { return ([], "") }
    var candidates = order.map(\.candidate)
    for place in candidates.indices.dropFirst() {
      let comparison = PairedComparison(first: best.isRight, second: order[place].isRight)
      candidates[place].comparison = .init(
        bestOnly: comparison.firstOnly, ownOnly: comparison.secondOnly, probability: comparison.probability)
    }
    let equals = candidates.indices.filter { candidates[$0].isWithinNoise }
    let choice =
      equals.min {
        candidates[$0].millisecondsPerPicture < candidates[$1].millisecondsPerPicture
      } ?? 0
    candidates[choice].isRecommended = true
    return (candidates, reason(candidates, choice, equals: equals.count))
  }

  private static func reason(
    _ candidates: [BackboneChoice.Candidate], _ choice: Int, equals: Int
  ) -> String {
    let own = candidates[choice]
    func percent(_ candidate: BackboneChoice.Candidate) -> String {
      "\(decimal(candidate.accuracy.value * 100, 1)) %"
    }
    let subject = "\(own.layer) of \(own.model)"
    guard let comparison = own.comparison else {
      if candidates.count == 1 { return "\(subject) is the only candidate." }
      return equals == 1
        ? "\(subject) is right most often (\(percent(own))), and by more than chance would give."
        : "\(subject) is right most often (\(percent(own))), and no faster one is as good."
    }
    return "\(subject) is the fastest of \(equals) that can't be told from the best: \(percent(own)) against "
      + "\(percent(candidates[0])), a difference that chance would give with a probability of "
      + "\(decimal(comparison.probability, 2))."
  }
}

extension FeatureMatrix {
  /// The columns of this range.
  fileprivate func selecting(columns range: Range<Int>) -> FeatureMatrix {
    guard range != 0..<columns else { return self }
    var selected: [Float] = []
    selected.reserveCapacity(rows * range.count)
    for row in 0..<rows {
      selected += values[row * columns + range.lowerBound..<row * columns + range.upperBound]
    }
    return FeatureMatrix(rows: rows, columns: range.count, values: selected)
  }
}
