import ZooSystem

/// The penalty of a linear head by cross-validation.
///
/// From the strongest penalty to weaker ones, by decades, each fold's head starts from the one before. The path ends
/// early where the loss on the examples that were held out clearly rises. Half decades around the best one follow.
/// The penalty of the least mean loss wins. Each fold standardises its features anew.
package enum PenaltySearch {
  /// What one penalty gave on the examples that were held out.
  package struct Entry: Sendable, Equatable, Codable {
    /// λ.
    package let penalty: Double
    /// The mean log loss (weighted by the examples' weights).
    package let loss: Double
    /// The standard error of the mean loss.
    package let standardError: Double
    /// The share of examples whose class is right; for labels that of all labels that are known.
    package let accuracy: Double
  }

  /// What the search found.
  package struct Result: Sendable {
    /// λ of the least loss.
    package let penalty: Double
    /// All penalties that were tried, from the strongest to the weakest.
    package let table: [Entry]
    /// The scores (N, outputs) of each example by the head that was fitted without its fold, at the chosen penalty.
    package let outOfFoldScores: [Double]
    /// The head of all examples at the chosen penalty, for standardised features.
    package let fit: HeadFit
    /// What `fit` standardises by.
    package let standardization: Standardization
    /// The head of all examples, for raw features.
    package var head: LinearHead { fit.head.folding(standardization) }
  }

  /// The penalties that are tried first.
  package static let decades = [10, 1, 0.1, 0.01, 0.001, 0.0001]

  /// Chooses the penalty of a ``LogisticRegression``.
  ///
  /// - Parameters:
  ///   - folds: which fold each example is in, from 0; at least two folds have examples.
  ///   - progress: called after each penalty.
  /// - Throws: ``ZooError`` if the numbers don't fit together or a feature is not finite.
  package static func logistic(
    _ x: FeatureMatrix, labels: [Int], classes: Int, exampleWeights: [Double]? = nil, folds: [Int],
    smoothing: Double = 0, threads: Int = 1, progress: (Entry) -> Void = { _ in }
  ) throws(ZooError) -> Result {
    let problem = try HeadProblem(
      x, .classes(labels, count: classes, smoothing: smoothing), exampleWeights: exampleWeights)
    return try search(problem, folds: folds, threads: threads, progress: progress)
  }

  /// Chooses the penalty of ``OneVersusRest``: one for all labels.
  ///
  /// - Parameters:
  ///   - targets: (N, labels), from 0 to 1; NaN where it is not known.
  ///   - folds: which fold each example is in, from 0; at least two folds have examples.
  ///   - progress: called after each penalty.
  /// - Throws: ``ZooError`` if the numbers don't fit together or a feature is not finite.
  package static func oneVersusRest(
    _ x: FeatureMatrix, targets: [Double], labels: Int, exampleWeights: [Double]? = nil, folds: [Int],
    threads: Int = 1, progress: (Entry) -> Void = { _ in }
  ) throws(ZooError) -> Result {
    let problem = try HeadProblem(x, .labels(targets, count: labels), exampleWeights: exampleWeights)
    return try search(problem, folds: folds, threads: threads, progress: progress)
  }

  /// The heads of the folds are as exact as a choice needs; see `HeadSolver` for what the tolerance means.
  private static let foldTolerance = 1e-2
  private static let limit = 5000

  private static func search(
    _ problem: HeadProblem, folds: [Int], threads: Int, progress: (Entry) -> Void
  ) throws(ZooError) -> Result {
    let workers = try Workers(threads: threads)
    let standardization = try Standardization(problem.x)
    let gram = try problem.gram(rows: Array(0..<problem.x.rows), standardization, on: workers)
    let path = try FoldPath(problem, folds: folds, gram: gram, on: workers)
    var table: [Entry] = []
    var best: (entry: Entry, place: FoldPath.Place)?
    func attempt(_ penalty: Double, from heads: [LinearHead?]) throws(ZooError) -> FoldPath.Place {
      let place = try path.fit(penalty: penalty, from: heads, tolerance: foldTolerance, limit: limit)
      let entry = problem.assess(place.scores, penalty: penalty)
      table.append(entry)
      progress(entry)
      if best == nil || entry.loss < best?.entry.loss ?? .infinity { best = (entry, place) }
      return place
    }
    var heads = path.zeros
    var rises = 0
    for penalty in decades {
      heads = try attempt(penalty, from: heads).heads
      guard let best, let last = table.last else { break }
      rises = last.loss > best.entry.loss ? rises + 1 : 0
      if rises == 2 || last.loss > best.entry.loss + best.entry.standardError { break }
    }
    if let (entry, place) = best {
      for penalty in [entry.penalty * 10.squareRoot(), entry.penalty / 10.squareRoot()]
      where penalty < decades[0] && penalty > decades[decades.count - 1] {
        _ = try attempt(penalty, from: place.heads)
      }
    }
    guard let best else { throw .learning(.doesNotFit, "there is no penalty to choose from") }
    let fit = try problem.fit(
      rows: Array(0..<problem.x.rows), standardization, penalty: best.entry.penalty,
      start: LinearHead(meanOf: best.place.heads.compactMap(\.self)), tolerance: 1e-6, limit: limit,
      gram: gram, on: workers)
    return Result(
      penalty: best.entry.penalty, table: table.sorted { $0.penalty > $1.penalty },
      outOfFoldScores: best.place.scores, fit: fit, standardization: standardization)
  }
}

