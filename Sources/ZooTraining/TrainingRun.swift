import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem
import ZooTensor

/// One training, from pictures to the file.
struct TrainingRun {
  /// How many pictures the written network is checked on.
  private static let checkedPictures = 16

  let trainer: HeadTrainer
  /// How layers of the backbone are trained; nil: they are not.
  let tuning: Trainer.Tuning?
  let dataset: ImageDataset
  let name: String

  private var options: HeadTrainer.Options { trainer.options }

  /// Pictures that could be read, with all that is known about them.
  struct Pictures {
    let examples: [ImageDataset.Example]
    var features: FeatureExtractor.Features
    /// Which are copies of each other.
    let groups: [Int]
    let pairs: [DuplicateFinder.Pair]
    let views: Int

    /// The rows of the feature matrix for these pictures, all their views or only the first.
    func rows(of pictures: [Int], allViews: Bool) -> [Int] {
      pictures.flatMap { picture in
        (picture * views..<picture * views + (allViews ? views : 1))
      }
    }
  }

  /// What there is once the heads are solved.
  struct Prepared {
    let extractor: FeatureExtractor
    var pictures: Pictures
    let plan: TrainingPlan
    let trainings: [TaskTraining]
    let outcomes: [TaskOutcome]
    /// Whether views are flipped.
    var areFlipped: Bool
    /// What decided that; nil where nothing had to.
    var flips: TrainingReport.Flips?
    let start, featuresDone, headsDone: ContinuousClock.Instant
  }

  /// Solves heads, and decides whether views are flipped where there are any.
  ///
  /// - Parameter layers: how layers of the backbone will be trained; nil: they won't.
  private func prepare(
    for layers: Trainer.Tuning?, progress: (HeadTrainer.Progress) -> Void
  ) throws -> Prepared {
    let start = ContinuousClock.now
    let hasViews = options.views > 1 || (layers.map { $0.configuration.augmentation != .none } ?? false)
    guard hasViews, options.flips == .automatic else {
      return try solve(
        views: options.views, areFlipped: options.flips != .never, since: start, progress: progress)
    }
    var prepared = try solve(views: 1, areFlipped: true, since: start, progress: progress)
    progress(.phase("looking at flipped pictures"))
    let flips = try FlipCheck(
      extractor: prepared.extractor, pictures: prepared.pictures, plan: prepared.plan,
      trainings: prepared.trainings, outcomes: prepared.outcomes
    ).run()
    if options.views > 1 {
      let plain = prepared.pictures.features.computed
      prepared = try solve(
        views: options.views, areFlipped: flips.areUsed, since: start, progress: progress)
      prepared.pictures.features.computed = min(
        prepared.pictures.features.matrix.rows, prepared.pictures.features.computed + plain)
    }
    (prepared.areFlipped, prepared.flips) = (flips.areUsed, flips)
    return prepared
  }

  private func solve(
    views: Int, areFlipped: Bool, since start: ContinuousClock.Instant,
    progress: (HeadTrainer.Progress) -> Void
  ) throws -> Prepared {
    let clock = ContinuousClock()
    progress(.phase("preparing \(trainer.backbone.path)"))
    let extractor = try FeatureExtractor(
      backbone: trainer.backbone,
      options: trainer.extractorOptions(viewCount: views, areFlipped: areFlipped))
    let pictures = try pictures(by: extractor, progress: progress)
    let featuresDone = clock.now
    let plan = TrainingPlan(
      tasks: dataset.tasks, examples: pictures.examples, groups: pictures.groups,
      keys: pictures.features.hashes.map(\.low), validation: options.validation, folds: options.folds,
      seed: options.seed)
    let trainings = dataset.tasks.indices.map {
      TaskTraining(options: options, task: dataset.tasks[$0], place: $0, pictures: pictures, plan: plan)
    }
    var outcomes: [TaskOutcome] = []
    for training in trainings {
      progress(.phase("training the head"))
      outcomes.append(try training.run(isOnly: trainings.count == 1, progress: progress))
    }
    return Prepared(
      extractor: extractor, pictures: pictures, plan: plan, trainings: trainings, outcomes: outcomes,
      areFlipped: areFlipped, start: start, featuresDone: featuresDone, headsDone: clock.now)
  }

  /// Tries rates for the layers of the backbone; nothing is written.
  func findRate(
    _ tuning: Trainer.Tuning, progress: (HeadTrainer.Progress) -> Void
  ) throws -> RateSearch {
    let prepared = try prepare(for: tuning, progress: progress)
    let training = BackboneTraining(
      run: self, tuning: tuning, prepared: prepared, data: dataChecksum(prepared.pictures))
    return try training.start(training.split).tuner(checkpoint: nil).findRate { progress(.tuning($0)) }
  }

