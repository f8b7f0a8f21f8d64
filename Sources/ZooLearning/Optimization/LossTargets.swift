import ZooSystem

/// What predictions are compared with.
package enum LossTargets<Scalar: TrainingScalar>: Sendable {
  /// The class of each example, from 0; one below 0 is not known, and the example adds nothing.
  case classes([Int])
  /// A number for each prediction (N, columns); NaN is not known, and adds nothing.
  ///
  /// Classes have shares that add up to 1. An example with an unknown share adds nothing.
  case values([Scalar])
}

/// How much examples count in a loss.
package enum ExampleWeights {
  /// The weights of examples, times those of their classes, as Keras' `sample_weight` and `class_weight`.
  ///
  /// - Parameters:
  ///   - classes: the class of each example, from 0; the weight of an unknown one, below 0, is 0.
  ///   - examples: of each example; 1 by default.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the numbers don't fit together.
  package static func combined(
    classes: [Int], classWeights: [Double], examples: [Double]? = nil
  ) throws(ZooError) -> [Double] {
    guard classes.allSatisfy({ $0 < classWeights.count }), examples?.count ?? classes.count == classes.count
    else {
      throw ZooError(
        .doesNotFit, what: "cannot weigh examples", at: "",
        "\(classWeights.count) weights of classes don't fit \(classes.count) examples")
    }
    return classes.indices.map { classes[$0] < 0 ? 0 : classWeights[classes[$0]] * (examples?[$0] ?? 1) }
  }

  /// Weights of classes that make all of them count alike: N/(K·n) for n of N examples in one of K classes.
  ///
  /// A class without examples has the weight 0.
  package static func balanced(classes: [Int], count: Int) -> [Double] {
    var support = [Int](repeating: 0, count: count)
    for own in classes where (0..<count).contains(own) { support[own] += 1 }
    let (total, present) = (support.reduce(0, +), support.count { $0 > 0 })
    return support.map { $0 > 0 ? Double(total) / Double(present * $0) : 0 }
  }
}