/// The heads of all folds at one penalty after another.
private struct FoldPath {
  struct Place {
    let heads: [LinearHead?]
    let scores: [Double]
  }

  private let problem: HeadProblem
  private let workers: Workers
  private let parts: [Part]

  private struct Part {
    let training: [Int]
    let heldOut: [Int]
    let standardization: Standardization
    let gram: GramMatrix?
  }

  /// - Parameter gram: the Gram matrix of all rows.
  init(_ problem: HeadProblem, folds: [Int], gram: GramMatrix?, on workers: Workers) throws(ZooError) {
    self.problem = problem
    self.workers = workers
    guard folds.count == problem.x.rows else {
      throw .learning(.doesNotFit, "\(folds.count) examples have a fold, \(problem.x.rows) have features")
    }
    let names = Set(folds).sorted()
    guard names.count > 1 else { throw .learning(.doesNotFit, "cross-validation needs two folds or more") }
    var parts: [Part] = []
    let fewest = folds.count - (names.map { name in folds.count { $0 == name } }.max() ?? 0)
    let shared = fewest > problem.x.columns + problem.x.columns / 4 ? gram : nil
    for name in names {
      let training = folds.indices.filter { folds[$0] != name }
      let standardization = try Standardization(problem.x, rows: training)
      // With many more rows than columns all folds are alike, and one matrix serves all.
      let own =
        if let shared { shared } else { try problem.gram(rows: training, standardization, on: workers) }
      parts.append(
        Part(
          training: training, heldOut: folds.indices.filter { folds[$0] == name },
          standardization: standardization, gram: own))
    }
    self.parts = parts
  }

  var zeros: [LinearHead?] { parts.map { _ in nil } }

  func fit(
    penalty: Double, from starts: [LinearHead?], tolerance: Double, limit: Int
  ) throws(ZooError) -> Place {
    let outputs = problem.outputs
    var heads: [LinearHead?] = []
    var scores = [Double](repeating: 0, count: problem.x.rows * outputs)
    for (part, start) in zip(parts, starts) {
      let fit = try problem.fit(
        rows: part.training, part.standardization, penalty: penalty, start: start, tolerance: tolerance,
        limit: limit, gram: part.gram, on: workers)
      let held = try fit.head.folding(part.standardization).scores(
        problem.x, rows: part.heldOut, on: workers)
      for (place, row) in part.heldOut.enumerated() {
        for output in 0..<outputs { scores[row * outputs + output] = held[place * outputs + output] }
      }
      heads.append(fit.head)
    }
    return Place(heads: heads, scores: scores)
  }
}

extension HeadProblem {
  /// How well scores (N, outputs) fit the targets.
  fileprivate func assess(_ scores: [Double], penalty: Double) -> PenaltySearch.Entry {
    var losses: [(weight: Double, loss: Double)] = []
    var (right, counted) = (0, 0)
    let outputs = outputs
    for row in 0..<x.rows {
      let own = scores[row * outputs..<(row + 1) * outputs]
      switch target {
      case .classes(let labels, _, _):
        let largest = own.max() ?? 0
        let sum = own.reduce(0) { $0 + exponential($1 - largest) }
        losses.append((weight(row), largest + logarithm(sum) - own[own.startIndex + labels[row]]))
        right += own.firstIndex(of: largest) == own.startIndex + labels[row] ? 1 : 0
        counted += 1
      case .labels(let targets, _):
        var loss = 0.0
        var known = 0
        for (score, target) in zip(own, targets[row * outputs..<(row + 1) * outputs]) where !target.isNaN {
          loss += softplus(score) - target * score
          known += 1
          right += (score > 0) == (target > 0.5) ? 1 : 0
        }
        counted += known
        if known > 0 { losses.append((weight(row), loss / Double(known))) }
      }
    }
    let total = losses.reduce(0) { $0 + $1.weight }
    let mean = losses.reduce(0) { $0 + $1.weight * $1.loss } / total
    let squares = losses.reduce(0) { sum, own in
      sum + own.weight * own.weight * (own.loss - mean) * (own.loss - mean)
    }
    return PenaltySearch.Entry(
      penalty: penalty, loss: mean, standardError: squares.squareRoot() / total,
      accuracy: counted > 0 ? Double(right) / Double(counted) : 0)
  }
}

extension LinearHead {
  /// The mean of heads of one shape; nil of none.
  fileprivate init?(meanOf heads: [LinearHead]) {
    guard let first = heads.first else { return nil }
    var (weights, bias) = (first.weights, first.bias)
    for head in heads.dropFirst() {
      add(1, head.weights, to: &weights)
      add(1, head.bias, to: &bias)
    }
    let share = 1 / Double(heads.count)
    self.init(
      columns: first.columns, outputs: first.outputs, weights: weights.map { $0 * share },
      bias: bias.map { $0 * share })
  }
}
