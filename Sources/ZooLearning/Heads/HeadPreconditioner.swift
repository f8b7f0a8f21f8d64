import ZooSystem

/// An approximation of the inverse curvature of a head's objective: (c·ZᵀZ/N + λ)⁻¹ for each output, where Z are the
/// standardised features and c the mean curvature of the loss by a score.
///
/// With fewer rows than columns it is (1 − Zᵀ(ZZᵀ + λN/c)⁻¹Z)/λ, which is the same.
struct HeadPreconditioner {
  private let side: GramMatrix.Side
  private let cholesky: Cholesky
  private let curvature: Double

  /// - Returns: nil if rounding makes the matrix not positive definite.
  init?(_ gram: GramMatrix, curvature: Double, penalty: Double, on workers: Workers) {
    guard curvature > 0, curvature.isFinite else { return nil }
    side = gram.side
    self.curvature = curvature
    let factors =
      switch side {
      case .columns: gram.factored(curvature / Double(gram.count), plus: penalty, on: workers)
      case .rows: gram.factored(1, plus: penalty * Double(gram.count) / curvature, on: workers)
      }
    guard let factors else { return nil }
    cholesky = factors
  }

  /// Applies it to parameters, in place.
  func apply(_ objective: HeadObjective, to parameters: inout [Double]) {
    let weights = objective.outputs * objective.columns
    // A score's bias has the curvature of the loss alone.
    for place in weights..<parameters.count { parameters[place] /= curvature }
    switch side {
    case .columns:
      var part = Array(parameters[..<weights])
      cholesky.solve(&part, outputs: objective.outputs, on: objective.workers)
      for place in 0..<weights { parameters[place] = part[place] }
    case .rows:
      var part = parameters
      for place in weights..<part.count { part[place] = 0 }
      var scores = [Double](repeating: 0, count: objective.scoreCount)
      objective.scores(part, into: &scores)
      let rows = scores.count / objective.outputs
      var sides = transposed(scores, rows: rows, columns: objective.outputs)
      cholesky.solve(&sides, outputs: objective.outputs, on: objective.workers)
      objective.gradient(
        parameters: nil, residuals: transposed(sides, rows: objective.outputs, columns: rows), into: &part)
      for place in 0..<weights { parameters[place] = (parameters[place] - part[place]) / objective.penalty }
    }
  }
}
