import ZooGraph

extension Lowering {
  /// The function of `value`, whose channels are its axis `channelAxis`.
  mutating func activated(_ x: Value, _ activation: Activation, _ channelAxis: Int) -> Value {
    switch activation {
    case .linear: return x
    case .relu(let maxValue, let slope, let threshold):
      return rectified(x, maxValue: maxValue, slope: slope, threshold: threshold)
    case .elu(let alpha): return add(.unary(.elu(alpha: alpha)), x)
    case .selu: return add(.unary(.selu), x)
    case .gelu(let approximate) where target.hasCompositeActivations:
      return add(.unary(.gelu(approximate: approximate)), x)
    case .silu where target.hasCompositeActivations: return add(.unary(.silu), x)
    case .gelu(approximate: false):
      let scaled = add(.binary(.multiply), x, scalar(0.5.squareRoot()))
      let sum = add(.binary(.add), add(.unary(.erf), scaled), scalar(1))
      return add(.binary(.multiply), add(.binary(.multiply), x, .value(sum)), scalar(0.5))
    case .gelu(approximate: true):
      // (1 + tanh(u)) / 2 is sigmoid(2u).
      let factor = 2 * (2 / Double.pi).squareRoot()
      let cubic = add(.binary(.multiply), add(.binary(.multiply), x, .value(x)), scalar(0.044715 * factor))
      let argument = add(.binary(.multiply), add(.binary(.add), cubic, scalar(factor)), .value(x))
      return add(.binary(.multiply), x, .value(add(.unary(.sigmoid), argument)))
    case .silu: return add(.binary(.multiply), x, .value(add(.unary(.sigmoid), x)))
    case .sigmoid: return add(.unary(.sigmoid), x)
    case .hardSigmoid(let slope): return add(.unary(.hardSigmoid(slope: slope)), x)
    case .hardSilu: return add(.unary(.hardSwish), x)
    case .tanh: return add(.unary(.tanh), x)
    case .softplus: return add(.unary(.softplus), x)
    case .softsign: return add(.unary(.softsign), x)
    case .exponential: return add(.unary(.exponential), x)
    case .mish: return add(.binary(.multiply), x, .value(add(.unary(.tanh), add(.unary(.softplus), x))))
    case .squareRoot: return add(.unary(.squareRoot), x)
    case .logarithm: return add(.unary(.logarithm), x)
    case .reciprocal: return add(.unary(.reciprocal), x)
    case .softmax: return add(.softmax(axis: channelAxis), x)
    }
  }

  private mutating func rectified(_ x: Value, maxValue: Double?, slope: Double, threshold: Double) -> Value {
    if threshold == 0, slope != 0, maxValue == nil { return add(.unary(.leakyRelu(slope: slope)), x) }
    var positive: Value
    if threshold == 0, let maxValue {
      positive = add(.clip(lower: 0, upper: maxValue), x)
    } else if threshold == 0 {
      positive = add(.unary(.relu), x)
    } else {
      positive = add(.unary(.thresholded(threshold)), x)
      if let maxValue { positive = add(.clip(lower: 0, upper: maxValue), positive) }
    }
    guard slope != 0 else { return positive }
    // The part below the threshold: threshold - x where that is positive.
    let negated = add(.binary(.multiply), x, scalar(-1))
    let below = add(.unary(.relu), add(.binary(.add), negated, scalar(threshold)))
    return add(.binary(.subtract), positive, .value(add(.binary(.multiply), below, scalar(slope))))
  }
}
