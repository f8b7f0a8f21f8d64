import ZooGraph
import ZooTensor

// Steps that combine values of several places.

extension GradientStep {
  // MARK: Pooling

  /// For each output, in row-major order, the inputs that its window covers.
  private func forEachWindow(_ body: (_ output: Int, _ inputs: [Int]) -> Void) {
    let shape = shapes[0]
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    func visit(_ output: Int, _ rows: Range<Int>, _ columns: Range<Int>) {
      for channel in 0..<channels {
        body(
          output * channels + channel,
          rows.flatMap { row in columns.map { (row * width + $0) * channels + channel } })
      }
    }
    let pooling: Pooling
    switch node.operation {
    case .maxPooling(let p), .averagePooling(let p): pooling = p
    default: return visit(0, 0..<height, 0..<width)
    }
    let edges = pooling.padding.edges(
      height: height, width: width, window: pooling.window, strides: pooling.strides, dilation: .one)
    for y in 0..<node.shape[0] {
      let top = y * pooling.strides.height - edges.top
      for x in 0..<node.shape[1] {
        let left = x * pooling.strides.width - edges.left
        let (bottom, right) = (
          min(height, top + pooling.window.height), min(width, left + pooling.window.width)
        )
        visit(
          y * node.shape[1] + x, max(0, top)..<max(bottom, max(0, top)),
          max(0, left)..<max(right, max(0, left)))
      }
    }
  }

  private var takesMaximum: Bool {
    switch node.operation {
    case .maxPooling, .globalMaxPooling: true
    default: false
    }
  }

  func pooled() -> [Double] {
    let x = inputs[0]
    var result = [Double](repeating: 0, count: node.shape.elementCount)
    forEachWindow { output, places in
      result[output] =
        takesMaximum
        ? places.reduce(-.infinity) { max($0, x[$1]) }
        : places.reduce(0) { $0 + x[$1] } / Double(max(1, places.count))
    }
    return result
  }

  /// The first of several equal maxima gets all.
  func poolGradient(_ gradient: [Double]) -> [Double] {
    let x = inputs[0]
    var result = [Double](repeating: 0, count: x.count)
    forEachWindow { output, places in
      if takesMaximum {
        guard var best = places.first else { return }
        for place in places where x[place] > x[best] { best = place }
        result[best] += gradient[output]
      } else {
        for place in places { result[place] += gradient[output] / Double(places.count) }
      }
    }
    return result
  }

  // MARK: Several inputs

  func merged(_ merge: Merge) -> [Double] {
    var result = inputs[0]
    for input in inputs.dropFirst() {
      for index in result.indices {
        switch merge {
        case .add, .average: result[index] += input[index]
        case .subtract: result[index] -= input[index]
        case .multiply: result[index] *= input[index]
        case .maximum: result[index] = max(result[index], input[index])
        case .minimum: result[index] = min(result[index], input[index])
        }
      }
    }
    return merge == .average ? result.map { $0 / Double(inputs.count) } : result
  }

  func mergeGradients(_ merge: Merge, _ gradient: [Double]) -> [[Double]] {
    inputs.indices.map { own in
      gradient.indices.map { index in
        switch merge {
        case .add: gradient[index]
        case .average: gradient[index] / Double(inputs.count)
        case .subtract: own == 0 ? gradient[index] : -gradient[index]
        case .multiply:
          inputs.indices.reduce(gradient[index]) { $1 == own ? $0 : $0 * inputs[$1][index] }
        case .maximum, .minimum:
          // The first of several equal ones gets all.
          own == chosen(at: index, largest: merge == .maximum) ? gradient[index] : 0
        }
      }
    }
  }

  private func chosen(at index: Int, largest: Bool) -> Int {
    inputs.indices.dropFirst().reduce(0) { best, other in
      let (x, y) = (inputs[other][index], inputs[best][index])
      return (largest ? x > y : x < y) ? other : best
    }
  }

  private var widths: [Int] { shapes.map { $0.dimensions.last ?? 1 } }

  func concatenated() -> [Double] {
    let widths = widths
    var result: [Double] = []
    result.reserveCapacity(node.shape.elementCount)
    for row in 0..<(inputs[0].count / max(1, widths[0])) {
      for (input, width) in zip(inputs, widths) { result += input[row * width..<(row + 1) * width] }
    }
    return result
  }

  func concatenationGradients(_ gradient: [Double]) -> [[Double]] {
    let widths = widths
    let total = widths.reduce(0, +)
    var first = 0
    return zip(inputs, widths).map { input, width in
      defer { first += width }
      return input.indices.map { gradient[$0 / width * total + first + $0 % width] }
    }
  }

  /// Where each value of a permutation comes from.
  func sources() -> [Int] {
    guard case .permute(let order) = node.operation else { return Array(inputs[0].indices) }
    let extents = shapes[0].dimensions
    var steps = [Int](repeating: 1, count: extents.count)
    for axis in extents.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * extents[axis + 1] }
    return (0..<inputs[0].count).map { index in
      var (rest, source) = (index, 0)
      for axis in order.reversed() {
        source += rest % extents[axis] * steps[axis]
        rest /= extents[axis]
      }
      return source
    }
  }
}

extension Convolution {
  /// Whether it mixes the channels of each pixel alone.
  var isPointwise: Bool { kernel == .one && strides == .one && groups == 1 }
}

extension Activation {
  /// The derivative of ``scalar(_:)``; at a kink that of the left side, but for `relu` at its threshold, where it is
  /// that of what lies below.
  package func derivative(_ x: Double) -> Double {
    switch self {
    case .linear, .softmax: return 1
    case .relu(let maxValue, let negativeSlope, let threshold):
      if x <= threshold { return negativeSlope }
      return maxValue.map { x >= $0 ? 0 : 1 } ?? 1
    case .elu(let alpha): return x > 0 ? 1 : alpha * naturalExponential(x)
    case .selu: return Activation.seluScale * Activation.elu(alpha: Activation.seluAlpha).derivative(x)
    case .gelu(approximate: false):
      return normalDistribution(x) + x * naturalExponential(-x * x / 2) / (2 * Double.pi).squareRoot()
    case .gelu(approximate: true):
      let factor = 2 * (2 / Double.pi).squareRoot()
      let s = Activation.sigmoid.scalar(factor * (x + 0.044715 * x * x * x))
      return s + x * s * (1 - s) * factor * (1 + 3 * 0.044715 * x * x)
    case .silu:
      let s = Activation.sigmoid.scalar(x)
      return s + x * s * (1 - s)
    case .sigmoid:
      let s = scalar(x)
      return s * (1 - s)
    case .hardSigmoid(let slope): return slope * x + 0.5 > 0 && slope * x + 0.5 < 1 ? slope : 0
    case .hardSilu:
      let gate = Activation.hardSigmoid(slope: 1.0 / 6)
      return gate.scalar(x) + x * gate.derivative(x)
    case .tanh:
      let t = scalar(x)
      return 1 - t * t
    case .softplus: return Activation.sigmoid.scalar(x)
    case .softsign: return 1 / ((1 + abs(x)) * (1 + abs(x)))
    case .exponential: return naturalExponential(x)
    case .mish:
      let t = hyperbolicTangent(Activation.softplus.scalar(x))
      return t + x * (1 - t * t) * Activation.sigmoid.scalar(x)
    case .squareRoot: return 0.5 / x.squareRoot()
    case .logarithm: return 1 / x
    case .reciprocal: return -1 / (x * x)
    }
  }
}
