import ZooConversion
import ZooData
import ZooSystem
import ZooTraining

// A training of layers takes minutes: here it runs on a thread that no task needs.

extension Trainer {
  /// Opens a backbone to train a head and layers of it.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file whose network takes pictures.
  ///   - configuration: how layers are trained.
  ///   - options: how the head is trained.
  /// - Throws: `ZooError` where the file can't be used.
  public init(
    backbone path: String, configuration: TrainingConfiguration = TrainingConfiguration(),
    options: HeadTrainer.Options = HeadTrainer.Options()
  ) throws(ZooError) {
    self.init(head: try HeadTrainer(backbone: path, options: options), configuration: configuration)
  }

  /// Trains as ``train(on:named:to:progress:)`` does, on a thread that no task needs.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens, on that thread.
  /// - Throws: `ZooError`, with the code `ZooError.Code.cancelled` where the task is cancelled; then the checkpoint is
  ///   what a later call goes on from.
  public func computeTraining(
    on dataset: ImageDataset, named name: String, to output: String,
    progress: @escaping @Sendable (HeadTrainer.Progress) -> Void = { _ in }
  ) async throws(ZooError) -> TrainingReport {
    let trainer = self
    return try await Gate(limit: 1).run {
      try trainer.train(on: dataset, named: name, to: output, progress: progress)
    }
  }

  /// Trains, and tells what happens as an asynchronous sequence.
  ///
  ///     for try await event in trainer.events(trainingOn: flowers, named: "flowers", to: "flowers.zoo") {
  ///       switch event {
  ///       case .progress(.tuning(let tuning)): print("\(tuning.stage): step \(tuning.step) of \(tuning.steps)")
  ///       case .progress: break
  ///       case .finished(let report): print(report.fineTuning?.isKept == true)
  ///       }
  ///     }
  ///
  /// The training runs whether or not the loop keeps up, which then misses some of the progress. Where the loop ends
  /// early or its task is cancelled, the training ends too, and leaves a checkpoint to go on from.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  public func events(
    trainingOn dataset: ImageDataset, named name: String, to output: String
  ) -> AsyncThrowingStream<HeadTrainer.Event, any Error> {
    .events(
      of: { try await computeTraining(on: dataset, named: name, to: output, progress: $0) },
      progress: HeadTrainer.Event.progress, finished: HeadTrainer.Event.finished)
  }
}
