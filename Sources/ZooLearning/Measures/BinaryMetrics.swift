/// How often a label was found, missed and falsely found; batches can be added up.
package struct BinaryMetrics: Sendable, Hashable, Codable {
  package private(set) var truePositives = 0
  package private(set) var falsePositives = 0
  package private(set) var trueNegatives = 0
  package private(set) var falseNegatives = 0

  package init() {}

  /// - Parameters:
  ///   - scores: before the sigmoid; above 0, a probability above one half, means yes.
  ///   - targets: above one half for yes; NaN where it is not known.
  /// - Precondition: as many scores as targets.
  package init(scores: [Double], targets: [Double]) {
    precondition(scores.count == targets.count, "there must be a score for each target")
    for (score, target) in zip(scores, targets) where !target.isNaN {
      switch (score > 0, target > 0.5) {
      case (true, true): truePositives += 1
      case (true, false): falsePositives += 1
      case (false, false): trueNegatives += 1
      case (false, true): falseNegatives += 1
      }
    }
  }

  /// The number of known targets.
  package var total: Int { truePositives + falsePositives + trueNegatives + falseNegatives }
  /// The share that is right; 0 if nothing is known.
  package var accuracy: Double { Self.share(truePositives + trueNegatives, total) }
  /// The share of right ones among those found; 0 if none is found.
  package var precision: Double { Self.share(truePositives, truePositives + falsePositives) }
  /// The share of positives that is found; 0 if there is none.
  package var recall: Double { Self.share(truePositives, truePositives + falseNegatives) }
  /// The share of negatives that is not found; 0 if there is none.
  package var specificity: Double { Self.share(trueNegatives, trueNegatives + falsePositives) }
  /// The harmonic mean of precision and recall; 0 if both are.
  package var f1: Double {
    Self.share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives)
  }

  package static func += (a: inout BinaryMetrics, b: BinaryMetrics) {
    a.truePositives += b.truePositives
    a.falsePositives += b.falsePositives
    a.trueNegatives += b.trueNegatives
    a.falseNegatives += b.falseNegatives
  }

  private static func share(_ part: Int, _ whole: Int) -> Double {
    whole > 0 ? Double(part) / Double(whole) : 0
  }
}
