import ZooSystem

/// Linear regression of numbers with an L2 penalty, in closed form.
///
/// The objective is Σ (wᵀx + b − y)²/N + λ·‖w‖² for standardised features x and the target y less its mean, over its
/// deviation. In scikit-learn's terms alpha = λ·N; the target's scale does not change which λ is right.
package enum RidgeRegression {
  /// The solution.
  ///
  /// - Parameters:
  ///   - x: the features (N, columns), raw.
  ///   - targets: the number of each example.
  ///   - penalty: λ, above 0.
  /// - Returns: a head with one output, in the targets' unit, for standardised features.
  /// - Throws: ``ZooError`` if the numbers don't fit together or one is not finite.
  package static func fit(
    _ x: FeatureMatrix, targets: [Double], penalty: Double, standardization: Standardization? = nil,
    threads: Int = 1
  ) throws(ZooError) -> LinearHead {
    let own = if let standardization { standardization } else { try Standardization(x) }
    return try Ridge(x, targets, rows: Array(0..<x.rows), own, on: Workers(threads: threads)).head(penalty)
  }

  /// What one penalty gave on the examples that were held out.
  package struct Entry: Sendable, Equatable, Codable {
    /// λ.
    package let penalty: Double
    /// The root of the mean squared distance from the targets.
    package let error: Double
  }

  /// What a search found.
  package struct Result: Sendable {
    /// λ of the least error.
    package let penalty: Double
    /// All penalties, from the strongest to the weakest.
    package let table: [Entry]
    /// The prediction for each example by the head that was fitted without its fold, at the chosen penalty.
    package let outOfFold: [Double]
    /// The head of all examples, for raw features.
    package let head: LinearHead
  }

  /// Chooses the penalty by cross-validation, from 10 to 10⁻⁴ in half decades.
  ///
  /// - Parameter folds: which fold each example is in, from 0; at least two folds have examples.
  /// - Throws: ``ZooError`` if the numbers don't fit together or one is not finite.
  package static func search(
    _ x: FeatureMatrix, targets: [Double], folds: [Int], threads: Int = 1
  ) throws(ZooError) -> Result {
    let names = Set(folds).sorted()
    guard folds.count == x.rows, targets.count == x.rows, names.count > 1 else {
      throw .learning(
        .doesNotFit, "cross-validation needs a target and a fold for each example, and two folds")
    }
    let workers = try Workers(threads: threads)
    let penalties = PenaltySearch.decades.flatMap { [$0, $0 / 10.squareRoot()] }.dropLast()
    var predictions = [[Double]](repeating: [Double](repeating: 0, count: x.rows), count: penalties.count)
    for name in names {
      let training = folds.indices.filter { folds[$0] != name }
      let heldOut = folds.indices.filter { folds[$0] == name }
      let standardization = try Standardization(x, rows: training)
      let ridge = try Ridge(x, targets, rows: training, standardization, on: workers)
      for (place, penalty) in penalties.enumerated() {
        let head = try ridge.head(penalty).folding(standardization)
        for (row, score) in zip(heldOut, try head.scores(x, rows: heldOut, on: workers)) {
          predictions[place][row] = score
        }
      }
    }
    let table = zip(penalties, predictions).map { penalty, own in
      let squares = zip(own, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return Entry(penalty: penalty, error: (squares / Double(x.rows)).squareRoot())
    }
    let best = table.indices.reduce(0) { table[$1].error < table[$0].error ? $1 : $0 }
    let standardization = try Standardization(x)
    let head = try Ridge(x, targets, rows: Array(0..<x.rows), standardization, on: workers)
      .head(table[best].penalty)
    return Result(
      penalty: table[best].penalty, table: table, outOfFold: predictions[best],
      head: head.folding(standardization))
  }
}

/// The normal equations of some examples, for any penalty.
private struct Ridge {
  private let x: FeatureMatrix
  private let rows: [Int]
  private let standardization: Standardization
  private let workers: Workers
  private let gram: GramMatrix
  /// The standardised targets and what they were standardised by.
  private let targets: [Double]
  private let mean, deviation: Double

  init(
    _ x: FeatureMatrix, _ targets: [Double], rows: [Int], _ standardization: Standardization,
    on workers: Workers
  ) throws(ZooError) {
    guard targets.count == x.rows, targets.allSatisfy({ $0.isFinite }), !rows.isEmpty else {
      throw .learning(.doesNotFit, "there must be a finite target for each of \(x.rows) examples")
    }
    guard standardization.mean.count == x.columns else {
      throw .learning(.doesNotFit, "the standardization is of another number of columns")
    }
    self.x = x
    self.rows = rows
    self.standardization = standardization
    self.workers = workers
    gram = try GramMatrix(
      x, rows: rows, standardization, side: GramMatrix.smallerSide(rows: rows.count, columns: x.columns),
      on: workers)
    let own = rows.map { targets[$0] }
    let mean = own.reduce(0, +) / Double(own.count)
    let squares = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(own.count)).squareRoot()
    (self.mean, self.deviation) = (mean, deviation)
    self.targets = own.map { deviation > 0 ? ($0 - mean) / deviation : 0 }
  }

  /// The head with one output for standardised features.
  func head(_ penalty: Double) throws(ZooError) -> LinearHead {
    guard penalty > 0, penalty.isFinite else {
      throw .learning(.invalidArgument, "a penalty of \(penalty) is not a positive number")
    }
    try Cancellation.check()
    let count = Double(rows.count)
    guard let factors = gram.factored(1 / count, plus: penalty, on: workers) else {
      throw .learning(.doesNotFit, "a penalty of \(penalty) is too small for these features")
    }
    let table = Table(x, rows: rows)
    // (ZᵀZ/N + λ)w = Zᵀy/N, or with fewer rows than columns w = Zᵀa/N, (ZZᵀ/N + λ)a = y.
    var dual = targets
    if gram.side == .rows { factors.solve(&dual, outputs: 1, on: workers) }
    var weights = [Double](repeating: 0, count: x.columns)
    table.adjoint(dual, outputs: 1, into: &weights, on: workers)
    let total = dual.reduce(0, +)
    for column in weights.indices {
      weights[column] =
        (weights[column] - standardization.mean[column] * total) * standardization.factor[column] / count
    }
    if gram.side == .columns { factors.solve(&weights, outputs: 1, on: workers) }
    return LinearHead(columns: x.columns, outputs: 1, weights: weights.map { $0 * deviation }, bias: [mean])
  }
}
