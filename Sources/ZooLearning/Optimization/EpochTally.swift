/// The mean loss and the accuracy of an epoch, from its batches.
package struct EpochTally: Sendable, Hashable, Codable {
  /// The number of examples so far.
  package private(set) var examples = 0
  /// How many of them have a known class.
  package private(set) var known = 0
  /// How many of these have the highest prediction at their class, of equal ones at the first.
  package private(set) var right = 0
  private var lossSum = 0.0

  package init() {}

  /// The mean of the batches' losses, each as often as it has examples.
  package var loss: Double { lossSum / Double(examples) }
  /// The share of right ones among examples of a known class.
  package var accuracy: Double { Double(right) / Double(known) }

  /// Takes in the mean loss of a batch.
  package mutating func add(loss: Double, examples count: Int) {
    lossSum += loss * Double(count)
    examples += count
  }

  /// Takes in the predictions (N, columns) of a batch and the class of each example; one below 0 is not
  /// known.
  package mutating func add<Scalar: TrainingScalar>(
    predictions: UnsafeBufferPointer<Scalar>, columns: Int, classes: [Int]
  ) {
    precondition(predictions.count == classes.count * columns, "the predictions don't fit the classes")
    for (row, own) in classes.enumerated() where own >= 0 {
      let start = row * columns
      var best = 0
      for column in 1..<max(columns, 1) where predictions[start + column] > predictions[start + best] {
        best = column
      }
      known += 1
      if best == own { right += 1 }
    }
  }
}
