import ZooSystem

/// A linear map from features to scores: score k is Σ weights[c, k]·x[c] + bias[k].
package struct LinearHead: Sendable, Equatable, Codable {
  /// The number of features.
  package let columns: Int
  /// The number of scores.
  package let outputs: Int
  /// The weights, (columns, outputs), row-major.
  package let weights: [Double]
  /// One number for each score.
  package let bias: [Double]

  /// - Precondition: `weights.count == columns * outputs && bias.count == outputs`.
  package init(columns: Int, outputs: Int, weights: [Double], bias: [Double]) {
    precondition(weights.count == columns * outputs && bias.count == outputs, "weights don't fill the head")
    self.columns = columns
    self.outputs = outputs
    self.weights = weights
    self.bias = bias
  }

  /// A head whose scores are all 0.
  package init(zeros columns: Int, outputs: Int) {
    self.init(
      columns: columns, outputs: outputs, weights: [Double](repeating: 0, count: columns * outputs),
      bias: [Double](repeating: 0, count: outputs))
  }

  /// The weights as (outputs, columns).
  var transposedWeights: [Double] { transposed(weights, rows: columns, columns: outputs) }

  /// The scores (rows, outputs) of a table of features.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the table has another number of columns.
  package func scores(_ x: FeatureMatrix, threads: Int = 1) throws(ZooError) -> [Double] {
    try scores(x, rows: nil, on: Workers(threads: threads))
  }

  func scores(_ x: FeatureMatrix, rows: [Int]?, on workers: Workers) throws(ZooError) -> [Double] {
    guard x.columns == columns else {
      throw .learning(.doesNotFit, "the head takes \(columns) features, the table has \(x.columns)")
    }
    let table = Table(x, rows: rows)
    var scores = [Double](repeating: 0, count: table.rows * outputs)
    table.product(transposedWeights, outputs: outputs, into: &scores, on: workers)
    for row in 0..<table.rows {
      for output in 0..<outputs { scores[row * outputs + output] += bias[output] }
    }
    return scores
  }

  /// The head for raw features that gives the scores that this one gives for standardised ones.
  package func folding(_ standardization: Standardization) -> LinearHead {
    var folded = weights
    var shifted = bias
    for column in 0..<columns {
      let (factor, mean) = (standardization.factor[column], standardization.mean[column])
      for output in 0..<outputs {
        folded[column * outputs + output] *= factor
        shifted[output] -= folded[column * outputs + output] * mean
      }
    }
    return LinearHead(columns: columns, outputs: outputs, weights: folded, bias: shifted)
  }
}

/// Functions of scores (rows, outputs).
package enum Scores {
  /// The softmax of each row, computed after the row's maximum is subtracted.
  package static func softmax(_ scores: [Double], outputs: Int) -> [Double] {
    var probabilities = scores
    for start in stride(from: 0, to: scores.count, by: max(outputs, 1)) {
      let largest = scores[start..<start + outputs].max() ?? 0
      var sum = 0.0
      for place in start..<start + outputs {
        probabilities[place] = exponential(scores[place] - largest)
        sum += probabilities[place]
      }
      for place in start..<start + outputs { probabilities[place] /= sum }
    }
    return probabilities
  }

  /// 1/(1+e⁻ˣ) of each score.
  package static func sigmoid(_ scores: [Double]) -> [Double] { scores.map { logistic($0) } }
}

/// Values of (rows, columns) as (columns, rows).
func transposed(_ values: [Double], rows: Int, columns: Int) -> [Double] {
  var result = [Double](repeating: 0, count: values.count)
  for row in 0..<rows {
    for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
  }
  return result
}
