import ZooSystem

/// A table of features, one example a row.
package struct FeatureMatrix: Sendable, Equatable {
  /// The number of examples.
  package let rows: Int
  /// The number of features of an example.
  package let columns: Int
  /// The values, (rows, columns), row-major.
  package let values: [Float]

  /// A table of values in row-major order (rows, columns).
  ///
  /// - Precondition: `values.count == rows * columns`.
  package init(rows: Int, columns: Int, values: [Float]) {
    precondition(rows >= 0 && columns >= 0 && values.count == rows * columns, "values don't fill the table")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// The features of one example.
  package subscript(row row: Int) -> ArraySlice<Float> { values[row * columns..<(row + 1) * columns] }

  /// The rows of these indices, in their order; an index may occur more than once.
  package func selecting(rows indices: [Int]) -> FeatureMatrix {
    var selected: [Float] = []
    selected.reserveCapacity(indices.count * columns)
    for index in indices { selected += self[row: index] }
    return FeatureMatrix(rows: indices.count, columns: columns, values: selected)
  }

  /// Checks that every value is a finite number.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit`, which names the first row and column that is not.
  package func checkFinite() throws(ZooError) {
    guard let place = values.firstIndex(where: { !$0.isFinite }) else { return }
    throw .learning(
      .doesNotFit,
      "the feature in row \(place / columns), column \(place % columns) is \(values[place]), not a finite number"
    )
  }
}

extension ZooError {
  /// An error about what is to be learned from.
  static func learning(_ code: Code, _ why: String) -> ZooError {
    ZooError(code, what: "cannot learn", at: "the features", why)
  }
}
