import ZooData
import ZooFormat
import ZooSystem

/// Trains a head on a backbone and then layers of the backbone, and writes both as one verified `.zoo`.
///
/// It begins as ``HeadTrainer`` does, with a head that is solved on the frozen backbone: the result to beat. From there
/// layers learn by their gradients, with the best epoch by the loss of validation pictures restored. With the same data
/// and settings the file is the same for any number of threads, and after any interruption.
public struct Trainer: Sendable {
  /// What to do with the checkpoint of an unfinished training.
  public enum Resuming: Sendable, Hashable {
    /// None may be there.
    case never
    /// Go on from it, if there is one; other data, settings or another backbone than it began with are an error.
    case same
    /// Go on from it whatever it began with, as far as its weights fit.
    case changed
    /// Begin anew, and replace it.
    case restart
  }

  /// How the head is trained, with data, views, cache and threads.
  public var head: HeadTrainer
  /// How layers of the backbone are trained.
  public var configuration: TrainingConfiguration
  /// The folder where an unfinished training is kept to be resumed, once a minute and after each epoch; nil: the
  /// output's. The file has the output's name with `.checkpoint` behind it, and is removed when the output is there.
  public var checkpointFolder: String?
  /// What to do with a checkpoint that is there.
  public var resuming = Resuming.never

  /// A training of a head and of layers of its backbone.
  public init(head: HeadTrainer, configuration: TrainingConfiguration = TrainingConfiguration()) {
    self.head = head
    self.configuration = configuration
  }

  /// What a run of a training needs of it.
  struct Tuning {
    let configuration: TrainingConfiguration
    let checkpointFolder: String?
    let resuming: Resuming

    /// Where the training of an output is kept.
    func checkpointPath(for output: String) -> String {
      let name = output.split(separator: "/").last.map(String.init) ?? output
      return "\(checkpointFolder ?? folder(of: output))/\(name).checkpoint"
    }
  }

  private var tuning: Tuning {
    Tuning(configuration: configuration, checkpointFolder: checkpointFolder, resuming: resuming)
  }

  /// Tries rates for the layers that are trained first: a hundred steps at rates that rise until the loss explodes.
  /// Nothing is written, and what was learned is forgotten.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what messages call the data.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`, as ``train(on:named:to:progress:)`` does.
  public func findRate(
    on dataset: ImageDataset, named name: String, progress: (HeadTrainer.Progress) -> Void = { _ in }
  ) throws(ZooError) -> RateSearch {
    try ZooError.wrap {
      try TrainingRun(trainer: head, tuning: nil, dataset: dataset, name: name)
        .findRate(tuning, progress: progress)
    }
  }

  /// Trains on a data set and writes the model.
  ///
  /// The output appears whole or not at all. Where the task is cancelled, or the program is ended, the checkpoint is what
  /// a later call goes on from.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; with the code `unsuitable` where the data can't be learned from, `cannotRun` where the
  ///   training diverges, `doesNotFit` where a checkpoint is of other data or settings, `tooLarge` where a step takes more
  ///   memory than it may, and `cancelled` where the task is cancelled.
  public func train(
    on dataset: ImageDataset, named name: String, to output: String,
    progress: (HeadTrainer.Progress) -> Void = { _ in }
  ) throws(ZooError) -> TrainingReport {
    try ZooError.wrap {
      try configuration.check()
      try AtomicFile.checkPossible(output, overwrite: head.options.overwrite)
      try CheckpointFile.checkPossible(tuning.checkpointPath(for: output), resuming)
      return try TrainingRun(trainer: head, tuning: tuning, dataset: dataset, name: name)
        .run(to: output, progress: progress)
    }
  }
}
