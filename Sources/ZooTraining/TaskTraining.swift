import ZooData
import ZooGraph
import ZooLearning
import ZooSystem

/// Trains the head of one task, and measures it on pictures that it has not seen.
struct TaskTraining {
  let options: HeadTrainer.Options
  let task: ImageDataset.Task
  /// The task's place among the targets.
  let place: Int
  let pictures: TrainingRun.Pictures
  let plan: TrainingPlan

  /// The penalties of a search: all decades, and two between.
  private static let penaltyCount = PenaltySearch.decades.count + 2

  func run(isOnly: Bool, progress: (HeadTrainer.Progress) -> Void) throws -> TaskOutcome {
    let training = known(plan.training)
    guard !training.isEmpty else {
      throw ZooError(
        .unsuitable, what: "nothing to learn from", at: "task '\(task.name)'", "no picture has a value")
    }
    let solver = try solver(training)
    progress(.penalties(done: 0, total: Self.penaltyCount))
    var tried = 0
    let search = try solver.search(folds: folds(training)) {
      tried += 1
      progress(.penalties(done: tried, total: Self.penaltyCount))
    }
    // How well it does on pictures that it has not seen.
    let measured: [Int]
    var scores: [Double]
    switch plan.scheme {
    case .folds:
      measured = training
      scores = stride(from: 0, to: training.count, by: 1).flatMap { picture in
        let row = picture * pictures.views
        return search.outOfFoldScores[row * solver.outputs..<(row + 1) * solver.outputs]
      }
    case .holdout, .given:
      measured = known(plan.validation)
      scores = try self.scores(of: search.head, measured)
    }
    // What goes into the file.
    let final = known(plan.final)
    let head =
      plan.scheme == .holdout
      ? try self.solver(final).fit(penalty: search.penalty) : search.head
    let tested = known(plan.test)
    let testScores = tested.isEmpty ? [] : try self.scores(of: head, tested)
    let report = TrainingReport.Task(
      name: task.name, kind: task.kind.rawValue, classes: task.classNames, counts: counts(final),
      penalty: search.penalty, penalties: search.table,
      isWeighted: solver.isWeighted,
      measured: measured.isEmpty
        ? nil : try TrainingReport.Measured(task, pictures: examples(measured), scores: scores, place: place),
      tested: tested.isEmpty
        ? nil
        : try TrainingReport.Measured(task, pictures: examples(tested), scores: testScores, place: place),
      trained: final.count)
    return TaskOutcome(head: trainedHead(head, isOnly: isOnly), report: report, linear: head)
  }

  // MARK: Pictures and their targets

  /// Those whose target is known.
  private func known(_ pictures: [Int]) -> [Int] {
    pictures.filter { self.pictures.examples[$0].targets[place] != .missing }
  }

  private func examples(_ pictures: [Int]) -> [ImageDataset.Example] {
    pictures.map { self.pictures.examples[$0] }
  }

  /// Which part of cross-validation each row is in: all views of a picture are in one.
  private func folds(_ training: [Int]) -> [Int] {
    var byPicture: [Int: Int] = [:]
    for (picture, fold) in zip(plan.training, plan.folds) { byPicture[picture] = fold }
    return training.flatMap { picture in
      Array(repeating: byPicture[picture] ?? 0, count: pictures.views)
    }
  }

  private func counts(_ pictures: [Int]) -> [Int] {
    var counts = [Int](repeating: 0, count: task.classNames.count)
    for picture in pictures {
      switch self.pictures.examples[picture].targets[place] {
      case .classIndex(let index): counts[index] += 1
      case .labels(let indices): for index in indices { counts[index] += 1 }
      case .number, .missing: break
      }
    }
    return counts
  }

  // MARK: Solving

  private func solver(_ training: [Int]) throws(ZooError) -> HeadProblemSolver {
    let rows = pictures.rows(of: training, allViews: true)
    let targets = training.flatMap { picture in
      Array(repeating: pictures.examples[picture].targets[place], count: pictures.views)
    }
    return try HeadProblemSolver(
      task: task, features: pictures.features.matrix.selecting(rows: rows), targets: targets,
      classWeights: options.classWeights, penalty: options.penalty, threads: options.threads)
  }

  private func scores(of head: LinearHead, _ pictures: [Int]) throws(ZooError) -> [Double] {
    try head.scores(
      self.pictures.features.matrix.selecting(rows: self.pictures.rows(of: pictures, allViews: false)),
      threads: options.threads)
  }

  // MARK: Layers

  private func trainedHead(_ head: LinearHead, isOnly: Bool) -> TrainedHead {
    let name = isOnly ? "predictions" : Self.layerName(task.name)
    let activation: Activation =
      switch task.kind {
      case .classes: .softmax
      case .labels: .sigmoid
      case .number: .linear
      }
    let kind: TrainingRecord.Task.Kind =
      switch task.kind {
      case .classes: .classes
      case .labels: .labels
      case .number: .number
      }
    return TrainedHead(
      task: TrainingRecord.Task(
        name: task.name.onOneLine, kind: kind, labels: task.classNames.map(\.onOneLine)),
      layers: [TrainedHead.dense(name, weights: head.weights, bias: head.bias, activation: activation)])
  }

  /// The task's name as Keras takes it for a layer's.
  private static func layerName(_ name: String) -> String {
    let plain = name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
    return plain.first.map { $0.isLetter } == true ? String(plain) : "task_" + String(plain)
  }
}

/// What became of one task.
struct TaskOutcome {
  let head: TrainedHead
  let report: TrainingReport.Task
  let linear: LinearHead

  /// What the network is to give for rows of features: probabilities, or numbers.
  func outputs(of matrix: FeatureMatrix, rows: [Int]) throws(ZooError) -> [Double] {
    let scores = try linear.scores(matrix.selecting(rows: rows))
    return switch head.task.kind {
    case .classes: Scores.softmax(scores, outputs: linear.outputs)
    case .labels: Scores.sigmoid(scores)
    case .number: scores
    }
  }
}
