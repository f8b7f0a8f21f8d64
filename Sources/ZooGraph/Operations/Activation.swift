import ZooSystem
import ZooTensor

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
  /// The root of x; not a number where x is negative.
  case squareRoot
  /// The natural logarithm; minus infinity at 0, not a number where x is negative.
  case logarithm
  /// 1 / x.
  case reciprocal
  case softmax

  package static let relu = Activation.relu(maxValue: nil, negativeSlope: 0, threshold: 0)
  package static let relu6 = Activation.relu(maxValue: 6, negativeSlope: 0, threshold: 0)

  package static let seluAlpha = 1.6732632423543772
  package static let seluScale = 1.0507009873554805
}

// MARK: Names and parameters

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
    case .squareRoot: "sqrt"
    case .logarithm: "log"
    case .reciprocal: "reciprocal"
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

extension AttributeFields {
  /// The function of the attribute `activation`, with its parameters.
  mutating func activation() throws(ZooError) -> Activation {
    let name = try string("activation")
    switch name {
    case "linear": return .linear
    case "relu":
      let slope = try double("negative_slope")
      let threshold = try double("threshold")
      var maxValue: Double?
      if has("max_value") { maxValue = try double("max_value") }
      return .relu(maxValue: maxValue, negativeSlope: slope, threshold: threshold)
    case "elu": return .elu(alpha: try double("alpha"))
    case "selu": return .selu
    case "gelu": return .gelu(approximate: try bool("approximate"))
    case "silu": return .silu
    case "sigmoid": return .sigmoid
    case "hard_sigmoid": return .hardSigmoid(slope: try double("slope"))
    case "hard_silu": return .hardSilu
    case "tanh": return .tanh
    case "softplus": return .softplus
    case "softsign": return .softsign
    case "exponential": return .exponential
    case "mish": return .mish
    case "sqrt": return .squareRoot
    case "log": return .logarithm
    case "reciprocal": return .reciprocal
    case "softmax": return .softmax
    default: throw invalid("the activation '\(name)' is unknown")
    }
  }
}

// MARK: Activation as a layer

extension Activation: OperationPayload {
  static let kinds = ["activation"]
  var operation: Operation { .activation(self) }

  /// Keras' `ReLU` has the parameters that its plain function does not have.
  var kerasClassName: String {
    guard case .relu = self, self != .relu else { return "activation" }
    return "re_lu"
  }

  init(from fields: inout AttributeFields) throws(ZooError) { self = try fields.activation() }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    self == .softmax ? try inputs.vectors("a softmax needs at least one axis") : inputs.first
  }
}

// MARK: Activation with weights

extension Operation {
  struct PReLU: WeightedPayload {
    static let kinds = ["parametric_rectifier"]
    let sharedAxes: [Int]
    var operation: Operation { .prelu(sharedAxes: sharedAxes) }
    var kerasClassName: String { "p_re_lu" }
    var attributes: [(String, AttributeValue)] { [("shared_axes", .ints(sharedAxes))] }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      guard sharedAxes.allSatisfy(inputs.first.dimensions.indices.contains),
        zip(sharedAxes, sharedAxes.dropFirst()).allSatisfy({ $0 < $1 })
      else { throw inputs.invalid("it shares the axes \(sharedAxes) of \(inputs.first)") }
      return inputs.first
    }

    func weights(for input: Shape) -> [WeightDeclaration] {
      [(.alpha, input.dimensions.enumerated().map { sharedAxes.contains($0) ? 1 : $1 })]
    }
  }
}

extension Operation.PReLU {
  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(sharedAxes: try fields.ints("shared_axes"))
  }
}
