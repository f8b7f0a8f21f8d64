import CZooKernels

/// A symmetric positive definite matrix as the product of a lower triangle and its transpose.
struct Cholesky {
  let order: Int
  /// The triangle (order, order); what is above the diagonal is not used.
  private var lower: [Double]
  /// The inverses of the blocks on the diagonal, each (block, block) of its own size.
  private var inverses: [[Double]] = []

  private static let block = 64

  /// Factors a matrix (order, order), of which the lower triangle is read; nil if it is not positive definite.
  init?(_ matrix: [Double], order: Int, on workers: Workers) {
    precondition(matrix.count == order * order)
    self.order = order
    lower = matrix
    var isPositive = true
    lower.withUnsafeMutableBufferPointer { lower in
      guard let lower = lower.baseAddress else { return }
      for first in stride(from: 0, to: order, by: Self.block) where isPositive {
        let count = min(Self.block, order - first)
        let below = order - first
        // The columns of this block, less what the columns before contribute.
        var panel = [Double](repeating: 0, count: below * count)
        if first > 0 {
          panel.withUnsafeMutableBufferPointer { panel in
            workers.product(
              lower + first * order, row: order, rows: below, columns: first, factors: lower + first * order,
              factorsRow: order, outputs: count, sums: panel.baseAddress, sumsRow: count)
          }
        }
        for row in 0..<below {
          for column in 0..<count {
            panel[row * count + column] =
              lower[(first + row) * order + first + column] - panel[row * count + column]
          }
        }
        guard let inverse = Self.factor(&panel, count) else {
          isPositive = false
          return
        }
        for row in 0..<count {
          for column in 0..<count {
            lower[(first + row) * order + first + column] = panel[row * count + column]
          }
        }
        inverses.append(inverse)
        guard below > count else { continue }
        panel.withUnsafeBufferPointer { panel in
          inverse.withUnsafeBufferPointer { inverse in
            guard let start = panel.baseAddress else { return }
            workers.product(
              start + count * count, row: count, rows: below - count, columns: count,
              factors: inverse.baseAddress, factorsRow: count, outputs: count,
              sums: lower + (first + count) * order + first, sumsRow: order)
          }
        }
      }
    }
    guard isPositive else { return nil }
  }

  /// Factors the first (count, count) values in place and returns the triangle's inverse.
  private static func factor(_ a: inout [Double], _ count: Int) -> [Double]? {
    for column in 0..<count {
      var pivot = a[column * count + column]
      for k in 0..<column { pivot -= a[column * count + k] * a[column * count + k] }
      guard pivot > 0, pivot.isFinite else { return nil }
      let root = pivot.squareRoot()
      a[column * count + column] = root
      for row in column + 1..<max(count, column + 1) {
        var sum = a[row * count + column]
        for k in 0..<column { sum -= a[row * count + k] * a[column * count + k] }
        a[row * count + column] = sum / root
      }
    }
    var inverse = [Double](repeating: 0, count: count * count)
    for column in 0..<count {
      inverse[column * count + column] = 1 / a[column * count + column]
      for row in column + 1..<max(count, column + 1) {
        var sum = 0.0
        for k in column..<row { sum += a[row * count + k] * inverse[k * count + column] }
        inverse[row * count + column] = -sum / a[row * count + row]
      }
    }
    return inverse
  }

