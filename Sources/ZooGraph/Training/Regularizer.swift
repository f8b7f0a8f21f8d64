/// What training adds to the loss for large weights: l1·Σ|w| + l2·Σw².
package struct Regularizer: Sendable, Hashable, Codable {
  /// The factor of the sum of absolute values.
  package var l1: Double
  /// The factor of the sum of squares.
  package var l2: Double

  package init(l1: Double = 0, l2: Double = 0) {
    self.l1 = l1
    self.l2 = l2
  }
}
