import ZooGraph
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor

/// Trains layers of a network with a solved head, stage by stage, and keeps what validation pictures say is better.
struct FineTuner {
  let network: TrainableNetwork
  let pictures: TuningPictures
  /// The pictures to learn from, and those that choose epochs and stages.
  let training: [Int]
  let validation: [Int]
  let losses: [TaskLoss]
  let configuration: TrainingConfiguration
  let seed: UInt64
  let threads: Int
  /// Where the state is kept; nil: nowhere.
  let checkpoint: CheckpointFile?

  /// Seconds between checkpoints within an epoch.
  private static let interval = 60.0

  /// What came of it.
  struct Outcome {
    /// The weights that differ from those before.
    let changed: [WeightSlot: [Float]]
    let report: FineTuningReport
    /// What looks like a mistake, each in one line.
    let warnings: [String]
  }

  /// The most bytes that are kept of pictures, and as many of the values below a stage.
  private static let mostKept = 1 << 30

  /// What a stage may take within the configuration's memory: the step what it needs, and what is kept the rest.
  ///
  /// - Throws: `ZooError` of the code `tooLarge` where not even one picture fits.
  func room(for stage: LayerGroups.Stage) throws(ZooError) -> StageTraining.Room {
    let step = try StepMemory(
      graph: network.graph, learning: Set(network.groups.slots(of: stage)), configuration: configuration
    ) {
      $0 = StageTraining.options(stage, network, configuration, part: $0.part, seed: seed, threads: threads)
    }
    guard let limit = configuration.memory else {
      return StageTraining.Room(part: step.part, kept: Self.mostKept)
    }
    guard step.bytes <= limit else {
      throw ZooError(
        .tooLarge, what: "not enough memory", at: stage.name,
        "a step takes \(byteSize(step.bytes)), and \(byteSize(limit)) are allowed",
        remedy: configuration.batchNorm == .batch
          ? "Train fewer layers, use a smaller batch, or fixed batch norms."
          : "Train fewer layers, or allow more.")
    }
    return StageTraining.Room(part: step.part, kept: min(Self.mostKept, (limit - step.bytes) / 2))
  }

  /// Trains all stages, or those that a checkpoint has left.
  ///
  /// - Throws: `ZooError`; of the code `cancelled` where the task is cancelled, with a checkpoint to go on from.
  func run(progress: (TuningProgress) -> Void) throws -> Outcome {
    try configuration.check()
    let stages = try network.groups.stages(configuration.layers)
    let slots = Dictionary(uniqueKeysWithValues: network.graph.weightSlots.map { ($0.name, $0) })
    var state = try checkpoint?.resumed() ?? TuningState()
    guard state.isSound(stages: stages.count) else { throw unsound }
    while state.stage < stages.count {
      let stage = stages[state.stage]
      let one = try training(of: stage, from: own(state, slots))
      let start = one.weights
      let before = try one.judge(start, on: validation)
      let runs = stage == stages.last ? configuration.runs : 1
      while state.run < runs {
        try train(one, from: start, &state, again: nil, progress: progress)
        try finishRun(&state)
      }
      let (weights, taken) = try mean(of: state, one)
      for run in taken { state.runs[run].isTaken = true }
      let after = try one.judge(weights, on: validation)
      let gain = MeanGain(before: before.losses, after: after.losses)
      let isKept = configuration.layers != .automatic || gain.isMoreThanNoise
      if isKept { keep(scaled(one.bySlot(weights), by: after.scales), in: &state) }
      state.finished.append(
        FineTuningReport.Stage(
          name: stage.name, from: network.graph.nodes[stage.first].name, parameters: one.parameterCount,
          runs: state.runs, lossBefore: before.loss, lossAfter: after.loss, gain: gain.value,
          gainError: gain.standardError, scales: after.scales, isKept: isKept, seconds: state.seconds))
      state.beginStage()
      state.stage += 1
      try checkpoint?.write(state)
    }
    return Outcome(
      changed: try own(state, slots),
      report: FineTuningReport(
        stages: state.finished, training: training.count, validation: validation.count,
        batchNorm: configuration.batchNorm.rawValue,
        part: try stages.map { try room(for: $0).part }.max() ?? 0),
      warnings: state.finished.filter { $0.isKept && !($0.gain > 0) }.map {
        "training \($0.name) made the loss of validation pictures higher: \(decimal($0.lossBefore, 3)) before, "
          + "\(decimal($0.lossAfter, 3)) after"
      })
  }

