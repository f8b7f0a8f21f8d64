import ZooData
import ZooSystem
import ZooTraining

extension Evaluation {
  /// Runs a model on labelled pictures, as `zoo evaluate` does.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file of a classifier with labels, or of a model that this package trained.
  ///   - dataset: the pictures.
  ///   - name: what the result calls the data.
  ///   - part: which of the data set's parts; nil: the test part where there is one, else all pictures.
  ///   - options: how it is evaluated; nil: with pictures brought to size as the model was trained.
  ///   - progress: is told how many pictures are done.
  /// - Throws: `ZooError` with the code `ZooError.Code.doesNotFit` where the data have a class that the model has not.
  public init(
    model path: String, on dataset: ImageDataset, named name: String = "data", part: ImageDataset.Part? = nil,
    options: Options? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    let (file, options) = try Options.opening(path, options: options)
    try self.init(
      of: file, on: dataset, named: name, part: part, options: options, progress: progress)
  }
}

// Evaluating takes seconds to minutes: here it runs on a thread that no task needs.

extension Evaluation {
  /// What an evaluation tells while it runs, and what it found.
  public enum Event: Sendable {
    /// How many pictures are done, of how many.
    case pictures(done: Int, total: Int)
    /// It is done. The last event.
    case finished(Evaluation)
  }

  /// Evaluates as ``init(model:on:named:part:options:progress:)`` does, on a thread that no task needs.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file of a classifier with labels, or of a model that this package trained.
  ///   - dataset: the pictures.
  ///   - name: what the result calls the data.
  ///   - part: which of the data set's parts; nil: the test part where there is one, else all pictures.
  ///   - options: how it is evaluated; nil: with pictures brought to size as the model was trained.
  ///   - progress: is told how many pictures are done, on that thread.
  /// - Throws: `ZooError`, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public static func compute(
    model path: String, on dataset: ImageDataset, named name: String = "data", part: ImageDataset.Part? = nil,
    options: Options? = nil, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws(ZooError) -> Evaluation {
    try await Gate(limit: 1).run {
      try Evaluation(model: path, on: dataset, named: name, part: part, options: options, progress: progress)
    }
  }

  /// Evaluates, and tells what happens as an asynchronous sequence.
  ///
  /// Where the loop ends early or its task is cancelled, the evaluation ends too.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file of a classifier with labels, or of a model that this package trained.
  ///   - dataset: the pictures.
  ///   - name: what the result calls the data.
  ///   - part: which of the data set's parts; nil: the test part where there is one, else all pictures.
  ///   - options: how it is evaluated; nil: with pictures brought to size as the model was trained.
  public static func events(
    model path: String, on dataset: ImageDataset, named name: String = "data", part: ImageDataset.Part? = nil,
    options: Options? = nil
  ) -> AsyncThrowingStream<Event, any Error> {
    .events(
      of: { tell in
        try await compute(
          model: path, on: dataset, named: name, part: part, options: options,
          progress: { tell(.pictures(done: $0, total: $1)) })
      },
      progress: { $0 }, finished: Event.finished)
  }
}
