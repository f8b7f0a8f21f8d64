import ZooGraph
import ZooSystem
import ZooTensor

/// A node of a ``ReferenceGradient`` with its inputs' values: what it computes, and how that depends on them.
struct GradientStep {
  let node: Node
  let shapes: [Shape]
  let inputs: [[Double]]
  private let weights: [ReferenceWeight]

  init(_ node: Node, shapes: [Shape], inputs: [[Double]], weights source: any WeightSource) throws {
    self.node = node
    self.shapes = shapes
    self.inputs = inputs
    func fetch(_ source: some WeightSource) throws -> [ReferenceWeight] {
      try node.weights.map { try ReferenceWeight($0, from: source) }
    }
    weights = try fetch(source)
  }

  // MARK: What is covered

  static func covers(_ node: Node, in graph: Graph) -> Bool {
    let shape = node.inputs.first.map { graph[$0].shape } ?? node.shape
    switch node.operation {
    case .dense(let dense): return dense.activation != .softmax
    case .convolution(let c): return c.isPointwise && c.activation != .softmax
    case .activation(let activation): return activation != .softmax
    case .layerNormalization(let n): return n.axes == 1
    case .normalization, .rescaling, .layerScale, .channelAffine, .batchNormalization, .prelu, .flatten,
      .reshape, .permute, .identity, .globalAveragePooling, .globalMaxPooling:
      return true
    case .maxPooling, .averagePooling: return shape.rank == 3
    case .merge: return node.inputs.allSatisfy { graph[$0].shape == node.shape }
    case .concatenate: return true
    default: return false
    }
  }

  /// Whether its output is linear in those inputs that depend on the source.
  static func isLinear(_ node: Node, depends: (Value) -> Bool) -> Bool {
    switch node.operation {
    case .dense(let dense): dense.activation == .linear
    case .convolution(let c): c.activation == .linear
    case .activation(let activation): activation == .linear
    case .layerNormalization, .prelu, .maxPooling, .globalMaxPooling: false
    case .merge(.maximum), .merge(.minimum): false
    case .merge(.multiply): node.inputs.count(where: depends) == 1
    default: true
    }
  }

  // MARK: Forwards

  func output() throws -> [Double] {
    let x = inputs.first ?? []
    switch node.operation {
    case .dense(let d): return activated(products(bias: d.useBias), d.activation)
    case .convolution(let c): return activated(products(bias: c.useBias), c.activation)
    case .activation(let activation): return activated(x, activation)
    case .layerNormalization(let n): return layerNormalized(n).map(\.output)
    case .prelu: return x.indices.map { x[$0] > 0 ? x[$0] : x[$0] * slope(at: $0) }
    case .maxPooling, .averagePooling, .globalAveragePooling, .globalMaxPooling: return pooled()
    case .permute: return sources().map { x[$0] }
    case .merge(let merge): return merged(merge)
    case .concatenate: return concatenated()
    default:
      guard let (scale, offset) = affine() else { return x }
      return x.indices.map { x[$0] * scale[$0 % scale.count] + offset[$0 % offset.count] }
    }
  }

  // MARK: Backwards

  /// How the sum of `gradient` times the output changes with each input.
  func inputGradients(_ gradient: [Double]) throws -> [[Double]] {
    let x = inputs.first ?? []
    switch node.operation {
    case .dense(let d): return [productGradient(scaled(gradient, d.activation, bias: d.useBias))]
    case .convolution(let c): return [productGradient(scaled(gradient, c.activation, bias: c.useBias))]
    case .activation(let activation):
      return [x.indices.map { gradient[$0] * activation.derivative(x[$0]) }]
    case .layerNormalization(let n): return [layerNormGradient(n, gradient)]
    case .prelu: return [x.indices.map { gradient[$0] * (x[$0] > 0 ? 1 : slope(at: $0)) }]
    case .maxPooling, .averagePooling, .globalAveragePooling, .globalMaxPooling:
      return [poolGradient(gradient)]
    case .permute:
      var result = [Double](repeating: 0, count: x.count)
      for (place, source) in sources().enumerated() { result[source] = gradient[place] }
      return [result]
    case .merge(let merge): return mergeGradients(merge, gradient)
    case .concatenate: return concatenationGradients(gradient)
    default:
      guard let (scale, _) = affine() else { return [gradient] }
      return [gradient.indices.map { gradient[$0] * scale[$0 % scale.count] }]
    }
  }

  // MARK: Products with a matrix

  /// Rows of channels times the kernel (channels, outputs), plus the bias.
  private func products(bias: Bool) -> [Double] {
    let (x, channels) = (inputs[0], shapes[0].dimensions.last ?? 1)
    let outputs = node.shape.dimensions.last ?? 1
    var result = [Double](repeating: 0, count: x.count / channels * outputs)
    var row = [Double](repeating: 0, count: outputs)
    for channel in 0..<channels {
      row.withUnsafeMutableBufferPointer { weights[0].copy(from: channel * outputs, to: $0) }
      for pixel in 0..<x.count / channels {
        let value = x[pixel * channels + channel]
        for output in 0..<outputs { result[pixel * outputs + output] += value * row[output] }
      }
    }
    if bias { for index in result.indices { result[index] += weights[1][index % outputs] } }
    return result
  }