  /// Does again what was kept: the same stages and runs, each for as many epochs as the best one had, without looking at
  /// other pictures.
  ///
  /// - Parameters:
  ///   - report: what was kept.
  ///   - chosenFrom: the pictures that were learned from when that was chosen.
  /// - Returns: the weights that differ from those before.
  func `repeat`(
    _ report: FineTuningReport, chosenFrom count: Int, progress: (TuningProgress) -> Void
  ) throws -> [WeightSlot: [Float]] {
    let stages = try network.groups.stages(configuration.layers)
    let slots = Dictionary(uniqueKeysWithValues: network.graph.weightSlots.map { ($0.name, $0) })
    let perEpoch = (count + configuration.batch - 1) / configuration.batch
    var state = try checkpoint?.resumed() ?? TuningState()
    guard state.isSound(stages: stages.count), report.stages.count == stages.count else {
      throw unsound
    }
    while state.stage < stages.count {
      let done = report.stages[state.stage]
      if done.isKept {
        let one = try training(of: stages[state.stage], from: own(state, slots))
        let start = one.weights
        while state.run < done.runs.count {
          guard done.runs[state.run].isTaken else {
            state.runs.append(done.runs[state.run])
            state.run += 1
            continue
          }
          try train(
            one, from: start, &state,
            again: (
              planned: configuration.epochCount(stepsPerEpoch: perEpoch), epochs: done.runs[state.run].best
            ), progress: progress)
          try finishRun(&state)
        }
        let taken = done.runs.indices.filter { done.runs[$0].isTaken }
        var sum = [Float](repeating: 0, count: one.weightCount)
        for run in taken { sum = zip(sum, try weights(of: run, state, one)).map(+) }
        keep(scaled(one.bySlot(sum.map { $0 / Float(taken.count) }), by: done.scales), in: &state)
      }
      state.finished.append(done)
      state.beginStage()
      state.stage += 1
      try checkpoint?.write(state)
    }
    return try own(state, slots)
  }

  private var unsound: ZooError {
    ZooError(
      .doesNotFit, what: "cannot resume", at: checkpoint?.path ?? "",
      "it is of another number of stages or epochs")
  }

  private func training(
    of stage: LayerGroups.Stage, from kept: [WeightSlot: [Float]]
  ) throws -> StageTraining {
    try StageTraining(
      stage, of: network, weights: ChangedWeights(of: network.weights, own: kept), pictures: pictures,
      losses: losses, configuration: configuration, room: try room(for: stage), seed: seed, threads: threads)
  }

  /// Puts the run's best weights aside.
  private func finishRun(_ state: inout TuningState) throws {
    state.runs.append(
      FineTuningReport.Run(epochs: state.epochs, best: (state.best ?? 0) + 1, isTaken: false))
    state.arrays[TuningState.runWeights(state.run)] = state.arrays[TuningState.bestWeights]
    state.run += 1
    state.beginRun()
    try checkpoint?.write(state)
  }

  /// Weights whose tasks' logits are multiplied with these scales.
  private func scaled(_ weights: [WeightSlot: [Float]], by scales: [Double]) -> [WeightSlot: [Float]] {
    var weights = weights
    for (end, scale) in zip(network.ends, scales) {
      for slot in end.weights { weights[slot] = weights[slot]?.map { $0 * Float(scale) } }
    }
    return weights
  }

  private func keep(_ weights: [WeightSlot: [Float]], in state: inout TuningState) {
    for (slot, values) in weights { state.arrays[TuningState.kept(slot.name)] = values }
  }

  /// The weights that finished stages changed.
  private func own(
    _ state: TuningState, _ slots: [String: WeightSlot]
  ) throws(ZooError) -> [WeightSlot: [Float]] {
    var own: [WeightSlot: [Float]] = [:]
    for (name, slot) in slots {
      guard let values = state.arrays[TuningState.kept(name)] else { continue }
      guard values.count == slot.shape.elementCount else {
        throw ZooError(
          .doesNotFit, what: "cannot resume", at: "the checkpoint", "weight \(name) has another size")
      }
      own[slot] = values
    }
    return own
  }

  /// The outputs of pictures as training computes them, with the weights that it changed: probabilities or numbers of
  /// each task, row-major (N, …).
  func outputs(of chosen: [Int], _ changed: [WeightSlot: [Float]]) throws -> [[Double]] {
    let stages = try network.groups.stages(configuration.layers)
    let one = try training(of: stages[0], from: changed)
    let rows = try one.logits(of: chosen)
    return losses.map { loss in
      let scores = rows.flatMap(loss.scores)
      return switch loss.task.kind {
      case .classes: Scores.softmax(scores, outputs: loss.columns.count)
      case .labels: Scores.sigmoid(scores)
      case .number: scores
      }
    }
  }

  // MARK: Epochs