  func run(to output: String, progress: (HeadTrainer.Progress) -> Void) throws -> TrainingReport {
    let clock = ContinuousClock()
    let prepared = try prepare(for: tuning, progress: progress)
    let (extractor, pictures) = (prepared.extractor, prepared.pictures)
    let (plan, outcomes) = (prepared.plan, prepared.outcomes)
    let tuned = try tuning.map {
      try BackboneTraining(run: self, tuning: $0, prepared: prepared, data: dataChecksum(pictures))
        .run(to: output, progress: progress)
    }
    let tuningDone = clock.now
    let reports = tuned?.tasks ?? outcomes.map(\.report)
    let record = record(prepared, reports, tuned)
    let model = try TrainedModel(
      backbone: trainer.backbone, features: extractor.graph, heads: tuned?.heads ?? outcomes.map(\.head),
      record: record, accuracy: reports.first?.accuracyText, changed: tuned?.changed ?? [:])
    let checked = Array((tuned?.final ?? plan.final).prefix(Self.checkedPictures))
    let inputs = try extractor.inputs(of: checked.map { pictures.examples[$0].path })
    let verified = try model.verify(
      inputs: inputs,
      expected: try tuned?.outputs(of: checked)
        ?? outcomes.map {
          try $0.outputs(of: pictures.features.matrix, rows: pictures.rows(of: checked, allViews: false))
        }
    ) { progress(.verifying($0)) }
    try Cancellation.check()
    try model.write(
      to: output, overwrite: options.overwrite, report: verified.report, testCase: verified.testCase
    ) { progress(.writing(done: $0, total: $1)) }
    for checkpoint in tuned?.checkpoints ?? [] { checkpoint.remove() }
    let written = try ZooFile(path: output)
    return TrainingReport(
      output: output, record: record, data: dataReport(pictures),
      warnings: warnings(extractor, pictures) + (tuned?.warnings ?? []),
      split: TrainingReport.Split(plan, tuned: tuned?.split, names: pictures.examples.map(\.name)),
      tasks: reports,
      features: .init(
        width: extractor.width, layers: extractor.layers, computed: pictures.features.computed,
        cached: pictures.features.matrix.rows - pictures.features.computed),
      flips: prepared.flips, fineTuning: tuned?.report,
      fineTuningCosts: tuned == nil
        ? costs(extractor, of: checked.map { pictures.examples[$0].path }, plan) : [],
      verification: verified.report,
      seconds: .init(
        features: (prepared.featuresDone - prepared.start).seconds,
        heads: (prepared.headsDone - prepared.featuresDone).seconds,
        tuning: (tuningDone - prepared.headsDone).seconds, all: (clock.now - prepared.start).seconds),
      hashes: .init(
        backbone: record.backboneContent, data: record.dataChecksum,
        output: written.contentHash?.hexadecimal ?? ""),
      material: PictureMaterial(
        tasks: dataset.tasks, examples: pictures.examples, pairs: pictures.pairs, loader: extractor.loader,
        viewCount: options.views, views: extractor.options.views,
        preprocessing: trainer.backbone.document.card.preprocessing.rawValue))
  }

  /// What training layers would take, from the time that some pictures take.
  private func costs(_ extractor: FeatureExtractor, of paths: [String], _ plan: TrainingPlan)
    -> [FineTuningCost]
  {
    guard !paths.isEmpty, let (decoding, forward) = try? extractor.secondsPerPicture(paths) else { return [] }
    let costs = try? FineTuningCost.all(
      extractor.graph, decoding: decoding, forward: forward, pictures: plan.training.count,
      threads: options.threads, configuration: TrainingConfiguration())
    return costs ?? []
  }

  // MARK: Pictures

  private func pictures(
    by extractor: FeatureExtractor, progress: (HeadTrainer.Progress) -> Void
  ) throws -> Pictures {
    let features = try extractor.features(of: dataset.examples.map(\.path)) {
      progress(.pictures(done: $0, total: $1))
    }
    guard !features.indices.isEmpty else {
      throw features.failures.first?.error
        ?? ZooError(.unsuitable, what: "no pictures", at: name, "the data have none")
    }
    try checkFinite(features, by: extractor)
    let examples = features.indices.map { dataset.examples[$0] }
    try checkClasses(examples)
    progress(.phase("looking for duplicates"))
    let (groups, pairs) = try DuplicateFinder.groups(
      fingerprints: features.fingerprints, contentHashes: features.hashes)
    return Pictures(
      examples: examples, features: features, groups: groups, pairs: pairs,
      views: extractor.options.viewCount)
  }

  /// Every class has a picture to learn from that can be read.
  private func checkClasses(_ examples: [ImageDataset.Example]) throws(ZooError) {
    for (place, task) in dataset.tasks.enumerated() where task.kind == .classes {
      var counts = [Int](repeating: 0, count: task.classNames.count)
      for example in examples where example.part == nil || example.part == .training {
        if case .classIndex(let index) = example.targets[place] { counts[index] += 1 }
      }
      guard let empty = counts.firstIndex(of: 0) else { continue }
      throw ZooError(
        .unsuitable, what: "a class without pictures", at: name,
        "none of '\(task.classNames[empty])' to train on can be read")
    }
  }

  private func checkFinite(
    _ features: FeatureExtractor.Features, by extractor: FeatureExtractor
  ) throws(ZooError) {
    guard let place = features.matrix.values.firstIndex(where: { !$0.isFinite }) else { return }
    let picture = features.indices[place / features.matrix.columns / extractor.options.viewCount]
    throw ZooError(
      .cannotRun, what: "no features", at: "\(trainer.backbone.path), \(dataset.examples[picture].path)",
      "feature \(place % features.matrix.columns) is \(features.matrix.values[place])")
  }

  // MARK: What the file and the report say

  private func record(
    _ prepared: Prepared, _ reports: [TrainingReport.Task], _ tuned: BackboneTraining.Outcome?
  ) -> TrainingRecord {
    let (pictures, plan, outcomes) = (prepared.pictures, prepared.plan, prepared.outcomes)
    var settings = [
      "head": options.head.name, "seed": String(options.seed), "views": String(options.views),
      "measured by": TrainingReport.Split(plan, tuned: tuned?.split, names: pictures.examples.map(\.name))
        .text,
    ]
    if options.views > 1 { settings["augmentation"] = options.augmentation.rawValue }
    if !prepared.areFlipped { settings["flips"] = "none" }
    var results: [String: Double] = [:]
    for outcome in outcomes {
      let prefix = outcomes.count == 1 ? "" : "\(outcome.report.name): "
      if let penalty = outcome.report.penalty { settings[prefix + "penalty"] = significant(penalty) }
      if let epochs = outcome.report.epochs { settings[prefix + "epochs"] = String(epochs) }
      if outcome.report.isWeighted { settings[prefix + "class weights"] = "balanced" }
    }
    for report in reports {
      let prefix = reports.count == 1 ? "" : "\(report.name): "
      for (name, value) in report.results { results[prefix + name] = value }
    }
    settings.merge(tuned?.settings ?? [:]) { $1 }
    return TrainingRecord(
      backbone: Self.lastComponent(of: trainer.backbone.path),
      backboneContent: trainer.backbone.contentHash?.hexadecimal ?? String(repeating: "0", count: 64),
      layers: prepared.extractor.layers, data: name.onOneLine, dataChecksum: dataChecksum(pictures),
      pictureCount: (tuned?.final ?? plan.final).count, tasks: outcomes.map(\.head.task),
      pixels: TrainingRecord.Pixels(
        resampling: options.fitting.resampling.rawValue, crop: options.fitting.crop.name,
        isUpright: options.isUpright),
      settings: settings, results: results)
  }

  /// Of all pictures and what is known about them, in an order that depends on nothing else.
  private func dataChecksum(_ pictures: Pictures) -> String {
    let lines = zip(pictures.features.hashes, pictures.examples).map { hash, example in
      let targets = zip(dataset.tasks, example.targets).map { task, target in
        switch target {
        case .missing: ""
        case .classIndex(let index): task.classNames[index]
        case .labels(let indices): indices.map { task.classNames[$0] }.joined(separator: "|")
        case .number(let number): number.description
        }
      }
      return ([String(hash.high, radix: 16), String(hash.low, radix: 16)] + targets).joined(
        separator: "\u{1f}")
    }
    return Checksum(of: lines.sorted().joined(separator: "\u{1e}")).hexadecimal
  }

  private func dataReport(_ pictures: Pictures) -> TrainingReport.Data {
    TrainingReport.Data(
      name: name, pictures: pictures.examples.count,
      unreadable: pictures.features.failures.map {
        .init(picture: dataset.examples[$0.index].name, reason: $0.error.why)
      },
      exactDuplicates: pictures.pairs.count { $0.kind == .exact },
      nearDuplicates: pictures.pairs.count { $0.kind != .exact },
      groups: Set(pictures.groups).count)
  }

  private func warnings(_ extractor: FeatureExtractor, _ pictures: Pictures) -> [String] {
    var warnings = dataset.warnings
    let conflicts = pictures.pairs.filter { pair in
      pair.kind == .exact && pictures.examples[pair.first].targets != pictures.examples[pair.second].targets
    }
    if let first = conflicts.first {
      warnings.append(
        "\(conflicts.count) \(conflicts.count == 1 ? "pair" : "pairs") of equal pictures with different labels, first "
          + "\(pictures.examples[first.first].name) and \(pictures.examples[first.second].name)")
    }
    if let failure = extractor.cacheFailure {
      warnings.append("features are not kept: \(failure)")
    }
    if extractor.damagedRecords > 0 {
      warnings.append("\(extractor.damagedRecords) records of the cache were damaged and computed again")
    }
    return warnings
  }

  private static func lastComponent(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

extension HeadTrainer.HeadKind {
  /// As settings and reports name it.
  var name: String {
    switch self {
    case .linear: "linear"
    case .multilayer(let units): "multilayer, \(units) hidden units"
    case .nearest: "nearest neighbour"
    }
  }
}
