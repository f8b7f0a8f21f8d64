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
  /// The loss of some rows.
  ///
  /// - Parameters:
  ///   - scores: (rows, outputs), which are overwritten by the derivatives of the loss by the scores.
  ///   - direction: how the scores change along the line, (rows, outputs).
  ///   - weights: of each row, or for labels of each row and output.
  ///   - outputs: how many scores a row has.
  func evaluate(
    rows: Range<Int>, scores: UnsafeMutableBufferPointer<Double>, direction: UnsafeBufferPointer<Double>,
    weights: UnsafeBufferPointer<Double>, outputs: Int
  ) -> LossTerms {
    var terms = LossTerms()
    switch self {
    case .classes(let labels, let smoothing):
      for row in rows {
        let places = row * outputs..<(row + 1) * outputs
        Self.softmax(
          label: labels[row], smoothing: smoothing,
          scores: UnsafeMutableBufferPointer(rebasing: scores[places]),
          direction: UnsafeBufferPointer(rebasing: direction[places]), weight: weights[row], &terms)
      }
    case .labels(let targets):
      for place in rows.lowerBound * outputs..<rows.upperBound * outputs {
        let target = targets[place]
        guard !target.isNaN else {
          scores[place] = 0
          continue
        }
        let (weight, probability) = (weights[place], logistic(scores[place]))
        terms.loss += weight * (softplus(scores[place]) - target * scores[place])
        terms.slope += weight * (probability - target) * direction[place]
        terms.curvature += weight * probability * (1 - probability) * direction[place] * direction[place]
        scores[place] = weight * (probability - target)
      }
    }
    return terms
  }

  private static func softmax(
    label: Int, smoothing: Double, scores: UnsafeMutableBufferPointer<Double>,
    direction: UnsafeBufferPointer<Double>, weight: Double, _ terms: inout LossTerms
  ) {
    let count = scores.count
    var largest = scores[0]
    var mean = 0.0
    for k in 0..<count {
      if scores[k] > largest { largest = scores[k] }
      mean += scores[k]
    }
    mean /= Double(count)
    let target = (1 - smoothing) * scores[label] + smoothing * mean
    var sum = 0.0
    for k in 0..<count {
      scores[k] = exponential(scores[k] - largest)
      sum += scores[k]
    }
    terms.loss += weight * (largest + logarithm(sum) - target)
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
    terms.curvature += weight * max(second - first * first, 0)
  }
}
