import CZooKernels

/// Rows of a table of floats or doubles, for products in double precision.
struct Table {
  private enum Values {
    case floats([Float])
    case doubles([Double])
  }

  private let values: Values
  /// Which rows of the values, in their order; nil: all.
  private let index: [Int32]?
  let rows: Int
  let columns: Int

  /// The rows of these indices, or all.
  init(_ x: FeatureMatrix, rows indices: [Int]? = nil) {
    values = .floats(x.values)
    index = indices?.map { Int32(clamping: $0) }
    rows = indices?.count ?? x.rows
    columns = x.columns
  }

  /// Values in row-major order (rows, columns).
  init(_ doubles: [Double], rows: Int, columns: Int) {
    precondition(doubles.count == rows * columns)
    values = .doubles(doubles)
    index = nil
    self.rows = rows
    self.columns = columns
  }

  /// Rows of the unit of a product: few enough for the second-level cache, and in many more units than threads.
  private static let rowBlock = 48
  /// Columns of the unit of an adjoint product: whole cache lines.
  private static let columnBlock = 32

  /// Sums (rows, outputs): each row times the factors (outputs, columns).
  func product(_ factors: [Double], outputs: Int, into sums: inout [Double], on workers: Workers) {
    precondition(factors.count == outputs * columns && sums.count == rows * outputs)
    run(
      workers.kernels.pointee.table_product, factors, factorsRow: columns, outputs: outputs, into: &sums,
      sumsRow: outputs, extent: rows, block: Self.rowBlock, on: workers)
  }

  /// Sums (outputs, columns): each column times the factors (rows, outputs).
  func adjoint(_ factors: [Double], outputs: Int, into sums: inout [Double], on workers: Workers) {
    precondition(factors.count == rows * outputs && sums.count == outputs * columns)
    run(
      workers.kernels.pointee.table_adjoint, factors, factorsRow: outputs, outputs: outputs, into: &sums,
      sumsRow: columns, extent: columns, block: Self.columnBlock, on: workers)
  }

  private func run(
    _ kernel: zoo_kernel?, _ factors: [Double], factorsRow: Int, outputs: Int, into sums: inout [Double],
    sumsRow: Int, extent: Int, block: Int, on workers: Workers
  ) {
    guard let kernel, outputs > 0, extent > 0 else { return }
    guard rows > 0, columns > 0 else {
      for place in sums.indices { sums[place] = 0 }
      return
    }
    factors.withUnsafeBufferPointer { factors in
      sums.withUnsafeMutableBufferPointer { sums in
        withValues { floats, doubles, index in
          var arguments = zoo_table(
            table: floats, wide: doubles, index: index, factors: factors.baseAddress, sums: sums.baseAddress,
            squares: nil, table_row: columns, factors_row: factorsRow, sums_row: sumsRow, rows: Int32(rows),
            columns: Int32(columns), outputs: Int32(outputs), block: Int32(block))
          workers.run(kernel, &arguments, units: (extent + block - 1) / block)
        }
      }
    }
  }

  private func withValues(
    _ body: (UnsafePointer<Float>?, UnsafePointer<Double>?, UnsafePointer<Int32>?) -> Void
  ) {
    func withIndex(_ body: (UnsafePointer<Int32>?) -> Void) {
      if let index { index.withUnsafeBufferPointer { body($0.baseAddress) } } else { body(nil) }
    }
    withIndex { index in
      switch values {
      case .floats(let values): values.withUnsafeBufferPointer { body($0.baseAddress, nil, index) }
      case .doubles(let values): values.withUnsafeBufferPointer { body(nil, $0.baseAddress, index) }
      }
    }
  }
}
