import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Functions of tensors that stand among a model's layers: operations of Keras 3 (`x + 3.0`), the TFOpLambda
// of Keras 2.4 and later, and the TensorFlowOpLayer of TensorFlow 2.0 to 2.3.
extension KerasLayer {
  /// What a function is called in each dialect, in the terms of Keras 3.
  private static let synonyms: [String: String] = [
    "addv2": "add", "mul": "multiply", "sub": "subtract", "div": "divide", "truediv": "divide",
    "true_divide": "divide", "realdiv": "divide", "neg": "negative", "reduce_mean": "mean",
    "reduce_max": "max", "concat": "concatenate", "concatv2": "concatenate", "clip_by_value": "clip",
    "cast": "identity",
  ]

  private static let merges: [String: Merge] = [
    "add": .add, "subtract": .subtract, "multiply": .multiply, "maximum": .maximum, "minimum": .minimum,
  ]

  private var functionName: String {
    let name: String
    switch className {
    case "TFOpLambda":
      name = members["function"]?.string?.split(separator: ".").last.map(String.init) ?? ""
    case "TensorFlowOpLayer":
      name = kerasSnakeCase(members["node_def"]?["op"]?.string ?? "")
    default:
      name = kerasSnakeCase(className)
    }
    let plain = name.replacing("_v2", with: "")
    return KerasLayer.synonyms[plain] ?? plain
  }

  /// An argument by its name: of the call, or of the operation itself, which Keras 3 stores.
  private func argument(_ keys: String..., of call: KerasCall) -> JSONValue? {
    for key in keys {
      if let value = call.keywords[key] ?? members[key], value != .null { return value }
    }
    return nil
  }

  /// What one call of the function computes.
  func functionSteps(_ given: KerasCall, inputs: [Shape?]) throws(ZooError) -> [KerasStep] {
    let call = try withNodeConstants(given)
    let function = functionName
    let tensors = call.operands.count { if case .tensor = $0 { true } else { false } }
    guard tensors > 0 else { throw malformed(name, "it reads no tensor") }
    if let merge = KerasLayer.merges[function], tensors == 2 {
      return [KerasStep(.merge(merge), [.input(0), .input(1)])]
    }
    let shape = try shape(inputs)
    switch function {
    case "add", "subtract", "multiply", "divide", "maximum", "minimum":
      return [KerasStep(try withConstant(function, call, shape: shape), [.input(0)])]
    case "negative":
      return [KerasStep(.rescaling(Rescaling(scale: [-1], offset: [0])), [.input(0)])]
    case "identity", "dropout":
      return [KerasStep(.identity(layer: function), [.input(0)])]
    case "concatenate":
      guard let axis = argument("axis", of: call)?.integer, axis != 0, axis >= -shape.rank, axis <= shape.rank
      else { throw unsupported("it joins along an axis that a single example does not have") }
      return steps(
        .concatenate, onAxis: axis > 0 ? axis - 1 : axis + shape.rank, rank: shape.rank, inputs: inputs.count)
    case "reshape":
      guard let target = argument("shape", "newshape", of: call)?.array, let batch = target.first?.integer,
        batch == -1 || target.dropFirst().allSatisfy({ $0.integer ?? -1 > 0 })
      else { throw unsupported("it reshapes the batch") }
      return [KerasStep(try reshape(.array(Array(target.dropFirst())), input: shape), [.input(0)])]
    case "mean", "max":
      return [KerasStep(try pooled(function, call, shape: shape), [.input(0)])]
    case "transpose":
      guard let order = argument("perm", "axes", of: call)?.array?.compactMap(\.integer),
        order.first == 0, order.count == shape.rank + 1
      else { throw unsupported("it moves the batch axis") }
      return [KerasStep(.permute(order: order.dropFirst().map { $0 - 1 }), [.input(0)])]
    case "clip":
      guard argument("x_min", "clip_value_min", of: call)?.number == 0,
        let most = argument("x_max", "clip_value_max", of: call)?.number
      else { throw unsupported("it clips at a number other than 0") }
      return [
        KerasStep(.activation(.relu(maxValue: most, negativeSlope: 0, threshold: 0)), [.input(0)])
      ]
    default:
      return [KerasStep(.activation(try activation(function, call, shape: shape)), [.input(0)])]
    }
  }

