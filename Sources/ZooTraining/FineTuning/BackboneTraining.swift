import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor

/// The part of a training that goes on from solved heads with layers of the backbone.
struct BackboneTraining {
  let run: TrainingRun
  let tuning: Trainer.Tuning
  let prepared: TrainingRun.Prepared
  /// The checksum of pictures and labels.
  let data: String

  /// What came of it.
  struct Outcome {
    /// Nil where nothing was kept: then the solved heads on the frozen backbone are the result.
    fileprivate(set) var heads: [TrainedHead]?
    fileprivate(set) var changed: [WeightSlot: [Float]] = [:]
    fileprivate(set) var tasks: [TrainingReport.Task]
    /// The pictures that the measured model learned from, and those that chose; nil where nothing was kept.
    fileprivate(set) var split: (training: [Int], validation: [Int])?
    /// The pictures that the file's model learned from; nil where nothing was kept.
    fileprivate(set) var final: [Int]?
    fileprivate(set) var report: FineTuningReport
    fileprivate(set) var warnings: [String]
    fileprivate(set) var settings: [String: String] = [:]
    /// What an unfinished training would have gone on from.
    fileprivate(set) var checkpoints: [CheckpointFile]
    /// The outputs of pictures as training computes them, for each task, row-major (N, …); nil where nothing was kept.
    fileprivate(set) var outputs: (([Int]) throws -> [[Double]])?

    func outputs(of pictures: [Int]) throws -> [[Double]]? { try outputs?(pictures) }
  }

  private var configuration: TrainingConfiguration { tuning.configuration }
  private var extractor: FeatureExtractor { prepared.extractor }
  private var pictures: TrainingRun.Pictures { prepared.pictures }
  private var plan: TrainingPlan { prepared.plan }
  private var trainings: [TaskTraining] { prepared.trainings }
  private var outcomes: [TaskOutcome] { prepared.outcomes }
  private var isOnly: Bool { trainings.count == 1 }

  /// The pictures to learn from and those that choose: as in measuring the head, or the first part of cross-validation.
  var split: (training: [Int], validation: [Int]) {
    guard case .folds = plan.scheme else { return (plan.training, plan.validation) }
    let isHeld = plan.folds.map { $0 == 0 }
    return (
      zip(plan.training, isHeld).filter { !$1 }.map(\.0), zip(plan.training, isHeld).filter(\.1).map(\.0)
    )
  }

  /// What the training of layers begins with.
  struct Start {
    let split: (training: [Int], validation: [Int])
    let heads: [TrainedHead]
    /// The network with heads that are solved for the pictures to learn from.
    let model: TrainedModel
    let losses: [TaskLoss]
    let scales: HeadScales
    private let network: TrainableNetwork
    private let pictures: TuningPictures
    private let configuration: TrainingConfiguration
    private let options: HeadTrainer.Options

    fileprivate init(
      _ split: (training: [Int], validation: [Int]), _ heads: [TrainedHead], _ model: TrainedModel,
      _ training: BackboneTraining
    ) throws {
      let network = try TrainableNetwork(model, features: training.extractor.graph)
      let examples = split.training.map { training.pictures.examples[$0] }
      losses = try zip(training.trainings, training.outcomes).enumerated().map { index, pair in
        try TaskLoss(
          pair.0.task, place: pair.0.place, columns: network.columns[index], examples: examples,
          isWeighted: pair.1.report.isWeighted, configuration: training.configuration)
      }
      scales = HeadScales(losses, network.ends)
      self.network = try network.replacing(scales.scaled(from: network.weights))
      self.split = split
      self.heads = heads
      self.model = model
      configuration = training.configuration
      options = training.run.trainer.options
      pictures = TuningPictures(
        training.pictures, training.extractor,
        views: PictureViews(
          seed: options.seed, strength: configuration.augmentation == .strong ? .strong : .light,
          areFlipped: training.prepared.areFlipped))
    }

    func tuner(checkpoint: CheckpointFile?) -> FineTuner {
      FineTuner(
        network: network, pictures: pictures, training: split.training, validation: split.validation,
        losses: losses, configuration: configuration, seed: options.seed, threads: options.threads,
        checkpoint: checkpoint)
    }
  }

