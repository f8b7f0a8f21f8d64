import ZooGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

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
    case .sigmoid:
      return 1 / (1 + exponential(-x))
    case .tanh:
      return hyperbolicTangent(x)
    }
  }

  /// The largest change of ``scalar(_:)`` per change of its argument, away from a threshold's jump.
  var steepestSlope: Double {
    switch self {
    case .linear, .tanh, .softmax: 1
    case .relu(_, let negativeSlope, _): max(1, abs(negativeSlope))
    case .sigmoid: 0.25
    }
  }
}

/// The C library's exponential: every platform's Swift module of it has its own.
func exponential(_ x: Double) -> Double { exp(x) }

/// The C library's hyperbolic tangent.
func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
