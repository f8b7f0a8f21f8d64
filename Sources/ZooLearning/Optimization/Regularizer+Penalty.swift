import ZooGraph

extension Regularizer {
  /// The penalty Σ (l1·|w| + l2·w²), and adds its derivatives, l1·sign(w) + 2·l2·w, to a gradient.
  ///
  /// It is added once a step, whatever the size of the batch.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func addPenalty<Scalar: TrainingScalar>(
    of weights: UnsafeBufferPointer<Scalar>, to gradient: UnsafeMutableBufferPointer<Scalar>
  ) -> Double {
    precondition(weights.count == gradient.count, "the gradient does not fit the weights")
    if let base = gradient.baseAddress { addSlopes(of: weights, to: base) }
    return penalty(of: weights)
  }

  /// The penalty.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func penalty<Scalar: TrainingScalar>(of weights: UnsafeBufferPointer<Scalar>) -> Double {
    var absolutes = 0.0
    if l1 != 0 {
      for w in weights { absolutes += abs(Double(w)) }
    }
    guard l2 != 0 else { return l1 * absolutes }
    return l1 * absolutes + l2 * sumOfSquares(weights)
  }

  /// Adds the penalty's derivatives to the gradient of some weights.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func addSlopes<Scalar: TrainingScalar>(
    of weights: UnsafeBufferPointer<Scalar>, to gradient: UnsafeMutablePointer<Scalar>
  ) {
    let (first, second) = (Scalar(l1), Scalar(2 * l2))
    if l1 != 0 {
      for index in weights.indices {
        let w = weights[index]
        gradient[index] += w > 0 ? first : w < 0 ? -first : 0
      }
    }
    guard l2 != 0 else { return }
    for index in weights.indices { gradient[index] += second * weights[index] }
  }

  /// The same for arrays.
  package func addPenalty<Scalar: TrainingScalar>(of weights: [Scalar], to gradient: inout [Scalar]) -> Double
  {
    weights.withUnsafeBufferPointer { weights in
      gradient.withUnsafeMutableBufferPointer { addPenalty(of: weights, to: $0) }
    }
  }
}
