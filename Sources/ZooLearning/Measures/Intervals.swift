/// A number and the interval that contains the true one in 95 of 100 samples.
package struct Estimate: Sendable, Equatable, Codable {
  package let value: Double
  package let low: Double
  package let high: Double

  package init(value: Double, low: Double, high: Double) {
    self.value = value
    self.low = low
    self.high = high
  }
}

extension Estimate {
  /// The quantile of the normal distribution that has 2.5 % above it.
  static let normalQuantile = 1.959963984540054

  /// A share with Wilson's interval, which holds for few examples and for shares near 0 and 1 too; NaN of none.
  package init(share count: Int, of total: Int) {
    guard total > 0 else {
      self.init(value: .nan, low: 0, high: 1)
      return
    }
    let (n, z) = (Double(total), Self.normalQuantile)
    let share = Double(count) / n
    let center = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    // At the ends of the scale rounding must not leave them out.
    self.init(
      value: share, low: count == 0 ? 0 : max(center - half, 0),
      high: count == total ? 1 : min(center + half, 1))
  }

  /// The mean of numbers with the normal interval of its standard error; NaN of none.
  package init(meanOf numbers: [Double]) {
    let n = Double(numbers.count)
    let mean = numbers.reduce(0, +) / n
    guard numbers.count > 1 else {
      self.init(value: mean, low: -.infinity, high: .infinity)
      return
    }
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let half = Self.normalQuantile * (variance / n).squareRoot()
    self.init(value: mean, low: mean - half, high: mean + half)
  }
}

/// How much lower numbers became on average, pair by pair.
package struct MeanGain: Sendable, Equatable {
  package let value: Double
  package let standardError: Double

  /// A gain that is this many of its standard errors is more than noise: 95 % of those that are none are smaller.
  private static let noise = 1.645

  package var isMoreThanNoise: Bool { value > Self.noise * standardError }

  /// - Precondition: as many numbers in both.
  package init(before: [Double], after: [Double]) {
    precondition(before.count == after.count, "the numbers are not pairs")
    let gains = zip(before, after).map { $0 - $1 }
    let count = Double(max(1, gains.count))
    let mean = gains.reduce(0, +) / count
    let variance = gains.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
    value = mean
    standardError = (variance / count).squareRoot()
  }
}

/// McNemar's exact test of two models on the same examples.
package struct PairedComparison: Sendable, Equatable, Codable {
  /// Examples that only the first model gets right.
  package let firstOnly: Int
  /// Examples that only the second model gets right.
  package let secondOnly: Int
  /// All examples.
  package let count: Int
  /// The probability of a difference as large or larger if the models were equally good (two-sided).
  package let probability: Double

  /// The first model's accuracy less the second's.
  package var difference: Double { Double(firstOnly - secondOnly) / Double(count) }

  /// - Precondition: as many examples in both.
  package init(first: [Bool], second: [Bool]) {
    precondition(first.count == second.count, "the models have not seen the same examples")
    firstOnly = zip(first, second).count { $0 && !$1 }
    secondOnly = zip(first, second).count { !$0 && $1 }
    count = first.count
    let (few, many) = (min(firstOnly, secondOnly), firstOnly + secondOnly)
    // Twice the binomial distribution's tail at one half, by the logarithms of its terms.
    var (term, tail) = (-Double(many) * logarithm(2), 0.0)
    for k in 0...few {
      tail += exponential(term)
      term += logarithm(Double(many - k) / Double(k + 1))
    }
    probability = min(1, 2 * tail)
  }
}
