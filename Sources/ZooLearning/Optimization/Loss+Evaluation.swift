import ZooSystem

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Loss {
  /// The loss of predictions and its derivatives, computed in double precision.
  ///
  /// - Parameters:
  ///   - predictions: (N, columns): logits, or numbers for losses of numbers.
  ///   - columns: how many predictions an example has; at least 1.
  ///   - weights: of the examples; 1 by default. The loss is Σ w·l / `examples`.
  ///   - examples: the number of examples of the whole batch, where these are a part of it; N by default.
  /// - Returns: the mean, and its derivatives by the predictions (N, columns).
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the numbers don't fit together; of `invalidArgument`
  ///   if
  ///   the loss makes no sense.
  package func evaluate<Scalar: TrainingScalar>(
    _ predictions: [Scalar], columns: Int, _ targets: LossTargets<Scalar>, weights: [Double]? = nil,
    examples: Int? = nil
  ) throws(ZooError) -> (value: Double, gradient: [Scalar]) {
    var gradient = [Scalar](repeating: 0, count: predictions.count)
    let value = try predictions.withUnsafeBufferPointer { (predictions) throws(ZooError) in
      try gradient.withUnsafeMutableBufferPointer { (gradient) throws(ZooError) in
        try evaluate(
          predictions, columns: columns, targets, weights: weights, examples: examples, gradient: gradient)
      }
    }
    return (value, gradient)
  }

  /// The same, which writes the derivatives to `gradient` (N, columns).
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func evaluate<Scalar: TrainingScalar>(
    _ predictions: UnsafeBufferPointer<Scalar>, columns: Int, _ targets: LossTargets<Scalar>,
    weights: [Double]? = nil, examples: Int? = nil, gradient: UnsafeMutableBufferPointer<Scalar>
  ) throws(ZooError) -> Double {
    try check()
    let rows = try checkedRows(predictions.count, columns, targets, weights)
    precondition(gradient.count == predictions.count, "the gradient does not fit the predictions")
    let divisor = Double(examples ?? rows)
    var (values, truth) = ([Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns))
    var sum = 0.0
    for row in 0..<rows {
      let start = row * columns
      for column in 0..<columns { values[column] = Double(predictions[start + column]) }
      switch targets {
      case .classes(let classes):
        for column in 0..<columns { truth[column] = classes[row] < 0 ? .nan : 0 }
        if classes[row] >= 0 { truth[classes[row]] = 1 }
      case .values(let targets):
        for column in 0..<columns { truth[column] = Double(targets[start + column]) }
      }
      let share = (weights?[row] ?? 1) / divisor
      sum += share * differentiate(&values, &truth)
      for column in 0..<columns { gradient[start + column] = Scalar(share * values[column]) }
    }
    return sum
  }

  private func checkedRows<Scalar>(
    _ count: Int, _ columns: Int, _ targets: LossTargets<Scalar>, _ weights: [Double]?
  ) throws(ZooError) -> Int {
    func refuse(_ why: String) -> ZooError {
      ZooError(.doesNotFit, what: "cannot compute the loss", at: "", why)
    }
    guard columns > 0, count.isMultiple(of: columns) else {
      throw refuse("\(count) predictions are no rows of \(columns)")
    }
    let rows = count / columns
    switch targets {
    case .classes(let classes):
      guard isOfClasses else { throw refuse("it takes a number for each prediction, not a class") }
      guard classes.count == rows, classes.allSatisfy({ $0 < columns }) else {
        throw refuse("\(classes.count) classes don't fit \(rows) examples of \(columns) predictions")
      }
    case .values(let values):
      guard values.count == count else {
        throw refuse("\(values.count) targets don't fit \(count) predictions")
      }
    }
    guard weights?.count ?? rows == rows else {
      throw refuse("\(weights?.count ?? 0) weights don't fit \(rows) examples")
    }
    return rows
  }

  /// The loss of one example; puts its derivatives in the place of the predictions.
  private func differentiate(_ z: inout [Double], _ y: inout [Double]) -> Double {
    let count = Double(z.count)
    switch self {
    case .softmaxCrossEntropy(let smoothing):
      guard Self.smooth(&y, smoothing, by: smoothing / count) else { return Self.nothing(&z) }
      return Self.softmaxCrossEntropy(&z, y)
    case .categoricalFocal(let alpha, let gamma, let smoothing):
      guard Self.smooth(&y, smoothing, by: smoothing / count) else { return Self.nothing(&z) }
      return Self.categoricalFocal(&z, y, alpha, gamma)
    case .binaryCrossEntropy(let smoothing):
      _ = Self.smooth(&y, smoothing, by: smoothing / 2)
      return Self.mean(&z, y) { z, y in (max(z, 0) - z * y + log1p(exp(-abs(z))), logistic(z) - y) }
    case .binaryFocal(let gamma, let alpha, let smoothing):
      _ = Self.smooth(&y, smoothing, by: smoothing / 2)
      return Self.mean(&z, y) { Self.binaryFocal($0, $1, alpha, gamma) }
    case .meanSquaredError: return Self.mean(&z, y) { (($0 - $1) * ($0 - $1), 2 * ($0 - $1)) }
    case .meanAbsoluteError: return Self.mean(&z, y) { (abs($0 - $1), Self.sign($0 - $1)) }
    case .huber(let delta):
      return Self.mean(&z, y) { z, y in
        let distance = z - y
        return abs(distance) <= delta
          ? (distance * distance / 2, distance)
          : (delta * abs(distance) - delta * delta / 2, delta * Self.sign(distance))
      }
    }
  }

  /// Spreads a share of the targets; false if one of them is not known.
  private static func smooth(_ y: inout [Double], _ smoothing: Double, by share: Double) -> Bool {
    if smoothing > 0 {
      for column in y.indices { y[column] = y[column] * (1 - smoothing) + share }
    }
    return !y.contains { $0.isNaN }
  }

  private static func nothing(_ z: inout [Double]) -> Double {
    for column in z.indices { z[column] = 0 }
    return 0
  }

  /// −1, 0 or 1; not a number for what is none.
  private static func sign(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : x }

  /// The mean of losses of single predictions with their derivatives, over the known ones' places and all
  /// others.
  private static func mean(
    _ z: inout [Double], _ y: [Double], _ loss: (Double, Double) -> (value: Double, slope: Double)
  ) -> Double {
    let count = Double(z.count)
    var sum = 0.0
    for column in z.indices {
      guard !y[column].isNaN else {
        z[column] = 0
        continue
      }
      let own = loss(z[column], y[column])
      sum += own.value
      z[column] = own.slope / count
    }
    return sum / count
  }

  private static func softmaxCrossEntropy(_ z: inout [Double], _ y: [Double]) -> Double {
    let largest = z.max() ?? 0
    var (sum, loss, total) = (0.0, 0.0, 0.0)
    for k in z.indices { sum += exp(z[k] - largest) }
    let logarithm = log(sum)
    for k in z.indices {
      // What no example has does not count, however improbable it is.
      if y[k] != 0 { loss += y[k] * (logarithm - (z[k] - largest)) }
      total += y[k]
    }
    for k in z.indices { z[k] = exp(z[k] - largest) / sum * total - y[k] }
    return loss
  }

  /// dL/dz = a − p·Σa, with a = p·dL/dp = −αy·(q^γ − γp·q^γ·ln p/q) and q = 1−p.
  private static func categoricalFocal(
    _ z: inout [Double], _ y: [Double], _ alpha: Double, _ gamma: Double
  ) -> Double {
    let largest = z.max() ?? 0
    var (sum, loss, total) = (0.0, 0.0, 0.0)
    for k in z.indices { sum += exp(z[k] - largest) }
    let logarithm = log(sum)
    var own = [Double](repeating: 0, count: z.count)
    for k in z.indices {
      let logP = z[k] - largest - logarithm
      let (p, q) = (exp(logP), -expm1(logP))
      z[k] = p
      guard y[k] != 0 else { continue }
      let factor = pow(q, gamma)
      loss -= alpha * y[k] * factor * logP
      // ln p / q goes to −1 where p goes to 1.
      own[k] = -alpha * y[k] * (factor - gamma * p * factor * (q > 0 ? logP / q : -1))
      total += own[k]
    }
    for k in z.indices { z[k] = own[k] - z[k] * total }
    return loss
  }

  private static func binaryFocal(
    _ z: Double, _ y: Double, _ alpha: Double?, _ gamma: Double
  ) -> (value: Double, slope: Double) {
    let entropy = max(z, 0) - z * y + log1p(exp(-abs(z)))
    let (p, q) = (logistic(z), logistic(-z))
    // The probability of what is not so.
    let wrong = y * q + (1 - y) * p
    let factor = pow(wrong, gamma)
    let relative = wrong > 0 ? (1 - 2 * y) * p * q / wrong : 0
    let weight = alpha.map { y * $0 + (1 - y) * (1 - $0) } ?? 1
    return (weight * factor * entropy, weight * factor * (p - y + gamma * relative * entropy))
  }
}
