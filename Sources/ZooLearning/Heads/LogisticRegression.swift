import ZooSystem

/// Multinomial logistic regression with an L2 penalty, solved to convergence.
///
/// The objective, for standardised features x, weights W and biases b:
///
///     Σ wᵢ·(−ln softmax(Wᵀxᵢ + b)[yᵢ]) / Σ wᵢ + ½·λ·‖W‖²
///
/// Biases are not penalised. The weights wᵢ of the examples are relative: a weight of 2 counts as two equal examples,
/// and doubling all of them changes nothing. In scikit-learn's terms C = 1/(λ·Σ wᵢ) on standardised features; for two
/// classes, where scikit-learn has one vector in place of two opposite ones, C = 2/(λ·Σ wᵢ).
package enum LogisticRegression {
  /// Finds the minimum.
  ///
  /// - Parameters:
  ///   - x: the features (N, columns), raw.
  ///   - labels: the class of each example, from 0.
  ///   - classes: the number of classes. One without an example gets no weights and a low bias.
  ///   - exampleWeights: how much each example counts; 1 by default.
  ///   - penalty: λ, above 0.
  ///   - smoothing: the share of each target that is spread evenly over all classes (label smoothing).
  ///   - standardization: what the features are standardised by; their own by default.
  ///   - start: where to start from; zeros by default. The result is the same within the tolerance.
  ///   - tolerance: how far the weights may be from those of the minimum, as a share of their norm.
  ///   - limit: the most steps.
  ///   - threads: how many threads work; the result has the same bits for any number.
  /// - Returns: the head for standardised features; ``LinearHead/folding(_:)`` gives that for raw ones.
  /// - Throws: ``ZooError`` if the numbers don't fit together or a feature is not finite.
  package static func fit(
    _ x: FeatureMatrix, labels: [Int], classes: Int, exampleWeights: [Double]? = nil, penalty: Double,
    smoothing: Double = 0, standardization: Standardization? = nil, start: LinearHead? = nil,
    tolerance: Double = 1e-6, limit: Int = 5000, threads: Int = 1
  ) throws(ZooError) -> HeadFit {
    let problem = try HeadProblem(
      x, .classes(labels, count: classes, smoothing: smoothing), exampleWeights: exampleWeights)
    return try problem.fit(
      standardization, penalty: penalty, start: start, tolerance: tolerance, limit: limit, threads: threads)
  }
}

/// Logistic regression for labels that do not exclude each other: one sigmoid for each.
///
/// The objective is the sum over the labels of Σ wᵢ·(ln(1+eˢ) − t·s) / Σ wᵢ, taken over the examples whose target t
/// is known, and of ½·λ·‖W‖². So each label's head is the same as if it were fitted alone. In scikit-learn's terms
/// C = 1/(λ·Σ wᵢ) for each label.
package enum OneVersusRest {
  /// Finds the minimum; the parameters are those of ``LogisticRegression/fit(_:labels:classes:exampleWeights:penalty:smoothing:standardization:start:tolerance:limit:threads:)``.
  ///
  /// - Parameter targets: (N, labels), row-major, from 0 to 1; NaN where it is not known.
  package static func fit(
    _ x: FeatureMatrix, targets: [Double], labels: Int, exampleWeights: [Double]? = nil, penalty: Double,
    standardization: Standardization? = nil, start: LinearHead? = nil, tolerance: Double = 1e-6,
    limit: Int = 5000, threads: Int = 1
  ) throws(ZooError) -> HeadFit {
    let problem = try HeadProblem(x, .labels(targets, count: labels), exampleWeights: exampleWeights)
    return try problem.fit(
      standardization, penalty: penalty, start: start, tolerance: tolerance, limit: limit, threads: threads)
  }
}
