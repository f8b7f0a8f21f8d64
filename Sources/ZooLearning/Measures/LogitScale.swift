/// What logits are multiplied with so that their probabilities fit known targets best: the inverse of a temperature (Guo et
/// al., "On Calibration of Modern Neural Networks", 2017).
///
/// Smoothed labels, dropout and mixed pictures make a network less sure than it is right. That raises the loss of pictures
/// that it tells better than before.
package enum LogitScale {
  /// How far the logarithm of the scale is from 0 before anything is known, as a deviation: few targets that are all met
  /// would make it infinite.
  private static let deviation = 0.5

  /// - Parameters:
  ///   - logits: (N, `columns`), row-major.
  ///   - targets: of the same shape: probabilities.
  ///   - areExclusive: whether the columns of a row share one softmax, or each has its sigmoid.
  package static func best(
    logits: [Double], targets: [Double], columns: Int, areExclusive: Bool
  ) -> Double {
    var exponent = 0.0
    // Newton's method, without the part of the curvature that can be negative.
    for _ in 0..<30 {
      let scale = exponential(exponent)
      var (slope, curvature) = (0.0, 0.0)
      for start in stride(from: 0, to: logits.count, by: columns) {
        let row = logits[start..<start + columns]
        let own = targets[start..<start + columns]
        let scaled = row.map { $0 * scale }
        let probabilities =
          areExclusive ? Scores.softmax(scaled, outputs: columns) : Scores.sigmoid(scaled)
        var (mean, square) = (0.0, 0.0)
        for ((logit, target), probability) in zip(zip(row, own), probabilities) {
          slope += (probability - target) * logit
          mean += probability * logit
          square += probability * logit * logit * (areExclusive ? 1 : 1 - probability)
        }
        curvature += areExclusive ? square - mean * mean : square
      }
      let prior = 1 / (deviation * deviation)
      let step = (scale * slope + prior * exponent) / (scale * scale * curvature + prior)
      guard step.isFinite else { return 1 }
      exponent -= min(max(step, -0.5), 0.5)
      if abs(step) < 1e-9 { break }
    }
    return exponential(exponent)
  }
}
