import ZooSystem

/// How well a linear model on features explains classes: the logarithm of the maximum evidence (You et al., 2021).
///
/// It needs no training and no held-out part, and compares backbones: higher is better.
package enum LogME {
  private static let steps = 200
  private static let tolerance = 1e-10

  /// The mean over the classes of the log evidence of each class's column of zeros and ones, by example.
  ///
  /// Features and columns are centred. For each column a fixed point gives the precisions of the weights (α) and
  /// of the noise (β).
  ///
  /// - Parameters:
  ///   - x: the features (N, columns).
  ///   - labels: the class of each example, from 0.
  /// - Throws: ``ZooError`` of the code `doesNotFit` for fewer than two examples, one class or impossible labels.
  package static func score(
    _ x: FeatureMatrix, labels: [Int], classes: Int, threads: Int = 1
  ) throws(ZooError) -> Double {
    guard x.rows > 1, labels.count == x.rows, labels.allSatisfy({ (0..<classes).contains($0) }) else {
      throw .learning(.doesNotFit, "there are \(labels.count) labels for \(x.rows) examples")
    }
    let counts = labels.reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
    let present = counts.indices.filter { counts[$0] > 0 }
    guard present.count > 1 else { throw .learning(.doesNotFit, "all examples are of one class") }
    let workers = try Workers(threads: threads)
    let centring = try Standardization(x).withoutScale
    let rows = Array(0..<x.rows)
    let side = GramMatrix.smallerSide(rows: x.rows, columns: x.columns)
    let gram = try GramMatrix(x, rows: rows, centring, side: side, on: workers)
    let eigen = try SymmetricEigen(gram.values, order: gram.order, on: workers)
    // What is below is rounding.
    let least = (eigen.values.first ?? 0) * 1e-13
    let squares = eigen.values.prefix { $0 > least && $0 > 0 }
    // Centring takes away one degree of freedom; where the features span all others, noise has none left.
    let freedom = squares.count < x.rows - 1 ? x.rows : x.rows - 1
    // Columns of zeros and ones less their share, as (N, classes that occur).
    let targets = labels.flatMap { label in
      present.map { (label == $0 ? 1 : 0) - Double(counts[$0]) / Double(x.rows) }
    }
    let projections = Self.projections(
      x, targets, present.count, eigen, rank: squares.count, side, workers)
    let evidence = present.indices.map { place in
      let share = Double(counts[present[place]]) / Double(x.rows)
      return Evidence(
        squares: Array(squares), projections: projections[place],
        length: Double(x.rows) * share * (1 - share),
        rows: Double(freedom), columns: Double(x.columns)
      ).maximum(steps: steps, tolerance: tolerance)
    }
    return evidence.reduce(0, +) / Double(evidence.count)
  }

  /// The squares of uᵀy for each target and each left singular vector u of the centred features.
  private static func projections(
    _ x: FeatureMatrix, _ targets: [Double], _ count: Int, _ eigen: SymmetricEigen, rank: Int,
    _ side: GramMatrix.Side, _ workers: Workers
  ) -> [[Double]] {
    var sides = transposed(targets, rows: x.rows, columns: count)
    if side == .columns {
      // uᵀy = vᵀ(Zᵀy)/σ; the targets are centred, so that the features need not be.
      sides = [Double](repeating: 0, count: count * x.columns)
      Table(x).adjoint(targets, outputs: count, into: &sides, on: workers)
    }
    var sums = [Double](repeating: 0, count: rank * count)
    Table(Array(eigen.vectors.prefix(rank * eigen.order)), rows: rank, columns: eigen.order)
      .product(sides, outputs: count, into: &sums, on: workers)
    return (0..<count).map { target in
      (0..<rank).map { place in
        let value = sums[place * count + target]
        return side == .columns ? value * value / eigen.values[place] : value * value
      }
    }
  }

  /// The evidence of one column.
  private struct Evidence {
    /// σ² of the features and z² of the column along each direction.
    let squares, projections: [Double]
    /// ‖y‖².
    let length: Double
    /// The degrees of freedom, and all columns of the features.
    let rows, columns: Double

    func maximum(steps: Int, tolerance: Double) -> Double {
      let outside = max(length - projections.reduce(0, +), 0)
      var (alpha, beta) = (1.0, 1.0)
      var (weights, residual) = (0.0, length)
      for _ in 0..<steps {
        // γ, and rows − γ without the rounding of the difference.
        var gamma = 0.0
        var rest = rows - Double(squares.count)
        (weights, residual) = (0, outside)
        for (square, projection) in zip(squares, projections) {
          let sum = alpha + beta * square
          gamma += beta * square / sum
          rest += alpha / sum
          weights += beta * beta * square * projection / (sum * sum)
          let shrunk = 1 + beta * square / alpha
          residual += projection / (shrunk * shrunk)
        }
        let before = alpha / beta
        // A column that is explained without rest, or not at all, has an evidence without a bound.
        alpha = min(max(gamma / max(weights, 1e-300), 1e-12), 1e12)
        beta = min(max(rest / max(residual, 1e-300), 1e-12), 1e12)
        if abs(alpha / beta - before) <= tolerance * before { break }
      }
      (weights, residual) = (0, outside)
      var determinant = 0.0
      for (square, projection) in zip(squares, projections) {
        let sum = alpha + beta * square
        weights += beta * beta * square * projection / (sum * sum)
        let shrunk = 1 + beta * square / alpha
        residual += projection / (shrunk * shrunk)
        determinant += logarithm(sum)
      }
      // Directions in which all examples are equal.
      determinant += (columns - Double(squares.count)) * logarithm(alpha)
      let evidence =
        columns * logarithm(alpha) + rows * logarithm(beta) - determinant - beta * residual - alpha * weights
        - rows * logarithm(2 * Double.pi)
      return evidence / 2 / rows
    }
  }
}
