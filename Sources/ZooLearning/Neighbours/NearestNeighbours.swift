import CZooKernels
import ZooSystem

/// The rows of a large table that are closest to some queries, exactly.
///
/// The table is read once, in blocks that stay in the cache for all queries; it may be a mapped file.
package enum NearestNeighbours {
  /// How close two rows are.
  package enum Metric: Sendable {
    /// The cosine of the angle between them; 0 if one of them is 0. Larger is closer.
    case cosine
    /// Their scalar product, which for rows of length 1 is the cosine. Larger is closer.
    case product
    /// Their distance. Smaller is closer.
    case euclidean
  }

  /// A row that was found.
  package struct Neighbour: Sendable, Equatable {
    /// Its place in the table.
    package let row: Int
    /// The cosine or the distance.
    package let value: Double
  }

  /// Rows that are compared at a time.
  private static let chunk = 4096
  /// Rows of a unit: they stay in the second-level cache for all queries.
  private static let block = 24

  /// The closest rows of each query, the closest first, of equally close ones the first in the table.
  ///
  /// - Parameters:
  ///   - queries: what to look for, (Q, columns).
  ///   - table: the rows (rows, columns) to look in, row-major.
  ///   - count: how many rows to find for each query.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the table has no whole number of rows of the queries' width or
  ///   a query is not finite; of `cancelled`.
  package static func find(
    _ queries: FeatureMatrix, in table: UnsafeBufferPointer<Float>, count: Int, metric: Metric,
    threads: Int = 1
  ) throws(ZooError) -> [[Neighbour]] {
    let columns = queries.columns
    guard columns > 0, table.count.isMultiple(of: columns) else {
      throw .learning(.doesNotFit, "\(table.count) numbers make no rows of \(columns)")
    }
    try queries.checkFinite()
    let workers = try Workers(threads: threads)
    let factors = queries.values.map(Double.init)
    let lengths = (0..<queries.rows).map { row in
      queries[row: row].reduce(0) { $0 + Double($1) * Double($1) }
    }
    var lists = [Closest](repeating: Closest(limit: count), count: queries.rows)
    var sums = [Double](repeating: 0, count: chunk * queries.rows)
    let squares = UnsafeMutableBufferPointer<Double>.allocate(capacity: chunk)
    squares.initialize(repeating: 0)
    defer { squares.deallocate() }
    let rows = table.count / columns
    for start in stride(from: 0, to: rows, by: chunk) {
      try Cancellation.check()
      let own = min(chunk, rows - start)
      compare(
        table.baseAddress.map { $0 + start * columns }, own, columns, factors, queries.rows, &sums,
        metric == .product ? nil : squares, workers)
      lists.withUnsafeMutableBufferPointer { lists in
        nonisolated(unsafe) let lists = lists
        workers.forEach(queries.rows) { query in
          lists[query].add(
            start, own, sums: sums, query: query, queries: queries.rows,
            squares: UnsafeBufferPointer(squares),
            length: lengths[query], metric)
        }
      }
    }
    return lists.enumerated().map { query, list in
      list.places.map { place in
        let row = table[place.row * columns..<(place.row + 1) * columns]
        let value =
          switch metric {
          case .cosine, .product: -place.key
          case .euclidean: distance(row, queries[row: query])
          }
        return Neighbour(row: place.row, value: value)
      }
    }
  }

  private static func compare(
    _ table: UnsafePointer<Float>?, _ rows: Int, _ columns: Int, _ factors: [Double], _ queries: Int,
    _ sums: inout [Double], _ squares: UnsafeMutableBufferPointer<Double>?, _ workers: Workers
  ) {
    guard let kernel = workers.kernels.pointee.table_product, queries > 0 else { return }
    factors.withUnsafeBufferPointer { factors in
      sums.withUnsafeMutableBufferPointer { sums in
        var arguments = zoo_table(
          table: table, wide: nil, index: nil, factors: factors.baseAddress, sums: sums.baseAddress,
          squares: squares?.baseAddress, table_row: columns, factors_row: columns, sums_row: queries,
          rows: Int32(rows), columns: Int32(columns), outputs: Int32(queries), block: Int32(block))
        workers.run(kernel, &arguments, units: (rows + block - 1) / block)
      }
    }
  }

  private static func distance(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    zip(a, b).reduce(0) { sum, pair in
      let difference = Double(pair.0) - Double(pair.1)
      return sum + difference * difference
    }.squareRoot()
  }
}

/// The rows with the smallest keys so far.
private struct Closest {
  let limit: Int
  private(set) var places: [(key: Double, row: Int)] = []

  init(limit: Int) { self.limit = max(limit, 0) }

  mutating func add(
    _ start: Int, _ rows: Int, sums: [Double], query: Int, queries: Int, squares: UnsafeBufferPointer<Double>,
    length: Double,
    _ metric: NearestNeighbours.Metric
  ) {
    guard limit > 0 else { return }
    for row in 0..<rows {
      let product = sums[row * queries + query]
      let key: Double
      switch metric {
      case .cosine:
        let scale = (squares[row] * length).squareRoot()
        key = scale == 0 ? 0 : -product / scale
      case .product: key = -product
      case .euclidean: key = squares[row] - 2 * product
      }
      // A row with values that are not finite is close to nothing.
      guard key.isFinite else { continue }
      if places.count == limit, let last = places.last, key >= last.key { continue }
      var place = places.count
      while place > 0, places[place - 1].key > key { place -= 1 }
      places.insert((key, start + row), at: place)
      if places.count > limit { places.removeLast() }
    }
  }
}
