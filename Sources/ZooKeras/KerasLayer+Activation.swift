import ZooGraph
import ZooSystem
import ZooWeightFiles

extension KerasLayer {
  /// Keras' names of functions, as far as they need no parameter.
  static let functions: [String: Activation] = [
    "linear": .linear, "identity": .linear, "relu": .relu, "relu6": .relu6, "sigmoid": .sigmoid,
    "tanh": .tanh, "softmax": .softmax, "elu": .elu(alpha: 1), "selu": .selu,
    "gelu": .gelu(approximate: false), "silu": .silu, "swish": .silu, "softplus": .softplus,
    "softsign": .softsign, "exponential": .exponential, "exp": .exponential, "mish": .mish,
    "hard_silu": .hardSilu, "hard_swish": .hardSilu, "sparse_sigmoid": .hardSigmoid(slope: 0.5),
    "sqrt": .squareRoot, "log": .logarithm, "reciprocal": .reciprocal,
    "leaky_relu": .relu(maxValue: nil, negativeSlope: 0.2, threshold: 0),
  ]

  /// The function that Keras calls `name`; nil for one that is not supported.
  func function(named name: String) -> Activation? {
    if name == "hard_sigmoid" { return .hardSigmoid(slope: dialect == .keras3 ? 1.0 / 6 : 0.2) }
    return KerasLayer.functions[name]
  }

  /// A named activation, or the dictionary with which Keras 3 writes a function or a layer.
  func activation(_ key: String = "activation") throws(ZooError) -> Activation {
    guard let value = members[key] else { throw malformedAttribute(key, "an activation") }
    if value == .null { return .linear }
    if let className = value["class_name"]?.string, let members = value["config"]?.object {
      let layer = KerasLayer(className: className, name: name, members: members, dialect: dialect)
      if let activation = try layer.activationOfClass() { return activation }
    }
    guard let name = value.string ?? value["config"]?.string else {
      throw unsupported("its activation is \(value["class_name"]?.string ?? "not named")")
    }
    if let activation = function(named: name) { return activation }
    let known = KerasLayer.activationNames.sorted().joined(separator: ", ")
    throw unsupported("its activation is '\(name)'; supported are \(known)")
  }

  /// The function of a layer that is nothing but one; nil for a layer of another class.
  func activationOfClass() throws(ZooError) -> Activation? {
    switch className {
    case "Activation": return try activation()
    case "ReLU": return try rectifier()
    case "LeakyReLU":
      return .relu(
        maxValue: nil, negativeSlope: try number(members["alpha"] == nil ? "negative_slope" : "alpha"),
        threshold: 0)
    case "ThresholdedReLU":
      return .relu(maxValue: nil, negativeSlope: 0, threshold: try number("theta"))
    case "ELU": return .elu(alpha: try number("alpha", whereAbsent: 1))
    default: return nil
    }
  }

  /// Keras before 2.2.3 has a maximum alone.
  private func rectifier() throws(ZooError) -> Activation {
    guard let maximum = members["max_value"] else {
      throw malformedAttribute("max_value", "a number or null")
    }
    return .relu(
      maxValue: maximum == .null ? nil : try number("max_value"),
      negativeSlope: try number("negative_slope", whereAbsent: 0),
      threshold: try number("threshold", whereAbsent: 0))
  }
}
