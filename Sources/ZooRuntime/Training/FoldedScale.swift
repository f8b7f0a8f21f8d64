import CZooKernels

/// What follows a product channel by channel, folded into its weights: a batch norm with stored statistics.
///
/// With s = gamma / deviation, the product has the weights s * W and the bias s * (bias - mean) + beta. From
/// the gradient dW' of these weights, and the sums dy of the output's gradient, follow those of W: s * dW';
/// of the bias: s * dy; of beta: dy; and of gamma: (<W, dW'> + (bias - mean) * dy) / deviation. No pass over
/// values is needed.
struct FoldedScale: Sendable {
  let channels: Int
  var bias: WeightPlace?
  var norm: Norm?

  struct Norm: Sendable {
    var gamma: WeightPlace?
    var beta: WeightPlace?
    let mean: WeightPlace
    let variance: WeightPlace
    let epsilon: Double
  }

  /// Whether sums of the output's gradient are needed.
  var learns: Bool { [bias, norm?.gamma, norm?.beta].contains { $0?.learns == true } }

  /// One over the deviation of each channel.
  private func inverses(_ norm: Norm, _ run: TrainingRun) -> [Double] {
    (0..<channels).map {
      1 / (Double(run.weights[norm.variance.offset + $0]) + norm.epsilon).squareRoot()
    }
  }

  /// Of each channel; nil: 1.
  func scale(_ run: TrainingRun) -> [Double]? {
    guard let norm else { return nil }
    let inverses = inverses(norm, run)
    guard let gamma = norm.gamma else { return inverses }
    return (0..<channels).map { inverses[$0] * Double(run.weights[gamma.offset + $0]) }
  }

  /// Calls `body` with the scale of each channel; with nil where all are 1.
  func withScale(_ run: TrainingRun, _ body: (UnsafePointer<Double>?) -> Void) {
    guard let scale = scale(run) else { return body(nil) }
    scale.withUnsafeBufferPointer { body($0.baseAddress) }
  }

  /// Writes the bias of the folded product.
  func writeBias(_ run: TrainingRun, to target: UnsafeMutablePointer<Float>) {
    let scale = scale(run)
    for channel in 0..<channels {
      var value = bias.map { Double(run.weights[$0.offset + channel]) } ?? 0
      if let norm, let scale {
        value = scale[channel] * (value - Double(run.weights[norm.mean.offset + channel]))
        if let beta = norm.beta { value += Double(run.weights[beta.offset + channel]) }
      }
      target[channel] = Float(value)
    }
  }

  /// Completes the gradients.
  ///
  /// - Parameters:
  ///   - kernel: (rows, channels), W.
  ///   - gradient: dW', becomes that of W.
  ///   - sums: dy.
  func finish(
    _ run: TrainingRun, kernel: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>, rows: Int,
    sums: UnsafePointer<Double>
  ) {
    func add(_ place: WeightPlace?, _ value: (Int) -> Double) {
      guard let place, place.learns else { return }
      for channel in 0..<channels { run.gradient(place)[channel] += Float(value(channel)) }
    }
    guard let norm else { return add(bias) { sums[$0] } }
    let inverses = inverses(norm, run)
    let scale = scale(run) ?? inverses
    add(bias) { scale[$0] * sums[$0] }
    add(norm.beta) { sums[$0] }
    let block = 64
    run.share((channels + block - 1) / block) { unit in
      let columns = unit * block..<min(channels, (unit + 1) * block)
      withUnsafeTemporaryAllocation(of: Double.self, capacity: block) { dots in
        dots.initialize(repeating: 0)
        for row in 0..<rows {
          let start = row * channels
          for column in columns {
            let slope = Double(gradient[start + column])
            dots[column - columns.lowerBound] += Double(kernel[start + column]) * slope
            gradient[start + column] = Float(slope * scale[column])
          }
        }
        guard let gamma = norm.gamma, gamma.learns else { return }
        for column in columns {
          let bias = self.bias.map { Double(run.weights[$0.offset + column]) } ?? 0
          let mean = Double(run.weights[norm.mean.offset + column])
          run.gradient(gamma)[column] += Float(
            (dots[column - columns.lowerBound] + (bias - mean) * sums[column]) * inverses[column])
        }
      }
    }
  }
}
