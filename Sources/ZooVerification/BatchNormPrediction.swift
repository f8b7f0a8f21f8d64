import ZooRuntime
import ZooSystem

/// How well a gamma and beta of one batch norm explain what the next one has stored.
///
/// In training, what reaches a layer is normalized by its own mean and variance, so the output depends
/// on gamma and beta alone. From samples of the input, normalized by *their* mean and variance, follows
/// what the next layer saw in training, whatever is wrong in front of this layer. The error of that
/// prediction is measured per channel of this layer:
/// - behind a depthwise convolution, in the logarithm of the next layer's variance;
/// - behind a layer that mixes channels, in this layer's mean output, for which the next layer's means
///   are solved by ridge regression.
struct BatchNormPrediction {
  private enum Target {
    /// The next layer's logarithms of (stored over measured variance), its measured variance and epsilon.
    case variances(deviation: [Double], measured: [Double], epsilon: Double)
    /// The channels' mean outputs that explain the next layer's (stored - measured) means.
    case means(deviation: [Double], solver: RidgeSolver)
  }

  /// Moments of fewer samples say little.
  private static let fewestSamples = 128
  /// Added to variances, so that channels without any have a logarithm.
  private static let smallest = 1e-9

  private let succession: BatchNormSuccession
  /// Samples per channel, normalized by their own mean and variance.
  private let normalized: [[Float]]
  /// Mean and variance per channel of what leaves the activations as the network stands.
  private let current: [(mean: Double, variance: Double)]
  private let target: Target

  /// Nil where there is nothing to predict from.
  init?(_ layer: BatchNormStatistics, next: BatchNormStatistics) {
    guard let succession = layer.succession,
      succession.samples.first?.count ?? 0 >= Self.fewestSamples
    else { return nil }
    self.succession = succession
    normalized = layer.mean.indices.map { channel in
      let scale = 1 / (layer.variance[channel] + layer.epsilon).squareRoot()
      return succession.samples[channel].map { Float((Double($0) - layer.mean[channel]) * scale) }
    }
    let current = layer.mean.indices.map { channel in
      let scale =
        layer.gamma[channel] / (Double(layer.storedVariance[channel]) + layer.epsilon).squareRoot()
      let mean = Double(layer.storedMean[channel])
      return succession.moments(
        of: succession.samples[channel], gain: scale, offset: layer.beta[channel] - mean * scale)
    }
    self.current = current
    switch succession.response {
    case .perChannel:
      guard next.mean.count == current.count else { return nil }
      target = .variances(
        deviation: next.mean.indices.map {
          log((Double(next.storedVariance[$0]) + next.epsilon) / (next.variance[$0] + next.epsilon))
        }, measured: next.variance, epsilon: next.epsilon)
    case .mixing(let response):
      guard response.count == current.count * next.mean.count else { return nil }
      let scales = next.storedVariance.map { 1 / (Double($0) + next.epsilon).squareRoot() }
      guard
        let solver = RidgeSolver(
          response, inputScales: current.map { $0.variance.squareRoot() + 1e-3 }, outputScales: scales)
      else { return nil }
      target = .means(
        deviation: solver.solve(
          next.mean.indices.map { (Double(next.storedMean[$0]) - next.mean[$0]) * scales[$0] }),
        solver: solver)
    }
  }

  /// The sum over channels of the prediction's absolute errors, with this gamma and beta.
  func error(gamma: [Double], beta: [Double]) -> Double {
    let predicted = normalized.indices.map { channel in
      succession.moments(of: normalized[channel], gain: gamma[channel], offset: beta[channel])
    }
    switch target {
    case .variances(let deviation, let measured, let epsilon):
      return deviation.indices.reduce(0) { sum, channel in
        let before = current[channel].variance
        // A channel that is dead as it stands tells nothing.
        guard before > Self.smallest else { return sum }
        let ratio = (predicted[channel].variance + Self.smallest) / (before + Self.smallest)
        let change = log((measured[channel] * ratio + epsilon) / (measured[channel] + epsilon))
        return sum + abs(deviation[channel] - change)
      }
    case .means(let deviation, let solver):
      let change = solver.regularized(predicted.indices.map { predicted[$0].mean - current[$0].mean })
      return deviation.indices.reduce(0) { $0 + abs(deviation[$1] - change[$1]) }
    }
  }
}

extension BatchNormSuccession {
  /// Mean and variance of gain * x + offset behind the activations, over the samples x.
  fileprivate func moments(of samples: [Float], gain: Double, offset: Double) -> (
    mean: Double, variance: Double
  ) {
    guard let range = clampedRange else {
      return moments(
        samples.map { x in Float(activations.reduce(Double(x) * gain + offset) { $1.scalar($0) }) },
        gain: 1, offset: 0, range: -.infinity ... .infinity)
    }
    return moments(samples, gain: Float(gain), offset: Float(offset), range: range)
  }

  /// Four samples at a time: this is where a comparison of many layers spends its time.
  private func moments(_ samples: [Float], gain: Float, offset: Float, range: ClosedRange<Float>) -> (
    mean: Double, variance: Double
  ) {
    typealias Lanes = SIMD4<Float>
    let (gains, offsets) = (Lanes(repeating: gain), Lanes(repeating: offset))
    let (lower, upper) = (Lanes(repeating: range.lowerBound), Lanes(repeating: range.upperBound))
    var (sums, squares) = (Lanes.zero, Lanes.zero)
    let groups = samples.count / Lanes.scalarCount
    samples.withUnsafeBytes { bytes in
      for group in 0..<groups {
        let x = bytes.loadUnaligned(fromByteOffset: group * MemoryLayout<Lanes>.size, as: Lanes.self)
        var output = x * gains + offsets
        output.replace(with: lower, where: output .< lower)
        output.replace(with: upper, where: output .> upper)
        sums += output
        squares += output * output
      }
    }
    let count = Double(groups * Lanes.scalarCount)
    let mean = Double(sums.sum()) / count
    return (mean, max(0, Double(squares.sum()) / count - mean * mean))
  }

  /// The range to which the activations clamp, where they do nothing else.
  private var clampedRange: ClosedRange<Float>? {
    var range = -Float.infinity ... .infinity
    for activation in activations {
      switch activation {
      case .linear: break
      case .relu(let maxValue, negativeSlope: 0, threshold: 0):
        range = range.clamped(to: 0...Float(max(0, maxValue ?? .infinity)))
      default: return nil
      }
    }
    return range
  }
}
