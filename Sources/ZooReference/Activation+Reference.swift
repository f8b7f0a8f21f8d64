import ZooGraph

extension Activation {
  /// The function of one value; softmax is none.
  package func scalar(_ x: Double) -> Double {
    switch self {
    case .linear, .softmax:
      return x
    case .relu(let maxValue, let negativeSlope, let threshold):
      // Keras' definition: the part above the threshold (at the threshold itself zero), clipped,
      // minus the part below.
      var positive = threshold == 0 ? max(x, 0) : (x > threshold ? x : 0)
      if let maxValue { positive = min(max(positive, 0), maxValue) }
      return negativeSlope == 0 ? positive : positive - negativeSlope * max(threshold - x, 0)
    case .elu(let alpha):
      return x > 0 ? x : alpha * exponentialMinusOne(x)
    case .selu:
      return Activation.seluScale * Activation.elu(alpha: Activation.seluAlpha).scalar(x)
    case .gelu(approximate: false):
      return x * normalDistribution(x)
    case .gelu(approximate: true):
      // (1 + tanh(u)) / 2 is sigmoid(2u), which keeps its digits where tanh(u) is near -1.
      return x / (1 + naturalExponential(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu:
      return x / (1 + naturalExponential(-x))
    case .sigmoid:
      return 1 / (1 + naturalExponential(-x))
    case .hardSigmoid(let slope):
      return min(max(slope * x + 0.5, 0), 1)
    case .hardSilu:
      return x * Activation.hardSigmoid(slope: 1.0 / 6).scalar(x)
    case .tanh:
      return hyperbolicTangent(x)
    case .softplus:
      return max(x, 0) + logarithmOfOnePlus(naturalExponential(-abs(x)))
    case .softsign:
      return x / (1 + abs(x))
    case .exponential:
      return naturalExponential(x)
    case .mish:
      return x * hyperbolicTangent(Activation.softplus.scalar(x))
    case .squareRoot:
      return x.squareRoot()
    case .logarithm:
      return naturalLogarithm(x)
    case .reciprocal:
      return 1 / x
    }
  }

  /// The derivative of ``scalar(_:)``; for softmax 1. At a kink it is that of the left side, but at a rectifier's
  /// threshold that of what lies below, and at its largest value 0.
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

  /// A bound for the change of ``scalar(_:)`` per change of its argument near `x`, away from a
  /// threshold's jump.
  func steepestSlope(at x: Double) -> Double {
    switch self {
    case .linear, .tanh, .softmax, .softplus, .softsign: 1
    case .relu(_, let negativeSlope, _): max(1, abs(negativeSlope))
    case .elu(let alpha): max(1, abs(alpha))
    case .selu: Activation.seluScale * Activation.seluAlpha
    case .gelu, .silu, .mish: 1.2
    case .sigmoid: 0.25
    case .hardSigmoid(let slope): abs(slope)
    case .hardSilu: 1.5
    case .exponential: naturalExponential(x)
    case .squareRoot: 0.5 / x.squareRoot()
    case .logarithm: 1 / abs(x)
    case .reciprocal: 1 / (x * x)
    }
  }
}
