import ZooGraph
import ZooReference
import ZooSystem

/// Mean and variance of a number that varies.
package struct Moments: Hashable, Sendable {
  package var mean: Double
  package var variance: Double

  package init(mean: Double, variance: Double) {
    self.mean = mean
    self.variance = variance
  }
}

extension Activation {
  /// The moments of the function of a normally distributed number of these moments; nil for a softmax, and
  /// where they are not finite.
  package func moments(of input: Moments) -> Moments? {
    guard input.mean.isFinite, input.variance.isFinite, input.variance >= 0, self != .softmax else {
      return nil
    }
    let deviation = input.variance.squareRoot()
    let result: Moments
    switch self {
    case .linear: return input
    case _ where deviation == 0: result = Moments(mean: scalar(input.mean), variance: 0)
    case .relu(let maxValue, negativeSlope: 0, threshold: 0):
      result = Self.clippedMoments(input.mean, deviation, highest: max(0, maxValue ?? .infinity))
    default: result = integratedMoments(input.mean, deviation)
    }
    return result.mean.isFinite && result.variance.isFinite ? result : nil
  }

  /// Of a normally distributed number that is cut off at 0 and at `highest`, in closed form.
  private static func clippedMoments(_ mean: Double, _ deviation: Double, highest: Double) -> Moments {
    func density(_ x: Double) -> Double { x.isFinite ? exp(-x * x / 2) / (2 * Double.pi).squareRoot() : 0 }
    /// The probability of more than `x` deviations above the mean.
    func above(_ x: Double) -> Double { 0.5 * erfc(x * 0.5.squareRoot()) }
    let (low, high) = (-mean / deviation, (highest - mean) / deviation)
    let inside = above(low) - above(high)
    let slope = deviation * (density(low) - density(high))
    // The second moment's terms at the ends; none at an end that is infinitely far.
    let ends = low * density(low) - (high.isFinite ? high * density(high) : 0)
    var first = mean * inside + slope
    var second =
      (mean * mean + deviation * deviation) * inside + 2 * mean * slope + deviation * deviation * ends
    if highest.isFinite {
      first += highest * above(high)
      second += highest * highest * above(high)
    }
    return Moments(mean: first, variance: max(0, second - first * first))
  }

  private func integratedMoments(_ mean: Double, _ deviation: Double) -> Moments {
    var (first, second) = (0.0, 0.0)
    for (point, weight) in Self.normalPoints {
      let value = scalar(mean + deviation * point)
      first += weight * value
      second += weight * value * value
    }
    return Moments(mean: first, variance: max(0, second - first * first))
  }

  /// Points of the standard normal distribution, and their shares of it. Equal steps over all that matters of
  /// it are as exact as any rule where the function is smooth, and good to a hundredth of a jump.
  private static let normalPoints: [(point: Double, weight: Double)] = {
    let points = (-256...256).map { Double($0) / 32 }
    let densities = points.map { exp(-$0 * $0 / 2) }
    let sum = densities.reduce(0, +)
    return zip(points, densities).map { ($0, $1 / sum) }
  }()

  // MARK: Ranges

  /// What the function makes of the numbers of a range; nil where that has no finite ends.
  package func range(of input: ClosedRange<Double>) -> ClosedRange<Double>? {
    switch self {
    case .softmax: return 0...1
    case .reciprocal where input.contains(0): return nil
    default: break
    }
    var (lowest, highest) = (Double.infinity, -Double.infinity)
    let steps = isMonotone ? 1 : 256
    for step in 0...steps {
      let share = Double(step) / Double(steps)
      let value = scalar(input.lowerBound * (1 - share) + input.upperBound * share)
      guard value.isFinite else { return nil }
      lowest = min(lowest, value)
      highest = max(highest, value)
    }
    return lowest...highest
  }

  /// All values that the function can have; nil where they have no end.
  var range: ClosedRange<Double>? {
    switch self {
    case .sigmoid, .hardSigmoid, .softmax: 0...1
    case .tanh, .softsign: -1...1
    case .relu(let maxValue?, negativeSlope: 0, threshold: _): 0...max(0, maxValue)
    default: nil
    }
  }

  private var isMonotone: Bool {
    switch self {
    case .gelu, .silu, .hardSilu, .mish: false
    case .relu(_, let negativeSlope, let threshold): negativeSlope >= 0 && threshold >= 0
    case .elu(let alpha): alpha >= 0
    default: true
    }
  }
}
