import ZooSystem

/// The mean and deviation of each column, which standardising subtracts and divides by.
package struct Standardization: Sendable, Equatable, Codable {
  /// The mean of each column.
  package let mean: [Double]
  /// The population deviation of each column: the root of the mean squared distance from the mean.
  package let deviation: [Double]
  /// What the distance from the mean is multiplied by: 1/deviation, or 0 for columns that are constant as far as
  /// floats can tell.
  package let factor: [Double]

  /// The deviation of a constant column is not exactly zero: below this share of the mean it is rounding.
  private static let leastShare = 1e-7

  private init(mean: [Double], deviation: [Double]) {
    self.mean = mean
    self.deviation = deviation
    factor = zip(mean, deviation).map { mean, deviation in
      // A subnormal deviation has no finite reciprocal.
      let factor = 1 / deviation
      return deviation > abs(mean) * Self.leastShare && factor.isFinite ? factor : 0
    }
  }

  /// Measures the columns of a table, in two passes of double precision.
  ///
  /// - Parameters:
  ///   - rows: the rows to use; all by default.
  ///   - weights: how often each of the table's rows counts; 1 by default.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if there is no row or a value is not finite.
  package init(
    _ x: FeatureMatrix, rows: [Int]? = nil, weights: [Double]? = nil
  ) throws(ZooError) {
    let rows = rows ?? Array(0..<x.rows)
    guard !rows.isEmpty else { throw .learning(.doesNotFit, "there is no example") }
    try x.checkFinite()
    let total = weights.map { weights in rows.reduce(0) { $0 + weights[$1] } } ?? Double(rows.count)
    guard total > 0, total.isFinite else { throw .learning(.doesNotFit, "the weights add up to \(total)") }
    var mean = [Double](repeating: 0, count: x.columns)
    var squares = mean
    let columns = x.columns
    x.values.withUnsafeBufferPointer { values in
      for row in rows {
        let (weight, start) = (weights?[row] ?? 1, row * columns)
        for column in 0..<columns { mean[column] += weight * Double(values[start + column]) }
      }
      for column in 0..<columns { mean[column] /= total }
      for row in rows {
        let (weight, start) = (weights?[row] ?? 1, row * columns)
        for column in 0..<columns {
          let distance = Double(values[start + column]) - mean[column]
          squares[column] += weight * distance * distance
        }
      }
    }
    self.init(mean: mean, deviation: squares.map { ($0 / total).squareRoot() })
  }

  /// Leaves `columns` columns as they are.
  package init(identity columns: Int) {
    self.init(
      mean: [Double](repeating: 0, count: columns), deviation: [Double](repeating: 1, count: columns))
  }

  /// The same means, and no division by the deviation.
  var withoutScale: Standardization {
    Standardization(mean: mean, deviation: mean.map { _ in 1 }, factor: mean.map { _ in 1 })
  }

  private init(mean: [Double], deviation: [Double], factor: [Double]) {
    self.mean = mean
    self.deviation = deviation
    self.factor = factor
  }

  /// The standardised table, rounded to floats.
  package func applied(to x: FeatureMatrix) -> FeatureMatrix {
    var values = x.values
    let columns = x.columns
    for row in 0..<x.rows {
      for column in 0..<columns {
        let place = row * columns + column
        values[place] = Float((Double(values[place]) - mean[column]) * factor[column])
      }
    }
    return FeatureMatrix(rows: x.rows, columns: columns, values: values)
  }
}