  /// Trains until the run's last epoch or until patience is lost, and leaves the weights of the best epoch in the state.
  ///
  /// - Parameter again: where this was done before with fewer pictures: how many epochs the schedule had, and how many are
  ///   done, the last of which is the best.
  private func train(
    _ one: StageTraining, from start: [Float], _ state: inout TuningState,
    again: (planned: Int, epochs: Int)?, progress: (TuningProgress) -> Void
  ) throws {
    let clock = ContinuousClock()
    let earlier = state.seconds
    let begin = clock.now
    var written = begin
    let perEpoch = (training.count + configuration.batch - 1) / configuration.batch
    let planned = again?.planned ?? configuration.epochCount(stepsPerEpoch: perEpoch)
    let epochs = again?.epochs ?? planned
    let schedule = configuration.rates(steps: perEpoch * planned)
    if state.arrays[TuningState.weights] == nil {
      one.weights = start
      try one.restart()
    } else {
      try one.resume(state)
    }
    func tell() {
      progress(
        TuningProgress(
          stage: again == nil ? one.stage.name : "\(one.stage.name), all pictures", epoch: state.epoch + 1,
          epochs: epochs, step: state.epoch * perEpoch + state.step,
          steps: perEpoch * epochs, trainingLoss: state.tally.examples > 0 ? state.tally.loss : nil,
          validationLoss: state.epochs.last?.validationLoss))
    }
    func save() throws {
      state.seconds = earlier + (clock.now - begin).seconds
      guard let checkpoint else { return }
      one.save(to: &state)
      try checkpoint.write(state)
      written = clock.now
    }
    func hasPatience() -> Bool {
      again != nil || state.epochs.isEmpty
        || state.epochs.count - 1 - (state.best ?? -1) < configuration.mostWaiting
    }
    while state.epoch < epochs, hasPatience() {
      let order = order(run: state.stage * 16 + state.run, epoch: state.epoch)
      var rate = 0.0
      while state.step < perEpoch {
        tell()
        if Cancellation.isRequested {
          try save()
          throw ZooError.cancelled
        }
        if (clock.now - written).seconds > Self.interval { try save() }
        let number = state.epoch * perEpoch + state.step
        let range =
          state.step * order.count / perEpoch..<(state.step + 1) * order.count / perEpoch
        rate = schedule.rate(at: number) * state.plateauFactor
        let loss = try one.step(
          on: Array(order[range]), at: .init(run: state.run, epoch: state.epoch, step: number), rate: rate,
          momentum: momentum(schedule, at: number))
        state.tally.add(loss: loss, examples: range.count)
        state.step += 1
      }
      let weights = one.judgedWeights
      let judgement = again == nil ? try one.judge(weights, on: validation) : nil
      let loss = judgement?.loss ?? .nan
      state.epochs.append(
        FineTuningReport.Epoch(
          trainingLoss: state.tally.loss, validationLoss: loss, validationAccuracy: judgement?.accuracy,
          rate: rate))
      if again != nil || loss < state.best.map({ state.epochs[$0].validationLoss }) ?? .infinity {
        state.best = state.epoch
        state.arrays[TuningState.bestWeights] = weights
      }
      if configuration.schedule == .plateau, again == nil {
        var plateau = Plateau()
        plateau.patience = 2
        state.plateauFactor = state.plateau.update(loss, rate: state.plateauFactor, plateau)
      }
      state.tally = EpochTally()
      (state.epoch, state.step) = (state.epoch + 1, 0)
      try save()
    }
    guard state.best != nil else {
      throw ZooError(
        .cannotRun, what: "training diverged", at: one.stage.name,
        "no epoch has a finite loss of validation pictures", remedy: "Try a lower rate.")
    }
  }

  private func momentum(_ schedule: Schedule, at step: Int) -> Double? {
    switch configuration.optimizer.rule {
    case .sgd(let momentum, _) where momentum > 0: schedule.momentum(at: step)
    case .adam: schedule.momentum(at: step)
    default: nil
    }
  }

  /// The pictures in the order of an epoch.
  func order(run: Int, epoch: Int) -> [Int] {
    let key = splitMix64(splitMix64(seed ^ 0x6F72_6465_7200_0000) &+ UInt64(run * 100_000 + epoch))
    let random = CounterRandom(seed: key)
    return training.indices.sorted { (random[$0], $0) < (random[$1], $1) }.map { training[$0] }
  }

  // MARK: The mean of runs

  private func weights(of run: Int, _ state: TuningState, _ one: StageTraining) throws(ZooError) -> [Float] {
    guard let own = state.arrays[TuningState.runWeights(run)], own.count == one.weightCount else {
      throw ZooError(
        .doesNotFit, what: "cannot resume", at: checkpoint?.path ?? "", "the weights of a run are missing")
    }
    return own
  }

  /// Adds runs to the mean of the best one's weights, the better first, where that makes the loss of validation pictures
  /// lower (Wortsman et al., 2022).
  private func mean(of state: TuningState, _ one: StageTraining) throws -> (weights: [Float], runs: [Int]) {
    let order = state.runs.indices.sorted {
      (state.runs[$0].validationLoss, $0) < (state.runs[$1].validationLoss, $1)
    }
    var taken = [order[0]]
    var best = try weights(of: order[0], state, one)
    guard order.count > 1 else { return (best, taken) }
    var loss = try one.judge(best, on: validation).loss
    for run in order.dropFirst() {
      let count = Float(taken.count)
      let other = try weights(of: run, state, one)
      let candidate = zip(best, other).map { ($0 * count + $1) / (count + 1) }
      let own = try one.judge(candidate, on: validation).loss
      guard own < loss else { continue }
      (best, loss) = (candidate, own)
      taken.append(run)
    }
    return (best, taken)
  }
}
