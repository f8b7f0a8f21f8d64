import ZooLearning
import ZooSystem

/// What a training has come to: all that it needs to go on, with the same bits as without an interruption.
struct TuningState: Codable {
  /// The stage, and which of its runs.
  var stage = 0
  var run = 0
  /// The epoch of the run, and how many of its steps are done.
  var epoch = 0
  var step = 0
  /// The loss of the epoch's steps so far.
  var tally = EpochTally()
  /// What each epoch of the run came to.
  var epochs: [FineTuningReport.Epoch] = []
  /// The best epoch of the run by the loss of validation pictures, from 0.
  var best: Int?
  /// For schedules that look at that loss.
  var plateau = PlateauState()
  var plateauFactor = 1.0
  /// The steps of the optimizer.
  var optimizerSteps = 0
  /// The runs of the stage that are done.
  var runs: [FineTuningReport.Run] = []
  /// The stages that are done.
  var finished: [FineTuningReport.Stage] = []
  /// What the stage has taken so far, in seconds.
  var seconds = 0.0
  /// Numbers by what they are; kept apart from the rest.
  var arrays: [String: [Float]] = [:]

  private enum CodingKeys: String, CodingKey {
    case stage, run, epoch, step, tally, epochs, best, plateau, plateauFactor, optimizerSteps, runs, finished,
      seconds
  }

  /// The arrays' names.
  static let weights = "weights"
  static let bestWeights = "best"
  static func runWeights(_ run: Int) -> String { "run \(run)" }
  static func slot(_ slot: OptimizerSlot) -> String { "optimizer \(slot.rawValue)" }
  static func kept(_ slot: String) -> String { "kept \(slot)" }

  /// Whether its counts fit together, as they do unless a file was made up.
  func isSound(stages: Int) -> Bool {
    func isSound(_ run: FineTuningReport.Run) -> Bool { run.epochs.indices.contains(run.best - 1) }
    return (0...stages).contains(stage) && finished.count == stage && run >= 0 && runs.count == run
      && epoch >= 0 && epochs.count == epoch && step >= 0 && step <= 1 << 40
      && (best.map(epochs.indices.contains) ?? true)
      && (epoch == 0 || best != nil || arrays[Self.weights] != nil)
      && runs.allSatisfy(isSound) && finished.flatMap(\.runs).allSatisfy(isSound)
  }

  /// Forgets the run, for the next one.
  mutating func beginRun() {
    (epoch, step, best, optimizerSteps) = (0, 0, nil, 0)
    tally = EpochTally()
    epochs = []
    plateau = PlateauState()
    plateauFactor = 1
    arrays = arrays.filter { $0.key.hasPrefix("run ") || $0.key.hasPrefix("kept ") }
  }

  /// Forgets the stage, for the next one.
  mutating func beginStage() {
    beginRun()
    run = 0
    runs = []
    seconds = 0
    arrays = arrays.filter { $0.key.hasPrefix("kept ") }
  }
}
