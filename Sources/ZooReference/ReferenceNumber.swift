import ZooSystem

/// What a ``ReferenceFormula`` computes with: a number, or a number that knows its condition.
protocol ReferenceNumber {
  init(_ value: Double)
  static func + (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  func scaled(by factor: Double) -> Self
  func larger(_ other: Self) -> Self
  func smaller(_ other: Self) -> Self
  /// Itself where it is positive, else times `slope`.
  func rectified(slope: Double) -> Self
  /// (x - mean) / sqrt(variance + epsilon) for the element `index` of `vector`, with the vector's own
  /// mean and variance.
  static func standardized(_ vector: [Self], at index: Int, epsilon: Double) -> Self
}

extension Double: ReferenceNumber {
  func scaled(by factor: Double) -> Double { self * factor }
  func larger(_ other: Double) -> Double { max(self, other) }
  func smaller(_ other: Double) -> Double { min(self, other) }
  func rectified(slope: Double) -> Double { self > 0 ? self : self * slope }

  static func standardized(_ vector: [Double], at index: Int, epsilon: Double) -> Double {
    let (mean, deviation) = moments(of: vector, epsilon: epsilon)
    return (vector[index] - mean) / deviation
  }

  /// The mean, and the root of the biased variance plus `epsilon`.
  static func moments(
    of vector: some Collection<Double>, epsilon: Double
  ) -> (mean: Double, deviation: Double) {
    let count = Double(vector.count)
    let mean = vector.reduce(0, +) / count
    let variance = vector.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    return (mean, (variance + epsilon).squareRoot())
  }
}

/// The C library's functions: every platform's Swift module of it has its own.
func naturalExponential(_ x: Double) -> Double { exp(x) }
func naturalLogarithm(_ x: Double) -> Double { log(x) }
func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }
func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }
func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
/// The normal distribution's cumulative function.
func normalDistribution(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }
