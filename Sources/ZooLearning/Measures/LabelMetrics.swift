import ZooSystem

/// How good scores of labels are that do not exclude each other.
package struct LabelMetrics: Sendable, Equatable, Codable {
  /// What is known of one label, over the examples where it is known.
  package struct Label: Sendable, Equatable, Codable {
    /// Examples that have it.
    package let positives: Int
    /// Examples where it is known.
    package let known: Int
    /// The mean precision over the places of the positives in the order of scores; nil without positives.
    package let averagePrecision: Double?
    /// The probability that a positive's score is above a negative's; nil without either.
    package let areaUnderCurve: Double?
    /// The harmonic mean of precision and recall at the probability one half; 0 if both are.
    package let f1: Double
  }

  /// The metrics of each label.
  package let labels: [Label]
  /// The mean of the labels' average precisions; nil if none has one.
  package let meanAveragePrecision: Double?

  /// - Parameters:
  ///   - scores: (N, labels), before the sigmoid.
  ///   - targets: (N, labels), above one half for yes; NaN where it is not known.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the numbers don't fit together.
  package init(scores: [Double], targets: [Double], labels count: Int) throws(ZooError) {
    guard count > 0, scores.count == targets.count, scores.count.isMultiple(of: count) else {
      throw ZooError(
        .doesNotFit, what: "cannot evaluate", at: "the scores",
        "there are \(scores.count) scores for \(targets.count) targets of \(count) labels")
    }
    labels = (0..<count).map { label in
      Self.label(
        stride(from: label, to: scores.count, by: count).filter { !targets[$0].isNaN }.map {
          (scores[$0], targets[$0] > 0.5)
        })
    }
    let precisions = labels.compactMap(\.averagePrecision)
    meanAveragePrecision = precisions.isEmpty ? nil : precisions.reduce(0, +) / Double(precisions.count)
  }

  private static func label(_ examples: [(score: Double, isPositive: Bool)]) -> Label {
    let sorted = examples.sorted { $0.score > $1.score }
    let positives = examples.count { $0.isPositive }
    let negatives = examples.count - positives
    var (found, seen, precision, pairs) = (0, 0, 0.0, 0.0)
    // Equal scores are one place in the order.
    while seen < sorted.count {
      var end = seen
      while end < sorted.count, sorted[end].score == sorted[seen].score { end += 1 }
      let own = sorted[seen..<end].count { $0.isPositive }
      let negativesBefore = seen - found
      let ownNegatives = end - seen - own
      pairs += Double(own) * (Double(negatives - negativesBefore - ownNegatives) + Double(ownNegatives) / 2)
      found += own
      seen = end
      precision += Double(own) * Double(found) / Double(seen)
    }
    let predicted = examples.count { $0.score > 0 }
    let right = examples.count { $0.score > 0 && $0.isPositive }
    return Label(
      positives: positives, known: examples.count,
      averagePrecision: positives > 0 ? precision / Double(positives) : nil,
      areaUnderCurve: positives > 0 && negatives > 0 ? pairs / Double(positives * negatives) : nil,
      f1: predicted + positives > 0 ? 2 * Double(right) / Double(predicted + positives) : 0)
  }
}
