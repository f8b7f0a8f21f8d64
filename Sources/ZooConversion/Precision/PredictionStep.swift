import ZooGraph
import ZooRuntime
import ZooTensor

/// What one node makes of predictions: see ``ValuePrediction``.
struct PredictionStep<Weights: WeightSource> {
  typealias ChannelMoments = ValuePrediction.ChannelMoments
  typealias ChannelRanges = ValuePrediction.ChannelRanges

  let node: Node
  let inputShapes: [Shape]
  let weights: Weights
  /// Whether nothing but batch norms reads what the node computes.
  let isOnlyNormalized: Bool

  private var channels: Int { node.shape.dimensions.last ?? 0 }

  // MARK: Means and variances

  func moments(of inputs: [ChannelMoments?]) throws -> ChannelMoments? {
    switch node.operation {
    case .batchNormalization:
      guard let (mean, deviation) = try norm() else { return nil }
      return ChannelMoments(means: mean, variances: deviation.map { $0 * $0 })
    case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution, .dense:
      return try inputs[0].flatMap { try linearMoments(of: $0) }
    default: break
    }
    var known: [ChannelMoments] = []
    for input in inputs {
      guard let input else { return nil }
      known.append(input)
    }
    guard let first = known.first else { return nil }
    switch node.operation {
    case .activation(let activation): return apply(activation, to: first)
    case .prelu:
      return try prelu().flatMap { slopes in
        let outputs = zip(first.channels, slopes).map { input, slope in
          Activation.relu(maxValue: nil, negativeSlope: slope, threshold: 0).moments(of: input)
        }
        return outputs.contains(nil) ? nil : ChannelMoments(outputs.compactMap(\.self))
      }
    case .normalization, .rescaling, .layerScale, .channelAffine:
      guard let map = ChannelMap(node) else { return nil }
      let (factors, shifts) = try map.coefficients(channels: channels, from: weights)
      return ChannelMoments(
        means: first.means.indices.map { first.means[$0] * factors[$0] + shifts[$0] },
        variances: first.variances.indices.map { first.variances[$0] * factors[$0] * factors[$0] })
    case .globalAveragePooling:
      // As if pixels were independent: what varies from picture to picture is not known.
      let pixels = Double(max(1, inputShapes[0].elementCount / max(1, channels)))
      return ChannelMoments(means: first.means, variances: first.variances.map { $0 / pixels })
    case .maxPooling, .averagePooling, .globalMaxPooling, .zeroPadding, .cropping, .resize, .identity:
      return first
    case .flatten, .reshape: return Rearrangement(from: first.means.count, to: channels)?.apply(to: first)
    case .permute(let order):
      return order.last == order.count - 1
        ? first : Rearrangement(from: first.means.count, to: 1)?.apply(to: first).repeated(channels)
    case .concatenate:
      return ChannelMoments(means: known.flatMap(\.means), variances: known.flatMap(\.variances))
    case .merge(let merge): return self.merge(known, merge)
    default: return nil
    }
  }

  private func apply(_ activation: Activation, to input: ChannelMoments) -> ChannelMoments? {
    if activation == .linear { return input }
    let outputs = input.channels.map { activation.moments(of: $0) }
    return outputs.contains(nil) ? nil : ChannelMoments(outputs.compactMap(\.self))
  }

  private func linearMoments(of input: ChannelMoments) throws -> ChannelMoments? {
    guard !isOnlyNormalized, let response = LinearResponse(node) else { return nil }
    let kernel = { (slot: WeightSlot) in try weights.tensor(for: slot) }
    var means = try response.output(of: input.means, kernels: kernel)
    let variances = try response.output(of: input.variances, squared: true, kernels: kernel)
    if let slot = node.weights.first(where: { $0.role == .bias }) {
      for (channel, bias) in try weights.tensor(for: slot).doubles().enumerated() { means[channel] += bias }
    }
    return apply(
      node.operation.endActivation ?? .linear, to: ChannelMoments(means: means, variances: variances))
  }

  private func merge(_ inputs: [ChannelMoments], _ merge: Merge) -> ChannelMoments? {
    var all: [ChannelMoments] = []
    for input in inputs {
      guard let wide = broadcast(input.means.count).map({ input.repeated($0) }) else { return nil }
      all.append(wide)
    }
    var result = all[0]
    for channel in result.means.indices {
      let moments = all.map { Moments(mean: $0.means[channel], variance: $0.variances[channel]) }
      guard let merged = merge.moments(of: moments) else { return nil }
      result.means[channel] = merged.mean
      result.variances[channel] = merged.variance
    }
    return result
  }

  /// How often the channels of a merged value are repeated; nil where they do not fit.
  private func broadcast(_ count: Int) -> Int? { count == channels ? 1 : count == 1 ? channels : nil }

  // MARK: Ranges

