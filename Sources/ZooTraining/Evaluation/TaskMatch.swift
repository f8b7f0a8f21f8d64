import ZooData
import ZooFormat
import ZooGraph
import ZooLearning
import ZooSystem

/// A task that a model and a data set have in common.
struct TaskMatch {
  /// The task in the model's classes.
  let task: ImageDataset.Task
  /// Its place among the data set's targets.
  let place: Int
  /// The model's output.
  let output: Int
  /// For each class of the data set, the model's.
  private let indices: [Int]
  /// Whether the output is a single sigmoid.
  private let isPair: Bool

  /// All common tasks, in the data set's order: by their names, or the only one of each.
  ///
  /// - Throws: `ZooError` with the code `doesNotFit` where there is none, or a class that the model has not.
  static func all(model: ZooFile, dataset: ImageDataset) throws(ZooError) -> [TaskMatch] {
    let tasks = try Self.tasks(of: model)
    var matches: [TaskMatch] = []
    for (place, task) in dataset.tasks.enumerated() {
      let isOnly = tasks.count == 1 && dataset.tasks.count == 1
      guard let output = tasks.firstIndex(where: { $0.name == task.name || isOnly }) else { continue }
      matches.append(
        try TaskMatch(
          task, place: place, of: tasks[output], output: output, graph: model.document.graph, path: model.path
        ))
    }
    guard !matches.isEmpty else {
      throw ZooError(
        .doesNotFit, what: "no common task", at: model.path,
        "the model's are \(tasks.map(\.name).joined(separator: ", ")), the data's "
          + dataset.tasks.map(\.name).joined(separator: ", "))
    }
    return matches
  }

  /// What the model says that its outputs mean.
  static func tasks(of model: ZooFile) throws(ZooError) -> [TrainingRecord.Task] {
    if let tasks = model.document.training?.tasks, !tasks.isEmpty { return tasks }
    let kind: TrainingRecord.Task.Kind? =
      switch model.document.graph.outputKind {
      case .classes, .twoClasses: .classes
      case .independent: .labels
      case .values, nil: nil
      }
    guard let kind, !model.document.labels.isEmpty else {
      throw ZooError(
        .unsuitable, what: "model is no classifier with labels", at: model.path,
        kind == nil ? "its outputs are no probabilities" : "it does not name its classes",
        remedy: kind == nil ? nil : "zoo convert --labels FILE states them.")
    }
    return [TrainingRecord.Task(name: "class", kind: kind, labels: model.document.labels.map(\.name))]
  }

  private init(
    _ task: ImageDataset.Task, place: Int, of own: TrainingRecord.Task, output: Int, graph: Graph,
    path: String
  ) throws(ZooError) {
    guard own.kind.rawValue == task.kind.rawValue else {
      throw ZooError(
        .doesNotFit, what: "another kind of task", at: path,
        "'\(task.name)' is of \(task.kind.rawValue) in the data, of \(own.kind.rawValue) in the model")
    }
    var indices: [Int] = []
    var unknown: [String] = []
    for name in task.classNames {
      if let index = own.labels.firstIndex(of: name.onOneLine) {
        indices.append(index)
      } else {
        unknown.append(name)
      }
    }
    guard unknown.isEmpty else {
      let some = own.labels.prefix(8).joined(separator: ", ") + (own.labels.count > 8 ? ", …" : "")
      throw ZooError(
        .doesNotFit, what: "classes that the model has not", at: path,
        "\(unknown.prefix(5).map { "'\($0)'" }.joined(separator: ", ")); the model's are \(some)")
    }
    self.task = ImageDataset.Task(name: task.name, kind: task.kind, classNames: own.labels)
    self.place = place
    self.output = output
    self.indices = indices
    isPair = graph[graph.outputs[output]].shape.elementCount == 1 && own.labels.count == 2
  }

  /// The example with this task's target alone, in the model's classes.
  func renamed(_ example: ImageDataset.Example) -> ImageDataset.Example {
    let target: ImageDataset.Target =
      switch example.targets[place] {
      case .classIndex(let index): .classIndex(indices[index])
      case .labels(let labels): .labels(labels.map { indices[$0] }.sorted())
      case .missing, .number: example.targets[place]
      }
    return ImageDataset.Example(path: example.path, name: example.name, targets: [target], part: example.part)
  }

  /// Scores whose softmax or sigmoid is the mean of the output's probabilities for some views; the mean of numbers.
  func scores(of views: [[Float]]) -> [Double] {
    var means = [Double](repeating: 0, count: views[0].count)
    for view in views { for (place, value) in view.enumerated() { means[place] += Double(value) } }
    means = means.map { $0 / Double(views.count) }
    return isPair ? Scores.of([1 - means[0], means[0]], kind: .classes) : Scores.of(means, kind: task.kind)
  }
}

extension Scores {
  /// Scores whose softmax or sigmoid is these outputs of a network; numbers as they are.
  static func of(_ outputs: [Double], kind: ImageDataset.Task.Kind) -> [Double] {
    // The least probability that a float can state.
    func logarithm(_ probability: Double) -> Double { log(max(probability, 1e-45)) }
    return switch kind {
    case .number: outputs
    case .labels: outputs.map { logarithm($0) - logarithm(1 - $0) }
    case .classes: outputs.map(logarithm)
    }
  }
}
