import ZooSystem

/// How good scores of exclusive classes are.
package struct ClassificationMetrics: Sendable, Equatable, Codable {
  /// How often each class was taken for each.
  package let confusion: ConfusionMatrix
  /// The share of examples whose class has the highest score, with Wilson's 95 % interval.
  package let accuracy: Estimate
  /// The mean recall of the classes that have examples.
  package let balancedAccuracy: Double
  /// The mean F1 of the classes that have examples or were predicted.
  package let macroF1: Double
  /// Support, precision, recall and F1 of each class.
  package let perClass: [ConfusionMatrix.ClassMetrics]
  /// The mean of −ln(probability of the true class).
  package let logLoss: Double
  /// The mean of Σ (probability − truth)² over the classes.
  package let brier: Double
  /// The accuracy of always guessing the class with the most examples here.
  package let largestClassShare: Double

  /// - Parameters:
  ///   - scores: (N, classes), before softmax.
  ///   - labels: the class of each example, from 0.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if there is no example or the numbers don't fit together.
  package init(scores: [Double], labels: [Int], classes: Int) throws(ZooError) {
    try Self.check(scores, labels, classes)
    let confusion = ConfusionMatrix(
      labels: labels, predictions: Scores.largest(scores, outputs: classes), classes: classes)
    let perClass = confusion.perClass
    self.confusion = confusion
    self.perClass = perClass
    accuracy = Estimate(share: confusion.right, of: labels.count)
    let present = perClass.filter { $0.support > 0 }
    balancedAccuracy = present.reduce(0) { $0 + $1.recall } / Double(present.count)
    let used = perClass.indices.filter { perClass[$0].support > 0 || confusion.predicted($0) > 0 }
    macroF1 = used.reduce(0) { $0 + perClass[$1].f1 } / Double(used.count)
    let probabilities = Scores.softmax(scores, outputs: classes)
    logLoss =
      Self.logLosses(scores: scores, labels: labels, classes: classes).reduce(0, +) / Double(labels.count)
    brier =
      probabilities.indices.reduce(0) { sum, place in
        let truth: Double = labels[place / classes] == place % classes ? 1 : 0
        return sum + (probabilities[place] - truth) * (probabilities[place] - truth)
      } / Double(labels.count)
    largestClassShare = Double(perClass.map(\.support).max() ?? 0) / Double(labels.count)
  }

  static func check(_ scores: [Double], _ labels: [Int], _ classes: Int) throws(ZooError) {
    guard !labels.isEmpty, classes > 0, scores.count == labels.count * classes,
      labels.allSatisfy({ (0..<classes).contains($0) })
    else {
      throw ZooError(
        .doesNotFit, what: "cannot evaluate", at: "the scores",
        "there are \(scores.count) scores for \(labels.count) examples of \(classes) classes")
    }
  }

  /// −ln(probability of the true class) of each example, from scores (N, classes).
  package static func logLosses(scores: [Double], labels: [Int], classes: Int) -> [Double] {
    labels.indices.map { row in
      let own = scores[row * classes..<(row + 1) * classes]
      let largest = own.max() ?? 0
      let sum = own.reduce(0) { $0 + exponential($1 - largest) }
      return largest + logarithm(sum) - own[own.startIndex + labels[row]]
    }
  }

  /// The share of examples whose class is among the k highest scores, of equal ones the first.
  package static func topAccuracy(_ k: Int, scores: [Double], labels: [Int], classes: Int) -> Estimate {
    let right = labels.indices.count { row in
      let own = Array(scores[row * classes..<(row + 1) * classes])
      let score = own[labels[row]]
      let before = own.indices.count { own[$0] > score || own[$0] == score && $0 < labels[row] }
      return before < k
    }
    return Estimate(share: right, of: labels.count)
  }
}

extension Scores {
  /// The place of the highest score of each row; the first of equal ones.
  package static func largest(_ scores: [Double], outputs: Int) -> [Int] {
    guard outputs > 0 else { return [] }
    return stride(from: 0, to: scores.count, by: outputs).map { start in
      (0..<outputs).reduce(0) { scores[start + $1] > scores[start + $0] ? $1 : $0 }
    }
  }
}