  func ranges(of inputs: [ChannelRanges?]) throws -> ChannelRanges? {
    switch node.operation {
    case .batchNormalization:
      guard let (mean, deviation) = try norm() else { return nil }
      let width = deviation.map { abs($0) * ValuePrediction.deviations }
      let ranges = zip(mean, width).map { ($0 - $1)...($0 + $1) }
      return ranges.allSatisfy { $0.lowerBound.isFinite && $0.upperBound.isFinite }
        ? ChannelRanges(ranges) : nil
    case .activation(let activation): return ranges(activation, of: inputs[0])
    case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution, .dense:
      return ranges(node.operation.endActivation ?? .linear, of: nil)
    default: break
    }
    var known: [ChannelRanges] = []
    for input in inputs {
      guard let input else { return nil }
      known.append(input)
    }
    guard let first = known.first else { return nil }
    switch node.operation {
    case .prelu:
      return try prelu().flatMap { slopes in
        let outputs = zip(first.ranges, slopes).map { input, slope in
          Activation.relu(maxValue: nil, negativeSlope: slope, threshold: 0).range(of: input)
        }
        return outputs.contains(nil) ? nil : ChannelRanges(outputs.compactMap(\.self))
      }
    case .normalization, .rescaling, .layerScale, .channelAffine:
      guard let map = ChannelMap(node) else { return nil }
      let (factors, shifts) = try map.coefficients(channels: channels, from: weights)
      return ChannelRanges(
        first.ranges.indices.map { channel in
          let ends = [first.lowest[channel], first.highest[channel]].map {
            $0 * factors[channel] + shifts[channel]
          }
          return min(ends[0], ends[1])...max(ends[0], ends[1])
        })
    case .zeroPadding:
      return ChannelRanges(first.ranges.map { min(0, $0.lowerBound)...max(0, $0.upperBound) })
    case .maxPooling, .averagePooling, .globalMaxPooling, .globalAveragePooling, .cropping, .resize,
      .identity:
      return first
    case .flatten, .reshape: return Rearrangement(from: first.lowest.count, to: channels)?.apply(to: first)
    case .permute(let order):
      return order.last == order.count - 1
        ? first : ChannelRanges([ClosedRange](repeating: first.whole, count: channels))
    case .concatenate: return ChannelRanges(known.flatMap(\.ranges))
    case .merge(let merge):
      var all: [[ClosedRange<Double>]] = []
      for input in known {
        guard let count = broadcast(input.lowest.count) else { return nil }
        all.append((0..<count).flatMap { _ in input.ranges })
      }
      return ChannelRanges(all[0].indices.map { channel in merge.range(of: all.map { $0[channel] }) })
    default: return nil
    }
  }

  private func ranges(_ activation: Activation, of input: ChannelRanges?) -> ChannelRanges? {
    guard let input else {
      return activation.range.map { ChannelRanges([ClosedRange](repeating: $0, count: channels)) }
    }
    let outputs = input.ranges.map { activation.range(of: $0) }
    return outputs.contains(nil) ? nil : ChannelRanges(outputs.compactMap(\.self))
  }

  // MARK: Weights

  /// Beta and gamma of each channel; nil where the batch norm was never trained, so that they say nothing.
  private func norm() throws -> (beta: [Double], gamma: [Double])? {
    func values(_ role: WeightRole, absent: Double) throws -> [Double] {
      guard let slot = node.weights.first(where: { $0.role == role }) else {
        return [Double](repeating: absent, count: channels)
      }
      return try weights.tensor(for: slot).doubles()
    }
    let isUntrained =
      try values(.movingMean, absent: 0).allSatisfy { $0 == 0 }
      && values(.movingVariance, absent: 1).allSatisfy { $0 == 1 }
    return isUntrained ? nil : (try values(.beta, absent: 0), try values(.gamma, absent: 1))
  }

  /// The slope below 0 of each channel; nil where it differs between pixels.
  private func prelu() throws -> [Double]? {
    guard let slot = node.weights.first(where: { $0.role == .alpha }) else { return nil }
    let slopes = try weights.tensor(for: slot).doubles()
    return broadcast(slopes.count).map { count in (0..<count).flatMap { _ in slopes } }
  }
}

extension Merge {
  /// Of the merged value, where the inputs are independent; nil where their moments do not say it.
  fileprivate func moments(of inputs: [Moments]) -> Moments? {
    let count = Double(inputs.count)
    let mean = inputs.reduce(0) { $0 + $1.mean }
    let variance = inputs.reduce(0) { $0 + $1.variance }
    switch self {
    case .add: return Moments(mean: mean, variance: variance)
    case .average: return Moments(mean: mean / count, variance: variance / (count * count))
    case .subtract: return Moments(mean: inputs[0].mean - inputs[1].mean, variance: variance)
    case .multiply:
      let product = inputs.reduce(1) { $0 * $1.mean }
      let squares = inputs.reduce(1) { $0 * ($1.variance + $1.mean * $1.mean) }
      return Moments(mean: product, variance: max(0, squares - product * product))
    case .maximum, .minimum: return nil
    }
  }

  fileprivate func range(of inputs: [ClosedRange<Double>]) -> ClosedRange<Double> {
    let lowest = inputs.map(\.lowerBound)
    let highest = inputs.map(\.upperBound)
    switch self {
    case .add: return lowest.reduce(0, +)...highest.reduce(0, +)
    case .average:
      let count = Double(inputs.count)
      return lowest.reduce(0, +) / count...highest.reduce(0, +) / count
    case .subtract: return lowest[0] - highest[1]...highest[0] - lowest[1]
    case .maximum: return (lowest.max() ?? 0)...(highest.max() ?? 0)
    case .minimum: return (lowest.min() ?? 0)...(highest.min() ?? 0)
    case .multiply:
      return inputs.dropFirst().reduce(inputs[0]) { a, b in
        let products = [
          a.lowerBound * b.lowerBound, a.lowerBound * b.upperBound, a.upperBound * b.lowerBound,
          a.upperBound * b.upperBound,
        ]
        return (products.min() ?? 0)...(products.max() ?? 0)
      }
    }
  }
}
