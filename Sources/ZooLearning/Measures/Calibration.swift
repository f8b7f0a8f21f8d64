import ZooSystem

/// Whether probabilities can be believed: the table for a reliability diagram.
package struct Calibration: Sendable, Equatable, Codable {
  /// Examples whose highest probabilities are about the same.
  package struct Bin: Sendable, Equatable, Codable {
    package let low: Double
    package let high: Double
    package let count: Int
    /// The mean of the highest probability.
    package let confidence: Double
    /// The share of right predictions.
    package let accuracy: Double
  }

  /// How examples go into bins.
  package enum Binning: Sendable {
    /// Bins of equal width (low, high], from 0 to 1.
    case equalWidth(Int)
    /// Bins of about equally many examples, in the order of their probabilities.
    case equalMass(Int)
  }

  /// The bins that have examples, from low to high.
  package let bins: [Bin]
  /// The expected calibration error: the mean of |accuracy − confidence|, each bin by its examples.
  package let expectedError: Double

  /// - Parameters:
  ///   - probabilities: (N, classes).
  ///   - labels: the class of each example, from 0.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if there is no example or the numbers don't fit together.
  package init(
    probabilities: [Double], labels: [Int], classes: Int, _ binning: Binning = .equalWidth(15)
  ) throws(ZooError) {
    try ClassificationMetrics.check(probabilities, labels, classes)
    let predictions = Scores.largest(probabilities, outputs: classes)
    let examples = labels.indices.map { row in
      (
        row: row, confidence: probabilities[row * classes + predictions[row]],
        isRight: predictions[row] == labels[row]
      )
    }
    var groups: [(low: Double, high: Double, rows: [Int])] = []
    switch binning {
    case .equalWidth(let count):
      let count = max(count, 1)
      for bin in 0..<count {
        groups.append((Double(bin) / Double(count), Double(bin + 1) / Double(count), []))
      }
      for example in examples {
        let bin = min(max(Int((example.confidence * Double(count)).rounded(.up)) - 1, 0), count - 1)
        groups[bin].rows.append(example.row)
      }
    case .equalMass(let count):
      let sorted = examples.sorted { ($0.confidence, $0.row) < ($1.confidence, $1.row) }
      let count = min(max(count, 1), sorted.count)
      for bin in 0..<count {
        let rows = sorted[bin * sorted.count / count..<(bin + 1) * sorted.count / count]
        guard let first = rows.first, let last = rows.last else { continue }
        groups.append((first.confidence, last.confidence, rows.map(\.row)))
      }
    }
    bins = groups.compactMap { low, high, rows in
      guard !rows.isEmpty else { return nil }
      let count = Double(rows.count)
      return Bin(
        low: low, high: high, count: rows.count,
        confidence: rows.reduce(0) { $0 + examples[$1].confidence } / count,
        accuracy: Double(rows.count { examples[$0].isRight }) / count)
    }
    expectedError =
      bins.reduce(0) { $0 + Double($1.count) * abs($1.accuracy - $1.confidence) } / Double(labels.count)
  }
}
