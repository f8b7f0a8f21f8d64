import ZooSystem
import ZooTensor

/// How good predicted numbers are.
package struct RegressionMetrics: Sendable, Equatable, Codable {
  /// The mean distance, with the normal 95 % interval of a mean.
  package let meanAbsoluteError: Estimate
  /// The root of the mean squared distance, with a bootstrap 95 % interval.
  package let rootMeanSquaredError: Estimate
  /// The share of the targets' variance that is explained, with a bootstrap 95 % interval; NaN for equal targets.
  package let explained: Estimate

  private static let resamples = 1000

  /// - Parameter seed: of the examples that the bootstrap draws.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if there is no example or a number is not finite.
  package init(predictions: [Double], targets: [Double], seed: UInt64 = 0) throws(ZooError) {
    guard !targets.isEmpty, predictions.count == targets.count,
      (predictions + targets).allSatisfy(\.isFinite)
    else {
      throw ZooError(
        .doesNotFit, what: "cannot evaluate", at: "the predictions",
        "there are \(predictions.count) predictions for \(targets.count) targets, or one is not finite")
    }
    let distances = zip(predictions, targets).map { $0 - $1 }
    meanAbsoluteError = Estimate(meanOf: distances.map(abs))
    let count = targets.count
    func measures(_ rows: some Sequence<Int>) -> (error: Double, explained: Double) {
      var (squares, sum) = (0.0, 0.0)
      for row in rows {
        squares += distances[row] * distances[row]
        sum += targets[row]
      }
      let mean = sum / Double(count)
      let variance = rows.reduce(0) { $0 + (targets[$1] - mean) * (targets[$1] - mean) }
      return ((squares / Double(count)).squareRoot(), variance > 0 ? 1 - squares / variance : .nan)
    }
    let own = measures(0..<count)
    let random = CounterRandom(seed: seed)
    let samples = (0..<Self.resamples).map { sample in
      measures((0..<count).map { Int(random.unit(sample * count + $0) * Double(count)) })
    }
    rootMeanSquaredError = Self.estimate(own.error, samples.map(\.error))
    explained = Self.estimate(own.explained, samples.map(\.explained))
  }

  /// A number with the 2.5 and 97.5 percentiles of its resamples.
  private static func estimate(_ value: Double, _ samples: [Double]) -> Estimate {
    let sorted = samples.filter { !$0.isNaN }.sorted()
    guard let last = sorted.last else { return Estimate(value: value, low: .nan, high: .nan) }
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let (index, rest) = (Int(place), place - place.rounded(.down))
      return sorted[index] + rest * ((index + 1 < sorted.count ? sorted[index + 1] : last) - sorted[index])
    }
    return Estimate(value: value, low: quantile(0.025), high: quantile(0.975))
  }
}
