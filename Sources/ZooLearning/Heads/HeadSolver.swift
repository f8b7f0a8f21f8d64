import ZooSystem

/// Minimises a head's objective by L-BFGS.
///
/// Scores are linear in the parameters. So a step costs one product for the scores of its direction and one for the
/// gradient, however many places along the direction are tried.
struct HeadSolver {
  /// Steps that the approximation of the curvature remembers.
  private static let memory = 12
  /// The most places that are tried along a direction.
  private static let trials = 25

  let tolerance: Double
  let limit: Int

  struct Result {
    var parameters: [Double]
    var loss: Double
    var iterations: Int
    var converged: Bool
  }

  private struct Pair {
    let step: [Double]
    let change: [Double]
    let product: Double
  }

  /// - Parameter preconditioner: makes an approximation of the inverse curvature from the mean curvature of the loss
  ///   by a score.
  /// - Throws: ``ZooError`` of the code `cancelled`.
  func minimise(
    _ objective: HeadObjective, from start: [Double], preconditioner: (Double) -> HeadPreconditioner?
  ) throws(ZooError) -> Result {
    var parameters = start
    var scores = [Double](repeating: 0, count: objective.scoreCount)
    var directionScores = scores
    var residuals = scores
    objective.scores(parameters, into: &scores)
    var terms = objective.evaluate(scores: scores, direction: directionScores, step: 0, residuals: &residuals)
    var gradient = [Double](repeating: 0, count: objective.parameterCount)
    objective.gradient(parameters: parameters, residuals: residuals, into: &gradient)
    var squares = objective.penalised(parameters, parameters)
    objective.scores(gradient, into: &directionScores)
    var conditioner = preconditioner(objective.curvature(scores: scores, direction: directionScores))
    var pairs: [Pair] = []
    var iterations = 0
    var stuck = false
    while !isConverged(gradient, squares: squares, penalty: objective.penalty), iterations < limit, !stuck {
      try Cancellation.check()
      var direction = descent(gradient, pairs, conditioner, objective)
      if !(dot(direction, gradient) < 0) {
        pairs = []
        direction = gradient.map { -$0 }
      }
      objective.scores(direction, into: &directionScores)
      let line = Line(
        penalty: objective.penalty, squares: squares, cross: objective.penalised(parameters, direction),
        directionSquares: objective.penalised(direction, direction))
      let step = search(
        objective, line, scores: scores, directionScores: directionScores, isFirst: pairs.isEmpty,
        terms: &terms, residuals: &residuals)
      if step == 0 {
        // Near the end rounding in the preconditioner is more than what is left to gain.
        stuck = conditioner == nil && pairs.isEmpty
        (conditioner, pairs) = (nil, [])
        continue
      }
      add(step, direction, to: &parameters)
      add(step, directionScores, to: &scores)
      squares = objective.penalised(parameters, parameters)
      let before = gradient
      objective.gradient(parameters: parameters, residuals: residuals, into: &gradient)
      var change = gradient
      add(-1, before, to: &change)
      let moved = direction.map { step * $0 }
      let product = dot(moved, change)
      if product > 0 {
        if pairs.count == Self.memory { pairs.removeFirst() }
        pairs.append(Pair(step: moved, change: change, product: product))
      }
      iterations += 1
    }
    return Result(
      parameters: parameters, loss: terms.loss + objective.penalty * squares / 2, iterations: iterations,
      converged: isConverged(gradient, squares: squares, penalty: objective.penalty)
        || stuck && norm(gradient) < 1e-9)
  }

  /// The penalty makes the objective strongly convex in the weights, with the constant `penalty`: a gradient of the
  /// norm g means that the weights are off by g/penalty at most.
  private func isConverged(_ gradient: [Double], squares: Double, penalty: Double) -> Bool {
    norm(gradient) <= tolerance * penalty * squares.squareRoot() + 1e-12
  }

  private func norm(_ x: [Double]) -> Double { dot(x, x).squareRoot() }

  /// −H·gradient with the inverse curvature H that the remembered steps imply.
  private func descent(
    _ gradient: [Double], _ pairs: [Pair], _ conditioner: HeadPreconditioner?, _ objective: HeadObjective
  ) -> [Double] {
    var direction = gradient.map { -$0 }
    var shares: [Double] = []
    for pair in pairs.reversed() {
      let share = dot(pair.step, direction) / pair.product
      add(-share, pair.change, to: &direction)
      shares.append(share)
    }
    if let conditioner {
      conditioner.apply(objective, to: &direction)
    } else if let last = pairs.last {
      let factor = last.product / dot(last.change, last.change)
      for index in direction.indices { direction[index] *= factor }
    }
    for (pair, share) in zip(pairs, shares.reversed()) {
      add(share - dot(pair.change, direction) / pair.product, pair.step, to: &direction)
    }
    return direction
  }

  /// The penalty along a line: ½·penalty·(squares + 2t·cross + t²·directionSquares).
  private struct Line {
    let penalty, squares, cross, directionSquares: Double

    func terms(_ t: Double) -> LossTerms {
      LossTerms(
        loss: penalty * (squares + 2 * t * cross + t * t * directionSquares) / 2,
        slope: penalty * (cross + t * directionSquares), curvature: penalty * directionSquares)
    }
  }

  /// The step along a direction at which the slope is small, by Newton's method within a bracket: the objective is
  /// convex. Leaves the loss and residuals of that step behind; 0 if no step makes the objective smaller.
  private func search(
    _ objective: HeadObjective, _ line: Line, scores: [Double], directionScores: [Double], isFirst: Bool,
    terms: inout LossTerms, residuals: inout [Double]
  ) -> Double {
    func evaluate(_ t: Double, _ terms: inout LossTerms) -> LossTerms {
      terms = objective.evaluate(scores: scores, direction: directionScores, step: t, residuals: &residuals)
      return terms + line.terms(t)
    }
    var start = terms + line.terms(0)
    if isFirst {
      start = evaluate(0, &terms)
    } else {
      start.slope = slope(residuals, directionScores) + line.terms(0).slope
    }
    guard start.slope < 0 else { return 0 }
    var (low, high) = (0.0, Double.infinity)
    var t = isFirst && start.curvature > 0 ? -start.slope / start.curvature : 1
    for _ in 0..<Self.trials {
      let place = evaluate(t, &terms)
      let slack = 1e-14 * abs(start.loss)
      if place.loss.isFinite, place.loss <= start.loss + slack, abs(place.slope) <= -0.3 * start.slope {
        return t
      }
      if place.slope < 0, place.loss.isFinite { low = t } else { high = t }
      var next = place.curvature > 0 ? t - place.slope / place.curvature : .nan
      if !(next > low && next < high) { next = high.isFinite ? (low + high) / 2 : 4 * t }
      guard next != t else { break }
      t = next
    }
    // As far as rounding lets the slope fall.
    let place = evaluate(low, &terms)
    return low > 0 && place.loss < start.loss ? low : 0
  }

  private func slope(_ residuals: [Double], _ directionScores: [Double]) -> Double {
    dot(residuals, directionScores)
  }
}