  /// - Parameter split: the pictures to learn from, and those that choose.
  func start(_ split: (training: [Int], validation: [Int])) throws -> Start {
    let heads = try zip(trainings, outcomes).map {
      try $0.head(of: split.training, $1.setting, isOnly: isOnly, dropout: configuration.dropout)
    }
    return try Start(split, heads, try model(heads, changed: [:]), self)
  }

  func run(to output: String, progress: (HeadTrainer.Progress) -> Void) throws -> Outcome {
    try configuration.check()
    let split = split
    guard !split.training.isEmpty, !split.validation.isEmpty else {
      throw ZooError(
        .unsuitable, what: "too few pictures", at: run.name,
        "there are \(split.training.count) to learn from and \(split.validation.count) to choose by")
    }
    progress(.phase("preparing the training of layers"))
    var start = try start(split)
    let checkpoint = CheckpointFile(
      path: tuning.checkpointPath(for: output), identity: identity(split), resuming: tuning.resuming)
    var tuner = start.tuner(checkpoint: checkpoint)
    let tuned = try tuner.run { progress(.tuning($0)) }
    let frozen = try measure(start.model, split.validation)
    var outcome = Outcome(
      tasks: outcomes.map(\.report), report: tuned.report, warnings: tuned.warnings, checkpoints: [checkpoint]
    )
    outcome.settings = settings(tuned.report)
    for index in outcome.tasks.indices { outcome.tasks[index].frozen = frozen[index] }
    guard tuned.report.isKept else { return outcome }
    var changed = tuned.changed
    let measured = try measure(
      try model(start.heads, changed: start.scales.unscaled(changed)), split.validation)
    if plan.scheme != .given {
      // The model that was measured has not seen these pictures; the one in the file has.
      let all = (split.training + split.validation).sorted()
      let more = checkpoint.path + "-all"
      let checkpoint = CheckpointFile(
        path: more, identity: identity((all, [])),
        resuming: tuning.resuming == .never ? .restart : tuning.resuming)
      start = try self.start((all, []))
      tuner = start.tuner(checkpoint: checkpoint)
      changed = try tuner.repeat(tuned.report, chosenFrom: split.training.count) { progress(.tuning($0)) }
      outcome.report.repeated = all.count
      outcome.checkpoints.append(checkpoint)
    }
    outcome.heads = start.heads
    outcome.changed = start.scales.unscaled(changed)
    outcome.split = (split.training, split.validation)
    outcome.final = start.split.training
    let tested =
      plan.test.isEmpty ? nil : try measure(try model(start.heads, changed: outcome.changed), plan.test)
    for index in outcome.tasks.indices {
      outcome.tasks[index].measured = measured[index]
      outcome.tasks[index].tested = tested?[index]
      outcome.tasks[index].trained = start.split.training.count
    }
    outcome.outputs = { [tuner] in try tuner.outputs(of: $0, changed) }
    return outcome
  }

  private func model(_ heads: [TrainedHead], changed: [WeightSlot: [Float]]) throws(ZooError) -> TrainedModel
  {
    // What the file says is not known yet, and not needed here.
    let record = TrainingRecord(
      backbone: "", backboneContent: "", layers: extractor.layers, data: run.name, dataChecksum: "",
      pictureCount: 0, tasks: heads.map(\.task),
      pixels: TrainingRecord.Pixels(resampling: "", crop: nil, isUpright: false))
    return try TrainedModel(
      backbone: run.trainer.backbone, features: extractor.graph, heads: heads, record: record, accuracy: nil,
      changed: changed)
  }

