import ZooGraph
import ZooSystem
import ZooTensor

/// What a trained model tells of a picture for one of its tasks.
public struct TaskPrediction: Sendable, Hashable {
  /// The task.
  public let task: TrainingRecord.Task
  /// Its classes or labels, the one with the highest probability first; empty for a number.
  public let classes: [Prediction]
  /// The number, for a task of numbers.
  public let number: Float?
}

/// A model that was trained for one or several tasks: a picture in, an answer for each task out.
///
///     let predictor = try TaskPredictor(model: Model(path: "flowers.zoo"))
///     for answer in try predictor.predict([Picture(path: "rose.jpg")])[0] {
///       print(answer.task.name, answer.classes.first?.label ?? answer.number ?? 0)
///     }
///
/// It can be used from several threads at once.
public struct TaskPredictor: Sendable {
  /// The model that it runs.
  public let model: Model
  /// What the model tells, in the order of its outputs.
  public let tasks: [TrainingRecord.Task]
  /// How pictures are cropped and resized: as the model was trained, where nothing else is set.
  public var fitting: PictureFitting
  private let runner: Runner

  /// Prepares an opened model to run.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - options: how it runs.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model does not say what its outputs
  ///   mean.
  public init(model: Model, options: RunOptions = RunOptions()) throws(ZooError) {
    guard let tasks = model.training?.tasks, !tasks.isEmpty else {
      throw ZooError(
        .unsuitable, what: "model states no tasks", at: model.path, "it was not trained by this package")
    }
    self.model = model
    self.tasks = tasks
    fitting = model.fitting
    runner = try ZooError.wrap {
      try Runner(model: model, graph: model.graph, taps: model.graph.outputs, options: options)
    }
  }

  /// The answers for each picture, in their order: one for each of ``tasks``.
  ///
  /// In a task that is cancelled it stops before the next picture. For use in tasks there is
  /// ``computePredictions(of:)``.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func predict(_ pictures: [Picture]) throws(ZooError) -> [[TaskPrediction]] {
    answers(try ZooError.wrap { try runner.run(on: pictures, fitting: fitting) }, count: pictures.count)
  }

  /// Computes the answers as ``predict(_:)`` does, on a thread that no task needs.
  ///
  /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public func computePredictions(of pictures: [Picture]) async throws(ZooError) -> [[TaskPrediction]] {
    let (runner, fitting) = (runner, fitting)
    let outputs = try await runner.gate.run { try runner.run(on: pictures, fitting: fitting) }
    return answers(outputs, count: pictures.count)
  }

  private func answers(_ outputs: [Tensor], count: Int) -> [[TaskPrediction]] {
    (0..<count).map { picture in
      zip(tasks, outputs).map { task, output in
        let values = output[example: picture].values
        guard task.kind != .number else {
          return TaskPrediction(task: task, classes: [], number: values[0])
        }
        let kind: OutputKind = task.kind == .classes ? .classes : .independent
        let ranked = values.indices.sorted { values[$0] == values[$1] ? $0 < $1 : values[$0] > values[$1] }
        return TaskPrediction(
          task: task,
          classes: ranked.map {
            Prediction(classIndex: $0, id: "", label: task.labels[$0], value: values[$0], outputKind: kind)
          }, number: nil)
      }
    }
  }
}
