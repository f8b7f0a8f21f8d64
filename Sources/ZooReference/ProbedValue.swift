/// A value that the reference engine recomputed, with what bounds another engine's rounding error.
package struct ProbedValue: Sendable, Equatable, ReferenceNumber {
  package let value: Double
  /// The sum of the absolute values of all products and addends that make up the value; at least
  /// `abs(value)` for sums, and as far above it as they cancel.
  package let scale: Double
  /// How many products and addends there are.
  package let terms: Int

  /// How far from ``value`` a 32-bit engine may be that starts from the same inputs:
  /// `factor * 2^-24 * sqrt(terms) * scale`.
  ///
  /// Rounding errors of a sum of n terms are independent, so they add up like sqrt(n); `factor`
  /// covers weights rounded after folding and the spread of that estimate.
  package func float32Tolerance(factor: Double) -> Double {
    factor * 0x1p-24 * Double(terms).squareRoot() * scale
  }

  private init(value: Double, scale: Double, terms: Int) {
    self.value = value
    self.scale = scale
    self.terms = terms
  }

  /// A constant or a value that another engine has.
  init(_ value: Double) {
    self.init(value: value, scale: abs(value), terms: 1)
  }

  static func + (a: ProbedValue, b: ProbedValue) -> ProbedValue {
    ProbedValue(value: a.value + b.value, scale: a.scale + b.scale, terms: a.terms + b.terms)
  }

  static func * (a: ProbedValue, weight: Double) -> ProbedValue {
    ProbedValue(value: a.value * weight, scale: a.scale * abs(weight), terms: a.terms)
  }

  static func * (a: ProbedValue, b: ProbedValue) -> ProbedValue {
    let (x, y) = (abs(a.value), abs(b.value))
    return ProbedValue(
      value: a.value * b.value, scale: max(x * b.scale + y * a.scale, a.scale * y), terms: a.terms + b.terms)
  }

  /// The larger of two values; either may be the larger one in another engine.
  func larger(_ other: ProbedValue) -> ProbedValue {
    ProbedValue(
      value: max(value, other.value), scale: max(scale, other.scale), terms: max(terms, other.terms))
  }

  func smaller(_ other: ProbedValue) -> ProbedValue {
    ProbedValue(
      value: min(value, other.value), scale: max(scale, other.scale), terms: max(terms, other.terms))
  }

  func scaled(by factor: Double) -> ProbedValue { self * factor }

  func rectified(slope: Double) -> ProbedValue {
    mapped(to: value.rectified(slope: slope), slope: max(1, abs(slope)))
  }

  /// An error of any argument moves the mean and the deviation by its share.
  static func standardized(_ vector: [ProbedValue], at index: Int, epsilon: Double) -> ProbedValue {
    let values = vector.map(\.value)
    let result = Double.standardized(values, at: index, epsilon: epsilon)
    let count = Double(vector.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count + epsilon
    let typical = vector.reduce(0) { $0 + $1.scale } / count
    let condition = (vector[index].scale + typical * (1 + abs(result))) / variance.squareRoot()
    return ProbedValue(
      value: result, scale: max(condition, abs(result)), terms: vector[index].terms + vector.count)
  }

  /// `value` came from this number by a function which nowhere is steeper than `slope`.
  func mapped(to value: Double, slope: Double) -> ProbedValue {
    ProbedValue(value: value, scale: max(scale * slope, abs(value)), terms: terms)
  }

  /// The softmax of `vector` at `index`.
  ///
  /// An error d[j] of argument j changes p[i] by p[i] * (d[i] - sum of p[j] * d[j]).
  static func softmax(_ vector: [ProbedValue], at index: Int) -> ProbedValue {
    let values = vector.map(\.value)
    let largest = values.max() ?? 0
    let exponentials = values.map { naturalExponential($0 - largest) }
    let total = exponentials.reduce(0, +)
    let p = exponentials[index] / total
    let mean = zip(vector, exponentials).reduce(0) { $0 + $1.0.scale * $1.1 / total }
    return ProbedValue(
      value: p, scale: p * (1 + vector[index].scale + mean), terms: vector[index].terms + vector.count)
  }
}