  /// How well a model does on pictures, by the engine that predicts: for each task.
  private func measure(_ model: TrainedModel, _ chosen: [Int]) throws -> [TrainingReport.Measured?] {
    let engine = try Engine(
      graph: model.graph, weights: model.weights,
      options: PlanOptions(threads: run.trainer.options.threads))
    let session = engine.makeSession()
    var rows = model.graph.outputs.map { _ in [[Double]]() }
    for start in stride(from: 0, to: chosen.count, by: PictureRunner.batch) {
      try Cancellation.check()
      let part = chosen[start..<min(start + PictureRunner.batch, chosen.count)]
      let inputs = try extractor.inputs(of: part.map { pictures.examples[$0].path })
      for (index, result) in try session.run([inputs]).enumerated() {
        let width = result.shape.elementCount / part.count
        rows[index] += (0..<part.count).map { row in
          result.values[row * width..<(row + 1) * width].map(Double.init)
        }
      }
    }
    return try zip(trainings, rows).map { try $0.measure($1, of: chosen) }
  }

  // MARK: What it is of

  /// What a checkpoint has to agree with.
  private func identity(_ split: (training: [Int], validation: [Int])) -> [String: String] {
    let options = run.trainer.options
    func names(_ pictures: [Int]) -> String {
      pictures.map { self.pictures.examples[$0].name }.sorted().joined(separator: "\u{1f}")
    }
    let settings = [
      "\(configuration.stable)", options.head.name, options.seed.description, options.views.description,
      options.augmentation.rawValue, options.classWeights.rawValue, extractor.layers.joined(separator: ","),
      outcomes.map { "\($0.setting)" }.joined(separator: ","), "\(options.fitting)", "\(options.isUpright)",
      prepared.areFlipped ? "flips" : "no flips",
    ]
    return [
      "backbone": run.trainer.backbone.contentHash?.hexadecimal ?? "", "data": data,
      "split": Checksum(of: names(split.training) + "\u{1e}" + names(split.validation)).hexadecimal,
      "settings": settings.joined(separator: "; "), "instruction set": extractor.kernels,
      "version of zoo": ZooVersion.current,
    ]
  }

  /// How it was done, for the file.
  private func settings(_ report: FineTuningReport) -> [String: String] {
    var settings = [
      "fine-tuning": report.stages.map { "\($0.name)\($0.isKept ? "" : " (not kept)")" }.joined(
        separator: ", then "),
      "batch norms": configuration.batchNorm.rawValue, "batch": String(configuration.batch),
      "rate": significant(configuration.peakRate), "schedule": configuration.schedule.rawValue,
      "optimizer": configuration.optimizer.name, "dropout": significant(configuration.dropout),
      "fine-tuning views": configuration.augmentation.rawValue, "fine-tuning kernels": extractor.kernels,
    ]
    if configuration.loss == nil { settings["label smoothing"] = significant(configuration.labelSmoothing) }
    return settings
  }
}

/// Heads of numbers, in whose training numbers are measured from their mean in units of their deviation.
struct HeadScales {
  private let scales: [(kernel: WeightSlot, bias: WeightSlot, mean: Double, deviation: Double)]

  init(_ losses: [TaskLoss], _ ends: [Node]) {
    scales = zip(losses, ends).compactMap { loss, end in
      guard loss.task.kind == .number, let kernel = end.weights.first(where: { $0.role == .kernel }),
        let bias = end.weights.first(where: { $0.role == .bias })
      else { return nil }
      return (kernel, bias, loss.mean, loss.deviation)
    }
  }

  /// The heads' weights in these units.
  func scaled(from weights: any WeightSource) throws -> [WeightSlot: [Float]] {
    var own: [WeightSlot: [Float]] = [:]
    for scale in scales {
      own[scale.kernel] = try weights.tensor(for: scale.kernel).floats().map {
        Float(Double($0) / scale.deviation)
      }
      own[scale.bias] = try weights.tensor(for: scale.bias).floats().map {
        Float((Double($0) - scale.mean) / scale.deviation)
      }
    }
    return own
  }

  /// Trained weights with those of the heads in the numbers' own units.
  func unscaled(_ weights: [WeightSlot: [Float]]) -> [WeightSlot: [Float]] {
    var own = weights
    for scale in scales {
      own[scale.kernel] = own[scale.kernel]?.map { Float(Double($0) * scale.deviation) }
      own[scale.bias] = own[scale.bias]?.map { Float(Double($0) * scale.deviation + scale.mean) }
    }
    return own
  }
}