  private func productGradient(_ gradient: [Double]) -> [Double] {
    let channels = shapes[0].dimensions.last ?? 1
    let outputs = node.shape.dimensions.last ?? 1
    let pixels = gradient.count / outputs
    var result = [Double](repeating: 0, count: pixels * channels)
    var row = [Double](repeating: 0, count: outputs)
    for channel in 0..<channels {
      row.withUnsafeMutableBufferPointer { weights[0].copy(from: channel * outputs, to: $0) }
      for pixel in 0..<pixels {
        var sum = 0.0
        for output in 0..<outputs { sum += gradient[pixel * outputs + output] * row[output] }
        result[pixel * channels + channel] = sum
      }
    }
    return result
  }

  private func activated(_ x: [Double], _ activation: Activation) -> [Double] {
    activation == .linear ? x : x.map(activation.scalar)
  }

  /// The gradient before the activation that a layer ends in.
  private func scaled(_ gradient: [Double], _ activation: Activation, bias: Bool) -> [Double] {
    guard activation != .linear else { return gradient }
    let before = products(bias: bias)
    return gradient.indices.map { gradient[$0] * activation.derivative(before[$0]) }
  }

  // MARK: Per channel

  /// What each channel is multiplied by, and what is added; nil where nothing changes.
  private func affine() -> (scale: [Double], offset: [Double])? {
    switch node.operation {
    case .batchNormalization(let n):
      var index = 0
      func next(_ isThere: Bool) -> [Double]? {
        defer { if isThere { index += 1 } }
        return isThere ? weights[index].values : nil
      }
      let (gamma, beta) = (next(n.scale), next(n.center))
      guard let mean = next(true), let variance = next(true) else { return nil }
      let scale = variance.indices.map { (gamma?[$0] ?? 1) / (variance[$0] + n.epsilon).squareRoot() }
      return (scale, mean.indices.map { (beta?[$0] ?? 0) - mean[$0] * scale[$0] })
    case .normalization(let n):
      let (mean, variance) = (weights[0].values, weights[1].values)
      let deviation = variance.map { max($0.squareRoot(), n.epsilon) }
      return n.inverted
        ? (deviation, mean)
        : (deviation.map { 1 / $0 }, mean.indices.map { -mean[$0] / deviation[$0] })
    case .rescaling(let r): return (r.scale, r.offset)
    case .layerScale: return (weights[0].values, [0])
    case .channelAffine(let c):
      return (c.scale ? weights[0].values : [1], c.center ? weights[c.scale ? 1 : 0].values : [0])
    default: return nil
    }
  }

  private func slope(at index: Int) -> Double {
    guard case .prelu(let shared) = node.operation else { return 0 }
    var (rest, source, step) = (index, 0, 1)
    for (axis, extent) in shapes[0].dimensions.enumerated().reversed() {
      if !shared.contains(axis) {
        source += rest % extent * step
        step *= extent
      }
      rest /= extent
    }
    return weights[0][source]
  }

  // MARK: Layer normalization

  private func layerNormalized(
    _ n: LayerNormalization
  ) -> [(output: Double, normalized: Double, deviation: Double)] {
    let (x, channels) = (inputs[0], shapes[0].dimensions.last ?? 1)
    var result: [(Double, Double, Double)] = []
    result.reserveCapacity(x.count)
    for start in stride(from: 0, to: x.count, by: channels) {
      let row = x[start..<start + channels]
      let mean = row.reduce(0, +) / Double(channels)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
      let deviation = (variance + n.epsilon).squareRoot()
      for (channel, value) in row.enumerated() {
        let normalized = (value - mean) / deviation
        let gamma = n.scale ? weights[0][channel] : 1
        let beta = n.center ? weights[n.scale ? 1 : 0][channel] : 0
        result.append((normalized * gamma + beta, normalized, deviation))
      }
    }
    return result
  }

  private func layerNormGradient(_ n: LayerNormalization, _ gradient: [Double]) -> [Double] {
    let rows = layerNormalized(n)
    let channels = shapes[0].dimensions.last ?? 1
    var result = [Double](repeating: 0, count: gradient.count)
    for start in stride(from: 0, to: gradient.count, by: channels) {
      let scaled = (0..<channels).map { gradient[start + $0] * (n.scale ? weights[0][$0] : 1) }
      let mean = scaled.reduce(0, +) / Double(channels)
      let along =
        (0..<channels).reduce(0) { $0 + scaled[$1] * rows[start + $1].normalized } / Double(channels)
      for channel in 0..<channels {
        let row = rows[start + channel]
        result[start + channel] = (scaled[channel] - mean - row.normalized * along) / row.deviation
      }
    }
    return result
  }
}
