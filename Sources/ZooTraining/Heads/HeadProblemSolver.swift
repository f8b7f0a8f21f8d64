import ZooData
import ZooLearning
import ZooSystem

/// The convex problem of one task's head: its features and targets, whatever the kind of target.
struct HeadProblemSolver: HeadSolver {
  private enum Targets {
    case classes([Int], count: Int)
    case labels([Double], count: Int)
    case numbers([Double])
  }

  /// Weights are balanced where a class has this many times the pictures of another.
  private static let imbalance = 3

  let outputs: Int
  /// Whether classes are balanced by weights.
  let isWeighted: Bool
  private var features: FeatureMatrix
  private var targets: Targets
  private var weights: [Double]?
  private let penalty: Double?
  private let threads: Int

  /// - Parameters:
  ///   - features: a row for each target.
  ///   - penalty: where it is given and not to be searched.
  init(
    task: ImageDataset.Task, features: FeatureMatrix, targets: [ImageDataset.Target],
    classWeights: HeadTrainer.ClassWeights, penalty: Double?, threads: Int
  ) throws(ZooError) {
    self.features = features
    self.penalty = penalty
    self.threads = threads
    let count = task.classNames.count
    var weights: [Double]?
    switch task.kind {
    case .classes:
      let labels = targets.map { if case .classIndex(let index) = $0 { index } else { 0 } }
      self.targets = .classes(labels, count: count)
      weights = Self.balanced(labels, count: count, classWeights)
      outputs = count
    case .labels:
      var values = [Double](repeating: 0, count: targets.count * count)
      for (row, target) in targets.enumerated() {
        if case .labels(let indices) = target { for index in indices { values[row * count + index] = 1 } }
      }
      self.targets = .labels(values, count: count)
      outputs = count
    case .number:
      self.targets = .numbers(targets.map { if case .number(let number) = $0 { number } else { Double.nan } })
      outputs = 1
    }
    self.weights = weights
    isWeighted = weights != nil
  }

  /// A weight for each row, so that all classes count the same; nil where rows do.
  static func balanced(
    _ labels: [Int], count: Int, _ choice: HeadTrainer.ClassWeights
  ) -> [Double]? {
    var counts = [Int](repeating: 0, count: count)
    for label in labels { counts[label] += 1 }
    let present = counts.filter { $0 > 0 }
    let isUneven = (present.max() ?? 0) > imbalance * (present.min() ?? 0)
    switch choice {
    case .none: return nil
    case .automatic where !isUneven: return nil
    case .automatic, .balanced:
      return labels.map { Double(labels.count) / Double(present.count * counts[$0]) }
    }
  }

  /// Chooses the penalty by cross-validation, or where one is given, measures it so.
  func search(folds: [Int], progress: () -> Void) throws(ZooError) -> HeadSearch {
    if let penalty { return try measured(penalty, folds: folds) }
    let result: PenaltySearch.Result
    switch targets {
    case .classes(let labels, let count):
      result = try PenaltySearch.logistic(
        features, labels: labels, classes: count, exampleWeights: weights, folds: folds, threads: threads,
        progress: { _ in progress() })
    case .labels(let values, let count):
      result = try PenaltySearch.oneVersusRest(
        features, targets: values, labels: count, folds: folds, threads: threads,
        progress: { _ in progress() })
    case .numbers(let numbers):
      let found = try RidgeRegression.search(features, targets: numbers, folds: folds, threads: threads)
      return HeadSearch(
        setting: HeadSetting(penalty: found.penalty), table: found.table.map(TrainingReport.Penalty.init),
        outOfFoldScores: found.outOfFold, head: .linear(found.head))
    }
    return HeadSearch(
      setting: HeadSetting(penalty: result.penalty), table: result.table.map(TrainingReport.Penalty.init),
      outOfFoldScores: result.outOfFoldScores, head: .linear(result.head))
  }

  /// Each part's scores by a head of the others.
  private func measured(_ penalty: Double, folds: [Int]) throws(ZooError) -> HeadSearch {
    var scores = [Double](repeating: 0, count: folds.count * outputs)
    for fold in Set(folds).sorted() {
      let held = folds.indices.filter { folds[$0] == fold }
      let head = try selecting(folds.indices.filter { folds[$0] != fold }).fit(penalty: penalty)
      let own = try head.scores(features.selecting(rows: held), threads: threads)
      for (place, row) in held.enumerated() {
        for output in 0..<outputs { scores[row * outputs + output] = own[place * outputs + output] }
      }
    }
    return HeadSearch(
      setting: HeadSetting(penalty: penalty), outOfFoldScores: scores,
      head: .linear(try fit(penalty: penalty)))
  }

  /// The problem of some of the rows.
  private func selecting(_ rows: [Int]) -> HeadProblemSolver {
    var part = self
    part.features = features.selecting(rows: rows)
    part.weights = weights.map { weights in rows.map { weights[$0] } }
    switch targets {
    case .classes(let labels, let count): part.targets = .classes(rows.map { labels[$0] }, count: count)
    case .labels(let values, let count):
      part.targets = .labels(rows.flatMap { values[$0 * count..<($0 + 1) * count] }, count: count)
    case .numbers(let numbers): part.targets = .numbers(rows.map { numbers[$0] })
    }
    return part
  }

  func fit(_ setting: HeadSetting) throws(ZooError) -> FittedHead {
    .linear(try fit(penalty: setting.penalty ?? penalty ?? PenaltySearch.decades[0]))
  }

  /// The head of all rows at a penalty, for raw features.
  private func fit(penalty: Double) throws(ZooError) -> LinearHead {
    let standardization = try Standardization(features)
    let fit: HeadFit
    switch targets {
    case .classes(let labels, let count):
      fit = try LogisticRegression.fit(
        features, labels: labels, classes: count, exampleWeights: weights, penalty: penalty,
        standardization: standardization, threads: threads)
    case .labels(let values, let count):
      fit = try OneVersusRest.fit(
        features, targets: values, labels: count, penalty: penalty, standardization: standardization,
        threads: threads)
    case .numbers(let numbers):
      let head = try RidgeRegression.fit(
        features, targets: numbers, penalty: penalty, standardization: standardization, threads: threads)
      return head.folding(standardization)
    }
    return fit.head.folding(standardization)
  }
}
