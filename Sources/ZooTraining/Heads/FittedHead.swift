import ZooGraph
import ZooLearning
import ZooSystem

/// A head of any kind, for raw features.
enum FittedHead {
  case linear(LinearHead)
  case multilayer(MultilayerHead)
  case nearest(NearestHead)

  /// The scores (rows, outputs) before softmax or sigmoid; of numbers the numbers.
  func scores(_ features: FeatureMatrix, threads: Int) throws(ZooError) -> [Double] {
    switch self {
    case .linear(let head): try head.scores(features, threads: threads)
    case .multilayer(let head): try head.scores(features, threads: threads)
    case .nearest(let head): try head.scores(features, threads: threads)
    }
  }

  /// The layers that compute it.
  ///
  /// - Parameters:
  ///   - name: of the last one.
  ///   - dropout: the share of features that further training does without.
  func layers(named name: String, activation: Activation, dropout: Double = 0) -> [TrainedHead.Layer] {
    switch self {
    case .linear(let head):
      return (dropout > 0 ? [.dropout(name + "_dropout", dropout)] : [])
        + [TrainedHead.dense(name, weights: head.weights, bias: head.bias, activation: activation)]
    case .multilayer(let head):
      return [
        TrainedHead.dense(
          name + "_hidden", weights: head.hidden.weights, bias: head.hidden.bias, activation: .relu),
        // What dropout is at inference; whoever trains on finds its place.
        .dropout(name + "_dropout", MultilayerOptions().dropout),
        TrainedHead.dense(name, weights: head.output.weights, bias: head.output.bias, activation: activation),
      ]
    case .nearest(let head): return head.layers(named: name)
    }
  }
}

/// What a search settles, and a head of other rows is trained with.
struct HeadSetting {
  /// The penalty on a linear head's squared weights.
  var penalty: Double?
  /// How often a multi-layer head sees all pictures.
  var epochs: Int?
  /// What the cosines of a nearest-neighbour head are multiplied by.
  var scale: Double?
}

/// What a search found.
struct HeadSearch {
  let setting: HeadSetting
  /// The penalties that were tried.
  var table: [TrainingReport.Penalty] = []
  /// (rows, outputs): of each row by a head that has not seen its part.
  let outOfFoldScores: [Double]
  /// Of all rows.
  let head: FittedHead
}

/// Trains heads of one kind on the rows of one task.
protocol HeadSolver {
  /// How many scores a row gets.
  var outputs: Int { get }
  /// Whether classes are balanced by weights.
  var isWeighted: Bool { get }
  /// Settles by cross-validation what a head is trained with, and measures it so.
  func search(folds: [Int], progress: () -> Void) throws(ZooError) -> HeadSearch
  /// The head of all rows.
  func fit(_ setting: HeadSetting) throws(ZooError) -> FittedHead
}

/// The rows of a task of classes.
struct ClassRows {
  let features: FeatureMatrix
  let labels: [Int]
  let classes: Int

  func selecting(_ rows: [Int]) -> ClassRows {
    ClassRows(features: features.selecting(rows: rows), labels: rows.map { labels[$0] }, classes: classes)
  }

  /// The scores of each part of cross-validation by a head of the others.
  func outOfFold(
    _ folds: [Int], threads: Int, _ fit: (ClassRows) throws(ZooError) -> FittedHead
  ) throws(ZooError) -> [Double] {
    var scores = [Double](repeating: 0, count: labels.count * classes)
    for fold in Set(folds).sorted() {
      let held = folds.indices.filter { folds[$0] == fold }
      let head = try fit(selecting(folds.indices.filter { folds[$0] != fold }))
      let own = try head.scores(features.selecting(rows: held), threads: threads)
      for (place, row) in held.enumerated() {
        for output in 0..<classes { scores[row * classes + output] = own[place * classes + output] }
      }
    }
    return scores
  }
}
