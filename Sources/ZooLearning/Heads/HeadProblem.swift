import ZooSystem

/// A linear head as it came out of a solver.
package struct HeadFit: Sendable, Equatable {
  /// The head, for standardised features.
  package let head: LinearHead
  /// The objective at its minimum: mean loss and penalty.
  package let loss: Double
  /// Steps of the solver.
  package let iterations: Int
  /// Whether the gradient became small enough.
  package let converged: Bool
}

/// What a linear head is to learn from some examples.
struct HeadProblem {
  enum Target {
    case classes([Int], count: Int, smoothing: Double)
    case labels([Double], count: Int)
  }

  let x: FeatureMatrix
  let target: Target
  let exampleWeights: [Double]?

  /// - Throws: ``ZooError`` of the code `doesNotFit` if a label, target or weight is impossible.
  init(_ x: FeatureMatrix, _ target: Target, exampleWeights: [Double]?) throws(ZooError) {
    self.x = x
    self.target = target
    self.exampleWeights = exampleWeights
    guard x.rows > 0 else { throw .learning(.doesNotFit, "there is no example") }
    guard x.rows < Int32.max, x.columns < Int32.max else {
      throw .learning(.tooLarge, "a table of \(x.rows) x \(x.columns) is too large")
    }
    switch target {
    case .classes(let labels, let count, let smoothing):
      guard labels.count == x.rows else {
        throw .learning(.doesNotFit, "there are \(labels.count) labels for \(x.rows) examples")
      }
      guard count > 0, labels.allSatisfy({ (0..<count).contains($0) }) else {
        throw .learning(.doesNotFit, "a label is not one of the \(count) classes")
      }
      guard (0..<1).contains(smoothing) else {
        throw .learning(.invalidArgument, "a label smoothing of \(smoothing) is not in 0..<1")
      }
    case .labels(let targets, let count):
      guard count > 0, targets.count == x.rows * count else {
        throw .learning(.doesNotFit, "there are \(targets.count) targets for \(x.rows) examples")
      }
      guard targets.allSatisfy({ $0.isNaN || (0...1).contains($0) }) else {
        throw .learning(.doesNotFit, "a target is not in 0...1")
      }
    }
    if let exampleWeights {
      guard exampleWeights.count == x.rows, exampleWeights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
        throw .learning(.doesNotFit, "there must be a finite weight of 0 or more for each example")
      }
    }
  }

  var outputs: Int {
    switch target {
    case .classes(_, let count, _), .labels(_, let count): count
    }
  }

  func weight(_ row: Int) -> Double { exampleWeights?[row] ?? 1 }

  /// Solves for all rows, which are standardised by their own statistics unless others are given.
  func fit(
    _ standardization: Standardization?, penalty: Double, start: LinearHead?, tolerance: Double, limit: Int,
    threads: Int
  ) throws(ZooError) -> HeadFit {
    let own = if let standardization { standardization } else { try Standardization(x) }
    let workers = try Workers(threads: threads)
    let rows = Array(0..<x.rows)
    return try fit(
      rows: rows, own, penalty: penalty, start: start, tolerance: tolerance, limit: limit,
      gram: gram(rows: rows, own, on: workers), on: workers)
  }

  /// What the solver's preconditioner is made from; nil where it would take too much memory.
  func gram(
    rows: [Int], _ standardization: Standardization, on workers: Workers
  ) throws(ZooError) -> GramMatrix? {
    guard standardization.mean.count == x.columns, min(rows.count, x.columns) <= Self.largestGram else {
      return nil
    }
    return try GramMatrix(
      x, rows: rows, standardization, side: GramMatrix.smallerSide(rows: rows.count, columns: x.columns),
      on: workers)
  }

  private static let largestGram = 6000

  /// Solves for the rows of these indices.
  func fit(
    rows: [Int], _ standardization: Standardization, penalty: Double, start: LinearHead?, tolerance: Double,
    limit: Int, gram: GramMatrix?, on workers: Workers
  ) throws(ZooError) -> HeadFit {
    guard penalty > 0, penalty.isFinite else {
      throw .learning(.invalidArgument, "a penalty of \(penalty) is not a positive number")
    }
    guard standardization.mean.count == x.columns else {
      throw .learning(.doesNotFit, "the standardization is of another number of columns")
    }
    if let start {
      guard start.columns == x.columns, start.outputs == outputs else {
        throw .learning(.doesNotFit, "the head to start from has another shape")
      }
    }
    switch target {
    case .classes(let labels, let count, let smoothing):
      let present = Set(rows.lazy.filter { weight($0) > 0 }.map { labels[$0] }).sorted()
      let total = rows.reduce(0) { $0 + weight($1) }
      guard total > 0 else { throw .learning(.doesNotFit, "all weights are 0") }
      let places = Dictionary(uniqueKeysWithValues: zip(present, 0...))
      let part = try solve(
        rows, standardization, outputs: present.count,
        .classes(rows.map { places[labels[$0]] ?? 0 }, smoothing: smoothing),
        weights: rows.map { weight($0) / total }, penalty: penalty,
        start: start?.selecting(outputs: present), tolerance: tolerance, limit: limit, gram: gram, on: workers
      )
      guard present.count < count else { return part }
      return HeadFit(
        head: part.head.scattering(to: present, of: count, absent: -logarithm(2 * Double(rows.count))),
        loss: part.loss, iterations: part.iterations, converged: part.converged)
    case .labels(let targets, let count):
      let known = rows.flatMap { row in targets[row * count..<(row + 1) * count] }
      var totals = [Double](repeating: 0, count: count)
      for (place, target) in known.enumerated() where !target.isNaN {
        totals[place % count] += weight(rows[place / count])
      }
      let weights = known.indices.map { place in
        totals[place % count] > 0 ? weight(rows[place / count]) / totals[place % count] : 0
      }
      return try solve(
        rows, standardization, outputs: count, .labels(known), weights: weights, penalty: penalty,
        start: start,
        tolerance: tolerance, limit: limit, gram: gram, on: workers)
    }
  }

  private func solve(
    _ rows: [Int], _ standardization: Standardization, outputs: Int, _ loss: HeadLoss, weights: [Double],
    penalty: Double, start: LinearHead?, tolerance: Double, limit: Int, gram: GramMatrix?, on workers: Workers
  ) throws(ZooError) -> HeadFit {
    let isAll = rows.count == x.rows && rows.indices.allSatisfy { rows[$0] == $0 }
    let objective = HeadObjective(
      Table(x, rows: isAll ? nil : rows), standardization, outputs: outputs, loss: loss, weights: weights,
      penalty: penalty, on: workers)
    let start = start.map(objective.parameters) ?? [Double](repeating: 0, count: objective.parameterCount)
    let result = try HeadSolver(tolerance: tolerance, limit: limit).minimise(objective, from: start) {
      curvature in
      // A Gram matrix of columns may be that of more rows than these.
      gram.flatMap {
        HeadPreconditioner(
          $0, curvature: curvature, penalty: penalty, on: workers)
      }
    }
    return HeadFit(
      head: objective.head(result.parameters), loss: result.loss, iterations: result.iterations,
      converged: result.converged)
  }
}

extension LinearHead {
  /// The head with some of the outputs.
  func selecting(outputs indices: [Int]) -> LinearHead {
    guard indices != Array(0..<outputs) else { return self }
    return LinearHead(
      columns: columns, outputs: indices.count,
      weights: (0..<columns).flatMap { column in indices.map { weights[column * outputs + $0] } },
      bias: indices.map { bias[$0] })
  }

  /// The head with `count` outputs, of which this one has those at `indices`. The others have no weights, and biases
  /// below the least by `absent`: nothing is known of these classes but that they are rare.
  func scattering(to indices: [Int], of count: Int, absent: Double) -> LinearHead {
    var (scattered, shifted) = (
      [Double](repeating: 0, count: columns * count),
      [Double](repeating: (bias.min() ?? 0) + absent, count: count)
    )
    for (place, index) in indices.enumerated() {
      shifted[index] = bias[place]
      for column in 0..<columns { scattered[column * count + index] = weights[column * outputs + place] }
    }
    return LinearHead(columns: columns, outputs: count, weights: scattered, bias: shifted)
  }
}
