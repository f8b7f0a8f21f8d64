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

  /// About how many steps a search has: all decades and two penalties between, or two heads for each part.
  private var stepCount: Int {
    switch options.head {
    case .linear: PenaltySearch.decades.count + 2
    case .multilayer: 2 * options.folds
    case .nearest: 1
    }
  }

  func run(isOnly: Bool, progress: (HeadTrainer.Progress) -> Void) throws -> TaskOutcome {
    let training = known(plan.training)
    guard !training.isEmpty else {
      throw ZooError(
        .unsuitable, what: "nothing to learn from", at: "task '\(task.name)'", "no picture has a value")
    }
    let solver = try solver(training)
    let steps = stepCount
    progress(.penalties(done: 0, total: steps))
    var tried = 0
    let search = try solver.search(folds: folds(training)) {
      tried += 1
      progress(.penalties(done: min(tried, steps), total: steps))
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
      ? try self.solver(final).fit(search.setting) : search.head
    let tested = known(plan.test)
    let testScores = tested.isEmpty ? [] : try self.scores(of: head, tested)
    let report = TrainingReport.Task(
      name: task.name, kind: task.kind.rawValue, classes: task.classNames, counts: counts(final),
      penalty: search.setting.penalty, penalties: search.table, epochs: search.setting.epochs,
      isWeighted: solver.isWeighted,
      measured: measured.isEmpty
        ? nil : try TrainingReport.Measured(task, pictures: examples(measured), scores: scores, place: place),
      tested: tested.isEmpty
        ? nil
        : try TrainingReport.Measured(task, pictures: examples(tested), scores: testScores, place: place),
      trained: final.count)
    return TaskOutcome(
      head: trainedHead(head, isOnly: isOnly), report: report, fitted: head, setting: search.setting)
  }

  /// A head of some of the pictures, which further training begins with.
  ///
  /// - Parameter dropout: the share of features that this training does without.
  func head(
    of pictures: [Int], _ setting: HeadSetting, isOnly: Bool, dropout: Double
  ) throws(ZooError) -> TrainedHead {
    trainedHead(try solver(known(pictures)).fit(setting), isOnly: isOnly, dropout: dropout)
  }

  /// The loss of each picture as it is, and in another view, by a head of other pictures; 0 where its target is not known.
  ///
  /// - Parameter views: the features of the other views, a row for each picture.
  func losses(
    of pictures: [Int], inViews views: FeatureMatrix, afterTrainingOn others: [Int], _ outcome: TaskOutcome
  ) throws(ZooError) -> [(plain: Double, other: Double)] {
    let known = known(others)
    guard !known.isEmpty else { return pictures.map { _ in (0, 0) } }
    let solver = try solver(known)
    let head = try solver.fit(outcome.setting)
    let loss = try TaskLoss(
      task, place: place, columns: 0..<solver.outputs, examples: examples(known), isWeighted: false,
      configuration: TrainingConfiguration())
    let plain = try scores(of: head, pictures)
    let other = try head.scores(views, threads: options.threads)
    var losses: [(plain: Double, other: Double)] = []
    for (row, picture) in pictures.enumerated() {
      let own = row * loss.columns.count..<(row + 1) * loss.columns.count
      let example = self.pictures.examples[picture]
      losses.append(
        (
          try loss.measured(loss.logits(plain[own]), example) ?? 0,
          try loss.measured(loss.logits(other[own]), example) ?? 0
        ))
    }
    return losses
  }

  /// How well outputs of a network are on pictures; nil where no target is known.
  ///
  /// - Parameter outputs: probabilities or numbers of each picture.
  func measure(_ outputs: [[Double]], of pictures: [Int]) throws(ZooError) -> TrainingReport.Measured? {
    let rows = pictures.indices.filter { self.pictures.examples[pictures[$0]].targets[place] != .missing }
    guard !rows.isEmpty else { return nil }
    return try TrainingReport.Measured(
      task, pictures: examples(rows.map { pictures[$0] }),
      scores: rows.flatMap { Scores.of(outputs[$0], kind: task.kind) }, place: place)
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

  private func solver(_ training: [Int]) throws(ZooError) -> any HeadSolver {
    let rows = pictures.rows(of: training, allViews: true)
    let targets = training.flatMap { picture in
      Array(repeating: pictures.examples[picture].targets[place], count: pictures.views)
    }
    let features = pictures.features.matrix.selecting(rows: rows)
    if options.head == .linear {
      return try HeadProblemSolver(
        task: task, features: features, targets: targets, classWeights: options.classWeights,
        penalty: options.penalty, threads: options.threads)
    }
    guard task.kind == .classes else {
      throw ZooError(
        .unsupported, what: "no such head", at: "task '\(task.name)'",
        "a head of the kind '\(options.head.name)' tells classes apart, and this task is of \(task.kind.rawValue)",
        remedy: "The linear head learns every kind of task.")
    }
    let labels = targets.map { if case .classIndex(let index) = $0 { index } else { 0 } }
    let own = ClassRows(features: features, labels: labels, classes: task.classNames.count)
    switch options.head {
    case .multilayer(let units):
      return MultilayerSolver(
        rows: own,
        weights: HeadProblemSolver.balanced(labels, count: own.classes, options.classWeights), units: units,
        seed: options.seed, threads: options.threads)
    case .nearest, .linear: return NearestSolver(rows: own, threads: options.threads)
    }
  }

  private func scores(of head: FittedHead, _ pictures: [Int]) throws(ZooError) -> [Double] {
    try head.scores(
      self.pictures.features.matrix.selecting(rows: self.pictures.rows(of: pictures, allViews: false)),
      threads: options.threads)
  }

  // MARK: Layers

  private func trainedHead(_ head: FittedHead, isOnly: Bool, dropout: Double = 0) -> TrainedHead {
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
      layers: head.layers(named: name, activation: activation, dropout: dropout))
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
  let fitted: FittedHead
  let setting: HeadSetting

  /// What the network is to give for rows of features: probabilities, or numbers.
  func outputs(of matrix: FeatureMatrix, rows: [Int]) throws(ZooError) -> [Double] {
    let scores = try fitted.scores(matrix.selecting(rows: rows), threads: 1)
    return switch head.task.kind {
    case .classes: Scores.softmax(scores, outputs: head.task.labels.count)
    case .labels: Scores.sigmoid(scores)
    case .number: scores
    }
  }
}