  /// Solves for right-hand sides (outputs, order), in place.
  func solve(_ sides: inout [Double], outputs: Int, on workers: Workers) {
    precondition(sides.count == outputs * order)
    guard order > 0, outputs > 0 else { return }
    let order = order
    // The solution so far as (order, outputs), which the way back takes as factors.
    var turned = [Double](repeating: 0, count: order * outputs)
    lower.withUnsafeBufferPointer { lower in
      sides.withUnsafeMutableBufferPointer { sides in
        turned.withUnsafeMutableBufferPointer { turned in
          guard let lower = lower.baseAddress, let sides = sides.baseAddress, let turned = turned.baseAddress
          else {
            return
          }
          for (index, inverse) in inverses.enumerated() {
            let first = index * Self.block
            let count = min(Self.block, order - first)
            var sums = [Double](repeating: 0, count: count * outputs)
            if first > 0 {
              sums.withUnsafeMutableBufferPointer {
                workers.product(
                  lower + first * order, row: order, rows: count, columns: first, factors: sides,
                  factorsRow: order, outputs: outputs, sums: $0.baseAddress, sumsRow: outputs)
              }
            }
            for output in 0..<outputs {
              let own = sides + output * order + first
              for row in 0..<count { own[row] -= sums[row * outputs + output] }
            }
            workers.product(
              inverse, row: count, rows: count, columns: count, factors: sides + first, factorsRow: order,
              outputs: outputs, sums: &sums, sumsRow: outputs)
            for output in 0..<outputs {
              let own = sides + output * order + first
              for row in 0..<count { own[row] = sums[row * outputs + output] }
            }
          }
          for (index, inverse) in inverses.enumerated().reversed() {
            let first = index * Self.block
            let count = min(Self.block, order - first)
            let after = first + count
            var sums = [Double](repeating: 0, count: count * outputs)
            if after < order {
              sums.withUnsafeMutableBufferPointer {
                workers.adjoint(
                  lower + after * order + first, row: order, rows: order - after, columns: count,
                  factors: turned + after * outputs, factorsRow: outputs, outputs: outputs,
                  sums: $0.baseAddress,
                  sumsRow: count)
              }
            }
            for output in 0..<outputs {
              let own = sides + output * order + first
              for row in 0..<count {
                turned[(first + row) * outputs + output] = own[row] - sums[output * count + row]
              }
            }
            workers.adjoint(
              inverse, row: count, rows: count, columns: count, factors: turned + first * outputs,
              factorsRow: outputs, outputs: outputs, sums: &sums, sumsRow: count)
            for output in 0..<outputs {
              let own = sides + output * order + first
              for row in 0..<count {
                own[row] = sums[output * count + row]
                turned[(first + row) * outputs + output] = own[row]
              }
            }
          }
        }
      }
    }
  }
}

extension Workers {
  /// Rows of a unit of a product, and columns of one of an adjoint product, of matrices that are blocks of others.
  private static let unit = 32

  /// Sums (rows, outputs) of a table (rows, columns) of doubles with factors (outputs, columns).
  func product(
    _ table: UnsafePointer<Double>, row: Int, rows: Int, columns: Int, factors: UnsafePointer<Double>?,
    factorsRow: Int, outputs: Int, sums: UnsafeMutablePointer<Double>?, sumsRow: Int
  ) {
    guard let kernel = kernels.pointee.table_product else { return }
    var arguments = zoo_table(
      table: nil, wide: table, index: nil, factors: factors, sums: sums, squares: nil, table_row: row,
      factors_row: factorsRow, sums_row: sumsRow, rows: Int32(rows), columns: Int32(columns),
      outputs: Int32(outputs), block: Int32(Self.unit))
    run(kernel, &arguments, units: (rows + Self.unit - 1) / Self.unit)
  }

  /// Sums (outputs, columns) of a table (rows, columns) of doubles with factors (rows, outputs).
  func adjoint(
    _ table: UnsafePointer<Double>, row: Int, rows: Int, columns: Int, factors: UnsafePointer<Double>?,
    factorsRow: Int, outputs: Int, sums: UnsafeMutablePointer<Double>?, sumsRow: Int
  ) {
    guard let kernel = kernels.pointee.table_adjoint else { return }
    var arguments = zoo_table(
      table: nil, wide: table, index: nil, factors: factors, sums: sums, squares: nil, table_row: row,
      factors_row: factorsRow, sums_row: sumsRow, rows: Int32(rows), columns: Int32(columns),
      outputs: Int32(outputs), block: Int32(Self.unit))
    run(kernel, &arguments, units: (columns + Self.unit - 1) / Self.unit)
  }
}
