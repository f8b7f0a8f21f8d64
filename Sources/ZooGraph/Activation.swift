/// A function of each value, or for ``softmax`` of each vector along the last axis.
package enum Activation: Hashable, Sendable {
  case linear
  /// x above `threshold`, else 0, and of that at most `maxValue`; in addition
  /// `negativeSlope * (x - threshold)` below the threshold. Keras' definition: at the threshold itself 0.
  case relu(maxValue: Double?, negativeSlope: Double, threshold: Double)
  /// x where it is positive, else alpha * (exp(x) - 1).
  case elu(alpha: Double)
  /// ``seluScale`` times ``elu(alpha:)`` with ``seluAlpha`` (Klambauer et al. 2017).
  case selu
  /// x * Φ(x), with the normal distribution's Φ, or its approximation by a hyperbolic tangent
  /// (Hendrycks and Gimpel 2016).
  case gelu(approximate: Bool)
  /// x * sigmoid(x).
  case silu
  case sigmoid
  /// slope * x + 1/2, cut off at 0 and 1. Keras 2 has the slope 0.2, Keras 3 1/6.
  case hardSigmoid(slope: Double)
  /// x times ``hardSigmoid(slope:)`` of the slope 1/6.
  case hardSilu
  case tanh
  /// log(1 + exp(x)).
  case softplus
  /// x / (1 + |x|).
  case softsign
  /// exp(x).
  case exponential
  /// x * tanh(softplus(x)).
  case mish
  case softmax

  package static let relu = Activation.relu(maxValue: nil, negativeSlope: 0, threshold: 0)
  package static let relu6 = Activation.relu(maxValue: 6, negativeSlope: 0, threshold: 0)

  package static let seluAlpha = 1.6732632423543772
  package static let seluScale = 1.0507009873554805
}

extension Activation {
  /// The function's name, for example `relu`.
  package var name: String {
    switch self {
    case .linear: "linear"
    case .relu: "relu"
    case .elu: "elu"
    case .selu: "selu"
    case .gelu: "gelu"
    case .silu: "silu"
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hard_sigmoid"
    case .hardSilu: "hard_silu"
    case .tanh: "tanh"
    case .softplus: "softplus"
    case .softsign: "softsign"
    case .exponential: "exponential"
    case .mish: "mish"
    case .softmax: "softmax"
    }
  }

  /// The parameters of the function by name, with the name itself as `activation`.
  var attributes: [(String, AttributeValue)] {
    var result: [(String, AttributeValue)] = [("activation", .string(name))]
    switch self {
    case .relu(let maxValue, let negativeSlope, let threshold):
      result += [("negative_slope", .double(negativeSlope)), ("threshold", .double(threshold))]
      if let maxValue { result.append(("max_value", .double(maxValue))) }
    case .elu(let alpha): result.append(("alpha", .double(alpha)))
    case .gelu(let approximate): result.append(("approximate", .bool(approximate)))
    case .hardSigmoid(let slope): result.append(("slope", .double(slope)))
    default: break
    }
    return result
  }
}
