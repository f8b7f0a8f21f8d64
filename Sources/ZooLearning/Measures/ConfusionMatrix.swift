/// How often each class was taken for each.
package struct ConfusionMatrix: Sendable, Equatable, Codable {
  /// The number of classes.
  package let classes: Int
  /// The numbers of examples, (true class, predicted class), row-major.
  package let counts: [Int]

  /// - Precondition: as many predictions as labels, all in 0 ..< classes.
  package init(labels: [Int], predictions: [Int], classes: Int) {
    precondition(labels.count == predictions.count, "there must be a prediction for each label")
    var counts = [Int](repeating: 0, count: classes * classes)
    for (label, prediction) in zip(labels, predictions) { counts[label * classes + prediction] += 1 }
    self.classes = classes
    self.counts = counts
  }

  package subscript(label: Int, prediction: Int) -> Int { counts[label * classes + prediction] }

  /// Examples of a class.
  package func support(_ label: Int) -> Int { (0..<classes).reduce(0) { $0 + self[label, $1] } }
  /// Examples that were taken for a class.
  package func predicted(_ label: Int) -> Int { (0..<classes).reduce(0) { $0 + self[$1, label] } }
  /// All examples.
  package var total: Int { counts.reduce(0, +) }
  /// Examples whose class is right.
  package var right: Int { (0..<classes).reduce(0) { $0 + self[$1, $1] } }

  /// What is known of one class.
  package struct ClassMetrics: Sendable, Equatable, Codable {
    /// Examples of the class.
    package let support: Int
    /// The share of right ones among those taken for the class; 0 if there are none.
    package let precision: Double
    /// The share of the class's examples that are found; 0 if there are none.
    package let recall: Double
    /// The harmonic mean of precision and recall; 0 if both are.
    package let f1: Double
  }

  /// The metrics of each class.
  package var perClass: [ClassMetrics] {
    (0..<classes).map { label in
      let (right, support, predicted) = (Double(self[label, label]), support(label), predicted(label))
      return ClassMetrics(
        support: support, precision: predicted > 0 ? right / Double(predicted) : 0,
        recall: support > 0 ? right / Double(support) : 0,
        f1: support + predicted > 0 ? 2 * right / Double(support + predicted) : 0)
    }
  }
}
