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
    "true_divide": "divide", "realdiv": "divide", "neg": "negative", "abs": "absolute", "pow": "power",
    "reduce_mean": "mean", "reduce_max": "max", "amax": "max", "reduce_min": "min", "amin": "min",
    "reduce_sum": "sum", "concat": "concatenate", "concatv2": "concatenate", "clip_by_value": "clip",
    "stop_gradient": "identity", "copy": "identity", "convert_to_tensor": "cast", "getitem": "get_item",
    "resize_bilinear": "resize", "reverse": "flip", "log_softmax_v2": "log_softmax",
  ]

  private static let merges: [String: Merge] = [
    "add": .add, "subtract": .subtract, "multiply": .multiply, "maximum": .maximum, "minimum": .minimum,
  ]

  var functionName: String {
    let name: String
    switch className {
    case "TFOpLambda", "SlicingOpLambda":
      name = members["function"]?.string?.split(separator: ".").last.map(String.init) ?? ""
    case "TensorFlowOpLayer":
      name = kerasSnakeCase(members["node_def"]?["op"]?.string ?? "")
    default:
      name = kerasSnakeCase(className)
    }
    let plain = name.replacing("_v2", with: "")
    return KerasLayer.synonyms[plain] ?? plain
  }

  /// An argument by its name: of the call, or of the operation itself, which Keras 3 stores. Nil where it is
  /// null or missing.
  func argument(_ keys: String..., of call: KerasCall) -> JSONValue? {
    for key in keys {
      if let value = call.keywords[key] ?? members[key], value != .null { return value }
    }
    return nil
  }

  func unsupportedFunction(_ function: String) -> ZooError {
    unsupported("the function '\(function)' is not supported")
  }

  /// What one call of the function computes.
  func functionSteps(_ given: KerasCall, inputs: [Shape?]) throws(ZooError) -> [KerasStep] {
    let call = try withNodeConstants(given)
    let function = functionName
    let tensors = call.operands.count { if case .tensor = $0 { true } else { false } }
    guard tensors > 0 else { throw malformed(name, "it reads no tensor") }
    let format = argument("data_format", of: call)?.string
    if format == "channels_first" || format == "NCHW" {
      var plain = given
      plain.keywords["data_format"] = nil
      let layer = with("data_format", .null)
      return try channelsFirst(inputs) { shapes throws(ZooError) in
        try layer.functionSteps(plain, inputs: shapes)
      }
    }
    if let merge = KerasLayer.merges[function], tensors == 2 {
      return [KerasStep(.merge(merge), [.input(0), .input(1)])]
    }
    var shapes: [Shape] = []
    for index in inputs.indices { shapes.append(try shape(inputs, index)) }
    let shape = try shape(inputs)
    switch function {
    case "divide" where tensors == 2:
      return [
        KerasStep(.activation(.reciprocal), [.input(1)]),
        KerasStep(.merge(.multiply), [.input(0), .step(0)]),
      ]
    case "add_n":
      return [KerasStep(tensors == 1 ? .identity(layer: function) : .add, inputs.indices.map { .input($0) })]
    case "identity", "dropout":
      return [KerasStep(.identity(layer: function), [.input(0)])]
    case "cast":
      let type = argument("dtype", of: call)
      guard let text = type?.string ?? (type == nil ? "float32" : nil), text.contains("float") else {
        throw unsupported("it makes whole numbers of its input")
      }
      return [KerasStep(.identity(layer: function), [.input(0)])]
    case "concatenate":
      let axis = try functionAxis(argument("axis", of: call), rank: shape.rank)
      return steps(.concatenate, onAxis: axis, rank: shape.rank, inputs: inputs.count)
    case "reshape":
      guard let target = argument("shape", "newshape", of: call)?.array, let batch = target.first?.integer,
        batch == -1 || target.dropFirst().allSatisfy({ $0.integer ?? -1 > 0 })
      else { throw unsupported("it reshapes the batch") }
      return [KerasStep(try reshape(.array(Array(target.dropFirst())), input: shape), [.input(0)])]
    case "transpose":
      guard let order = argument("perm", "axes", of: call)?.array?.compactMap(\.integer),
        order.first == 0, order.count == shape.rank + 1
      else { throw unsupported("it moves the batch axis") }
      return [KerasStep(.permute(order: order.dropFirst().map { $0 - 1 }), [.input(0)])]
    default: break
    }
    var composition = KerasComposition(of: name, reading: shapes)
    if let results = try arithmetic(function, call, &composition) { return composition.steps(to: results) }
    if let results = try shaping(function, call, &composition) { return composition.steps(to: results) }
    return [KerasStep(.activation(try activation(function, call, shape: shape)), [.input(0)])]
  }

  /// An axis of one example of `rank` axes that an argument names, counted from 0; that of the batch is none.
  func functionAxis(_ value: JSONValue?, rank: Int) throws(ZooError) -> Int {
    guard let axis = value?.integer, axis != 0, axis >= -rank, axis <= rank else {
      throw unsupported("its axis is not one that a single example has")
    }
    return axis > 0 ? axis - 1 : axis + rank
  }

  /// Axes that an argument names, ascending.
  func functionAxes(_ value: JSONValue?, rank: Int) throws(ZooError) -> [Int] {
    guard let value else { throw unsupported("it takes the batch together") }
    var axes: Set<Int> = []
    for item in value.array ?? [value] { axes.insert(try functionAxis(item, rank: rank)) }
    return axes.sorted()
  }

  private func activation(
    _ function: String, _ call: KerasCall, shape: Shape
  ) throws(ZooError) -> Activation {
    switch function {
    case "gelu":
      return .gelu(approximate: argument("approximate", of: call)?.flag ?? (className == "Gelu"))
    case "leaky_relu":
      let slope = argument("alpha", "negative_slope", of: call)?.number ?? 0.2
      return .relu(maxValue: nil, negativeSlope: slope, threshold: 0)
    case "elu":
      return .elu(alpha: argument("alpha", of: call)?.number ?? 1)
    case "re_lu":
      return .relu(
        maxValue: argument("max_value", of: call)?.number,
        negativeSlope: argument("negative_slope", of: call)?.number ?? 0,
        threshold: argument("threshold", of: call)?.number ?? 0)
    default: break
    }
    guard let activation = self.function(named: function), call.operands.count == 1 else {
      throw unsupportedFunction(function)
    }
    if let key = call.keywords.keys.sorted().first, !(key == "beta" && call.keywords[key]?.number == 1) {
      throw unsupported("the function '\(function)' is called with the argument '\(key)'")
    }
    return activation
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
