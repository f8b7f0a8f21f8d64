import ZooSystem

/// The objective of a linear head on standardised features, as a function of its parameters.
///
/// Parameters are the weights (outputs, columns) and then the biases. The features stay raw: standardising is a part
/// of the product with the weights, which costs no memory and rounds nothing to floats.
final class HeadObjective {
  let columns: Int
  let outputs: Int
  let penalty: Double
  private let table: Table
  private let standardization: Standardization
  private let loss: HeadLoss
  /// The share of each row's loss, or of each row's and output's.
  private let weights: [Double]
  private let weightsPerRow: Int
  let workers: Workers

  /// Rows whose losses are added up on one thread.
  private static let block = 64

  /// - Parameter weights: of the rows (rows) or of rows and outputs (rows, outputs); they add up to 1 for softmax.
  init(
    _ table: Table, _ standardization: Standardization, outputs: Int, loss: HeadLoss, weights: [Double],
    penalty: Double, on workers: Workers
  ) {
    self.table = table
    self.standardization = standardization
    self.outputs = outputs
    self.loss = loss
    self.weights = weights
    self.penalty = penalty
    self.workers = workers
    columns = table.columns
    weightsPerRow = table.rows == 0 ? 1 : weights.count / table.rows
  }

  var parameterCount: Int { outputs * (columns + 1) }
  var scoreCount: Int { table.rows * outputs }

  /// The parameters of a head, and back.
  func parameters(of head: LinearHead) -> [Double] { head.transposedWeights + head.bias }
  func head(_ parameters: [Double]) -> LinearHead {
    LinearHead(
      columns: columns, outputs: outputs,
      weights: transposed(Array(parameters[..<(outputs * columns)]), rows: outputs, columns: columns),
      bias: Array(parameters[(outputs * columns)...]))
  }

  /// The scores (rows, outputs) of parameters or of a direction: they are linear.
  func scores(_ parameters: [Double], into scores: inout [Double]) {
    var factors = [Double](repeating: 0, count: outputs * columns)
    var offsets = [Double](repeating: 0, count: outputs)
    for output in 0..<outputs {
      var shift = 0.0
      for column in 0..<columns {
        let factor = parameters[output * columns + column] * standardization.factor[column]
        factors[output * columns + column] = factor
        shift += factor * standardization.mean[column]
      }
      offsets[output] = parameters[outputs * columns + output] - shift
    }
    table.product(factors, outputs: outputs, into: &scores, on: workers)
    scores.withUnsafeMutableBufferPointer { scores in
      for row in 0..<table.rows {
        for output in 0..<outputs { scores[row * outputs + output] += offsets[output] }
      }
    }
  }

  /// The mean loss at `scores + step * direction`, its derivatives along the line, and those by the scores.
  func evaluate(
    scores: [Double], direction: [Double], step: Double, residuals: inout [Double]
  ) -> LossTerms {
    let (outputs, block, rows) = (outputs, Self.block, table.rows)
    let blocks = (rows + block - 1) / block
    var parts = [LossTerms](repeating: LossTerms(), count: blocks)
    scores.withUnsafeBufferPointer { scores in
      direction.withUnsafeBufferPointer { direction in
        residuals.withUnsafeMutableBufferPointer { residuals in
          weights.withUnsafeBufferPointer { weights in
            parts.withUnsafeMutableBufferPointer { parts in
              nonisolated(unsafe) let (residuals, parts) = (residuals, parts)
              workers.forEach(blocks) { index in
                let own = index * block..<min((index + 1) * block, rows)
                for place in own.lowerBound * outputs..<own.upperBound * outputs {
                  residuals[place] = scores[place] + step * direction[place]
                }
                parts[index] = loss.evaluate(
                  rows: own, scores: residuals, direction: direction, weights: weights, outputs: outputs)
              }
            }
          }
        }
      }
    }
    return parts.reduce(LossTerms(), +)
  }

  /// The gradient of the whole objective at `parameters`, or without those of the mean loss alone, from the
  /// derivatives by the scores.
  func gradient(parameters: [Double]?, residuals: [Double], into gradient: inout [Double]) {
    var sums = [Double](repeating: 0, count: outputs * columns)
    table.adjoint(residuals, outputs: outputs, into: &sums, on: workers)
    for output in 0..<outputs {
      var total = 0.0
      for row in 0..<table.rows { total += residuals[row * outputs + output] }
      for column in 0..<columns {
        let place = output * columns + column
        gradient[place] =
          (sums[place] - standardization.mean[column] * total) * standardization.factor[column]
      }
      gradient[outputs * columns + output] = total
    }
    guard let parameters else { return }
    for place in 0..<outputs * columns { gradient[place] += penalty * parameters[place] }
  }

  /// The mean second derivative of the loss by a score, as the direction of these scores sees it.
  func curvature(scores: [Double], direction: [Double]) -> Double {
    var residuals = scores
    let terms = evaluate(scores: scores, direction: direction, step: 0, residuals: &residuals)
    var squares = 0.0
    for (place, change) in direction.enumerated() {
      let row = place / outputs
      squares += weights[row * weightsPerRow + (weightsPerRow > 1 ? place % outputs : 0)] * change * change
    }
    return squares > 0 ? terms.curvature / squares : 0
  }

  /// Σ a·b over the weights, which the penalty is on, without the biases.
  func penalised(_ a: [Double], _ b: [Double]) -> Double {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        dot(
          UnsafeBufferPointer(rebasing: a[..<(outputs * columns)]),
          UnsafeBufferPointer(rebasing: b[..<(outputs * columns)]))
      }
    }
  }
}