  private func activation(
    _ function: String, _ call: KerasCall, shape: Shape
  ) throws(ZooError) -> Activation {
    switch function {
    case "gelu":
      return .gelu(approximate: argument("approximate", of: call)?.bool ?? (className == "Gelu"))
    case "leaky_relu":
      let slope = argument("alpha", "negative_slope", of: call)?.number ?? 0.2
      return .relu(maxValue: nil, negativeSlope: slope, threshold: 0)
    case "elu":
      return .elu(alpha: argument("alpha", of: call)?.number ?? 1)
    case "softmax":
      let axis = argument("axis", of: call)?.integer ?? -1
      guard axis == -1 || axis == shape.rank else {
        throw unsupported("its axis is \(axis), not the last one")
      }
    default: break
    }
    guard let activation = self.function(named: function), call.operands.count == 1 else {
      throw unsupported("the function '\(function)' is not supported")
    }
    return activation
  }

  /// The mean or maximum over height and width, which is the only one that there is an operation for.
  private func pooled(
    _ function: String, _ call: KerasCall, shape: Shape
  ) throws(ZooError) -> Operation {
    let axes = argument("axis", of: call)?.array?.compactMap(\.integer) ?? []
    let keeps = argument("keepdims", "keep_dims", of: call)?.bool ?? false
    guard shape.rank == 3, Set(axes.map { $0 < 0 ? $0 + 4 : $0 }) == [1, 2] else {
      throw unsupported("it takes the \(function) over axes other than height and width")
    }
    return function == "mean"
      ? .globalAveragePooling(keepDimensions: keeps) : .globalMaxPooling(keepDimensions: keeps)
  }

  /// Arithmetic with one tensor and one constant: a number, or one for each channel.
  private func withConstant(
    _ function: String, _ call: KerasCall, shape: Shape
  ) throws(ZooError) -> Operation {
    var constant: JSONValue?
    var constantIsFirst = false
    for (position, operand) in call.operands.enumerated() {
      if case .constant(let value) = operand {
        constant = value
        constantIsFirst = position == 0
      }
    }
    guard let numbers = constant.flatMap(numbers), call.operands.count == 2,
      numbers.count == 1 || numbers.count == shape.dimensions.last
    else {
      throw unsupported(
        "'\(function)' is called with something other than a number or one number per channel")
    }
    let ones = numbers.map { _ in 1.0 }
    let zeros = numbers.map { _ in 0.0 }
    switch (function, constantIsFirst) {
    case ("add", _): return .rescaling(Rescaling(scale: ones, offset: numbers))
    case ("subtract", false): return .rescaling(Rescaling(scale: ones, offset: numbers.map { -$0 }))
    case ("subtract", true): return .rescaling(Rescaling(scale: ones.map { -$0 }, offset: numbers))
    case ("multiply", _): return .rescaling(Rescaling(scale: numbers, offset: zeros))
    case ("divide", false) where !numbers.contains(0):
      return .rescaling(Rescaling(scale: numbers.map { 1 / $0 }, offset: zeros))
    case ("maximum", _) where numbers == [0]: return .activation(.relu)
    default: throw unsupported("'\(function)' of this constant is not supported")
    }
  }

  /// TensorFlowOpLayer has its constants apart, by the position that they take.
  private func withNodeConstants(_ call: KerasCall) throws(ZooError) -> KerasCall {
    guard className == "TensorFlowOpLayer", let constants = members["constants"]?.object else { return call }
    var result = call
    for (key, value) in constants.sorted(by: { $0.key < $1.key }) {
      guard let position = Int(key), position >= 0, position <= result.operands.count else {
        throw malformedAttribute("constants", "a list of constants by position")
      }
      result.operands.insert(.constant(value), at: position)
    }
    return result
  }
}
