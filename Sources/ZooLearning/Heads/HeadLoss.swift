/// What a row of scores is compared with.
enum HeadLoss {
  /// One of several classes: −Σ y·ln softmax(score), with y = 1−smoothing at the label, plus smoothing/classes
  /// everywhere.
  case classes([Int], smoothing: Double)
  /// Independent yes or no for each output, (rows, outputs); NaN where it is not known.
  case labels([Double])
}

/// What a block of rows adds to the objective at a place on a line, and its derivatives along the line.
struct LossTerms {
  var loss = 0.0
  var slope = 0.0
  var curvature = 0.0

  static func + (a: LossTerms, b: LossTerms) -> LossTerms {
    LossTerms(loss: a.loss + b.loss, slope: a.slope + b.slope, curvature: a.curvature + b.curvature)
  }
}

extension HeadLoss {
  /// The loss of row `row`.
  ///
  /// - Parameters:
  ///   - scores: the row's scores, which are overwritten by the derivatives of the loss by the scores.
  ///   - direction: how the scores change along the line.
  ///   - weights: of the row for each output, of which `classes` uses the first.
  func evaluate(
    row: Int, scores: UnsafeMutableBufferPointer<Double>, direction: UnsafeBufferPointer<Double>,
    weights: UnsafeBufferPointer<Double>
  ) -> LossTerms {
    switch self {
    case .classes(let labels, let smoothing):
      softmax(
        label: labels[row], smoothing: smoothing, scores: scores, direction: direction, weight: weights[0])
    case .labels(let targets):
      sigmoid(targets, row: row, scores: scores, direction: direction, weights: weights)
    }
  }

  private func softmax(
    label: Int, smoothing: Double, scores: UnsafeMutableBufferPointer<Double>,
    direction: UnsafeBufferPointer<Double>, weight: Double
  ) -> LossTerms {
    let count = scores.count
    var largest = scores[0]
    for k in 1..<max(count, 1) where scores[k] > largest { largest = scores[k] }
    var mean = 0.0
    for k in 0..<count { mean += scores[k] }
    mean /= Double(count)
    let target = (1 - smoothing) * scores[label] + smoothing * mean
    var sum = 0.0
    for k in 0..<count {
      scores[k] = exponential(scores[k] - largest)
      sum += scores[k]
    }
    var terms = LossTerms(loss: weight * (largest + logarithm(sum) - target))
    var (first, second) = (0.0, 0.0)
    let share = smoothing / Double(count)
    for k in 0..<count {
      let probability = scores[k] / sum
      first += probability * direction[k]
      second += probability * direction[k] * direction[k]
      let residual = weight * (probability - share - (k == label ? 1 - smoothing : 0))
      terms.slope += residual * direction[k]
      scores[k] = residual
    }
    terms.curvature = weight * max(second - first * first, 0)
    return terms
  }

  private func sigmoid(
    _ targets: [Double], row: Int, scores: UnsafeMutableBufferPointer<Double>,
    direction: UnsafeBufferPointer<Double>, weights: UnsafeBufferPointer<Double>
  ) -> LossTerms {
    var terms = LossTerms()
    for k in 0..<scores.count {
      let target = targets[row * scores.count + k]
      guard !target.isNaN else {
        scores[k] = 0
        continue
      }
      let probability = logistic(scores[k])
      terms.loss += weights[k] * (softplus(scores[k]) - target * scores[k])
      terms.slope += weights[k] * (probability - target) * direction[k]
      terms.curvature += weights[k] * probability * (1 - probability) * direction[k] * direction[k]
      scores[k] = weights[k] * (probability - target)
    }
    return terms
  }
}
