import ZooSystem

/// The directions in which examples differ most.
package struct PrincipalComponents: Sendable {
  /// The number of features.
  package let columns: Int
  /// The mean of each feature.
  package let mean: [Double]
  /// The directions as rows (components, columns), of length 1, from the largest variance on; the largest
  /// component of each is positive.
  package let directions: [Double]
  /// The variance along each direction, with n − 1 in the denominator.
  package let variances: [Double]
  /// The variance of all features together.
  package let totalVariance: Double

  /// The number of directions.
  package var count: Int { variances.count }

  /// A direction counts if its variance is above this share of the largest: what is below is rounding.
  private static let leastShare = 1e-12

  /// Finds at most `count` directions, fewer where the examples lie in a smaller space.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` for fewer than two examples or a feature that is not finite.
  package init(_ x: FeatureMatrix, count: Int, threads: Int = 1) throws(ZooError) {
    guard x.rows > 1 else { throw .learning(.doesNotFit, "principal components need two examples or more") }
    let workers = try Workers(threads: threads)
    let centring = try Standardization(x).withoutScale
    let rows = Array(0..<x.rows)
    let side = GramMatrix.smallerSide(rows: x.rows, columns: x.columns)
    let gram = try GramMatrix(x, rows: rows, centring, side: side, on: workers)
    let eigen = try SymmetricEigen(gram.values, order: gram.order, on: workers)
    let least = (eigen.values.first ?? 0) * Self.leastShare
    let kept = eigen.values.prefix(max(count, 0)).prefix { $0 > least && $0 > 0 }.count
    let freedom = Double(x.rows - 1)
    columns = x.columns
    mean = centring.mean
    variances = eigen.values.prefix(kept).map { $0 / freedom }
    totalVariance = (0..<gram.order).reduce(0) { $0 + gram.values[$1 * gram.order + $1] } / freedom
    switch side {
    case .columns: directions = Array(eigen.vectors.prefix(kept * x.columns))
    case .rows:
      // Zᵀu/σ for each direction u among the examples.
      let z = Table(GramMatrix.standardised(x, rows[...], centring), rows: x.rows, columns: x.columns)
      var sums = [Double](repeating: 0, count: kept * x.columns)
      let factors = transposed(Array(eigen.vectors.prefix(kept * x.rows)), rows: kept, columns: x.rows)
      z.adjoint(factors, outputs: kept, into: &sums, on: workers)
      directions = (0..<kept).flatMap { direction in
        let own = sums[direction * x.columns..<(direction + 1) * x.columns]
        let length = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let largest = own.reduce(0.0) { abs($1) > abs($0) ? $1 : $0 }
        return own.map { $0 / (largest < 0 ? -length : length) }
      }
    }
  }

  /// The coordinates (N, count) of examples along the directions; whitened ones have the variance 1.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the table has another number of columns.
  package func coordinates(
    _ x: FeatureMatrix, whitened: Bool = false, threads: Int = 1
  ) throws(ZooError) -> [Double] {
    let scales = variances.map { whitened ? 1 / $0.squareRoot() : 1 }
    let scaled = directions.indices.map { directions[$0] * scales[$0 / max(columns, 1)] }
    let head = LinearHead(
      columns: columns, outputs: count, weights: transposed(scaled, rows: count, columns: columns),
      bias: (0..<count).map { direction in
        -(0..<columns).reduce(0) { $0 + scaled[direction * columns + $1] * mean[$1] }
      })
    return try head.scores(x, threads: threads)
  }
}
