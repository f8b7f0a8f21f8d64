import CZooKernels
import ZooSystem

/// The products of standardised examples with each other: the lower triangle of ZᵀZ or ZZᵀ.
struct GramMatrix {
  enum Side: Sendable {
    /// ZᵀZ: (columns, columns).
    case columns
    /// ZZᵀ: (rows, rows).
    case rows
  }

  let side: Side
  let order: Int
  /// How many rows the products are added up over, or are of.
  let count: Int
  /// (order, order); above the diagonal, in whole blocks, or 0.
  let values: [Double]

  private static let block = 64
  /// Rows that are standardised at a time.
  private static let chunk = 512

  /// The smaller one.
  static func smallerSide(rows: Int, columns: Int) -> Side { rows < columns ? .rows : .columns }

  /// - Parameter rows: the rows of the table to use, in their order.
  init(
    _ x: FeatureMatrix, rows: [Int], _ standardization: Standardization, side: Side, on workers: Workers
  ) throws(ZooError) {
    self.side = side
    count = rows.count
    switch side {
    case .columns:
      order = x.columns
      values = try Self.overColumns(x, rows, standardization, workers)
    case .rows:
      order = rows.count
      values = Self.overRows(Self.standardised(x, rows[...], standardization), rows.count, x.columns, workers)
    }
  }

  /// The rows, standardised in double precision.
  static func standardised(
    _ x: FeatureMatrix, _ rows: ArraySlice<Int>, _ standardization: Standardization
  ) -> [Double] {
    let columns = x.columns
    return [Double](unsafeUninitializedCapacity: rows.count * columns) { result, count in
      var place = 0
      x.values.withUnsafeBufferPointer { values in
        standardization.mean.withUnsafeBufferPointer { mean in
          standardization.factor.withUnsafeBufferPointer { factor in
            for row in rows {
              for column in 0..<columns {
                result[place + column] =
                  (Double(values[row * columns + column]) - mean[column]) * factor[column]
              }
              place += columns
            }
          }
        }
      }
      count = place
    }
  }

  private static func overColumns(
    _ x: FeatureMatrix, _ rows: [Int], _ standardization: Standardization, _ workers: Workers
  ) throws(ZooError) -> [Double] {
    let order = x.columns
    var total = [Double](repeating: 0, count: order * order)
    var part = total
    for start in stride(from: 0, to: rows.count, by: chunk) {
      try Cancellation.check()
      let own = rows[start..<min(start + chunk, rows.count)]
      let z = standardised(x, own, standardization)
      z.withUnsafeBufferPointer { z in
        part.withUnsafeMutableBufferPointer { part in
          guard let z = z.baseAddress, let part = part.baseAddress else { return }
          for first in stride(from: 0, to: order, by: block) {
            let count = min(block, order - first)
            workers.adjoint(
              z, row: order, rows: own.count, columns: first + count, factors: z + first, factorsRow: order,
              outputs: count, sums: part + first * order, sumsRow: order)
          }
        }
      }
      add(1, part, to: &total)
    }
    return total
  }

  private static func overRows(_ z: [Double], _ order: Int, _ columns: Int, _ workers: Workers) -> [Double] {
    var total = [Double](repeating: 0, count: order * order)
    z.withUnsafeBufferPointer { z in
      total.withUnsafeMutableBufferPointer { total in
        guard let z = z.baseAddress, let total = total.baseAddress else { return }
        for first in stride(from: 0, to: order, by: block) {
          workers.product(
            z + first * columns, row: columns, rows: order - first, columns: columns,
            factors: z + first * columns,
            factorsRow: columns, outputs: min(block, order - first), sums: total + first * order + first,
            sumsRow: order)
        }
      }
    }
    return total
  }

  /// The Cholesky factors of `factor * matrix + diagonal`; nil if that is not positive definite.
  func factored(_ factor: Double, plus diagonal: Double, on workers: Workers) -> Cholesky? {
    var matrix = values
    for place in matrix.indices { matrix[place] *= factor }
    for index in 0..<order { matrix[index * order + index] += diagonal }
    return Cholesky(matrix, order: order, on: workers)
  }
}
