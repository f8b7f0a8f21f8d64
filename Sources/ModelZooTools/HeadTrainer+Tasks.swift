import ZooData
import ZooSystem
import ZooTraining

// Training takes seconds to minutes: here it runs on a thread that no task needs.

extension HeadTrainer {
  /// What a training tells while it runs, and what it did.
  public enum Event: Sendable {
    /// What happens.
    case progress(Progress)
    /// It is done, and the model is there. The last event.
    case finished(TrainingReport)
  }

  /// Trains as ``train(on:named:to:progress:)`` does, on a thread that no task needs.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens, on that thread.
  /// - Throws: `ZooError`, with the code `ZooError.Code.cancelled` where the task is cancelled; then nothing is written,
  ///   and what was computed of pictures stays in the cache.
  public func computeTraining(
    on dataset: ImageDataset, named name: String, to output: String,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
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
  ///       case .progress(.pictures(let done, let total)): print("\(done) of \(total) pictures")
  ///       case .progress: break
  ///       case .finished(let report): print(report.tasks[0].measured?.accuracy?.value ?? 0)
  ///       }
  ///     }
  ///
  /// The training runs whether or not the loop keeps up, which then misses some of the progress. Where the loop ends
  /// early or its task is cancelled, the training ends too, and nothing is written but the cache.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  public func events(
    trainingOn dataset: ImageDataset, named name: String, to output: String
  ) -> AsyncThrowingStream<Event, any Error> {
    .events(
      of: { try await computeTraining(on: dataset, named: name, to: output, progress: $0) },
      progress: Event.progress, finished: Event.finished)
  }
}
