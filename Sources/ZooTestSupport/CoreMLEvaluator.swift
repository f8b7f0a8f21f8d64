import Foundation

/// Computes what an ML program says, in double precision and after the text of its operations' descriptions: by other
/// means than this package's engines, and slowly.
package struct CoreMLEvaluator {
  package typealias Array = ONNXEvaluator.Array
  package typealias Fault = ONNXEvaluator.Fault

  /// What a program gives: arrays, or a class with the values of all.
  package struct Result {
    package var arrays: [String: Array] = [:]
    package var label: String?
    package var values: [String: Double] = [:]
  }

  private let contents: CoreMLContents

  package init(_ contents: CoreMLContents) { self.contents = contents }

  /// - Parameter inputs: in the file's order; of a picture its pixels as (1, channels, height, width).
  package func run(_ inputs: [Array]) throws -> Result {
    var values: [String: Array] = [:]
    var texts: [String: [String]] = [:]
    for (input, array) in zip(contents.functionInputs, inputs) {
      guard input.type.shape == array.shape, input.type.element == 11 else {
        throw Fault(what: "'\(input.name)' is \(input.type), not \(array.shape)")
      }
      values[input.name] = array
    }
    var result = Result()
    for operation in contents.operations {
      let output = operation.outputs[0]
      guard values[output.name] == nil, texts[output.name] == nil else {
        throw Fault(what: "two values '\(output.name)'")
      }
      switch operation.value {
      case .numbers(let numbers)?: values[output.name] = Array(output.type.shape, numbers)
      case .texts(let found)?: texts[output.name] = found
      case nil:
        let call = try CoreMLCall(operation, values: values, texts: texts)
        if operation.type == "classify" {
          (result.label, result.values) = try call.classified()
          continue
        }
        let array = try call.result()
        guard array.shape == output.type.shape else {
          throw Fault(what: "'\(output.name)' has the shape \(array.shape), not \(output.type.shape)")
        }
        values[output.name] = array
      }
    }
    for name in contents.results {
      if let array = values[name] { result.arrays[name] = array }
    }
    return result
  }
}

/// One operation of a program with what it reads.
struct CoreMLCall {
  typealias Array = ONNXEvaluator.Array
  typealias Fault = ONNXEvaluator.Fault

  private let operation: CoreMLContents.Operation
  private let values: [String: [Array]]
  private let texts: [String: String]

  init(
    _ operation: CoreMLContents.Operation, values: [String: Array], texts: [String: [String]]
  ) throws {
    self.operation = operation
    var found: [String: [Array]] = [:]
    var words: [String: String] = [:]
    for (parameter, names) in operation.inputs {
      if names.count == 1, let text = texts[names[0]] {
        words[parameter] = text[0]
      } else {
        found[parameter] = try names.map { name in
          guard let value = values[name] else {
            throw Fault(what: "\(operation.outputs[0].name) reads '\(name)' too early")
          }
          return value
        }
      }
    }
    self.values = found
    self.texts = words
  }

  // MARK: Parameters

  private func operand(_ name: String) throws -> Array {
    guard let value = values[name]?.first else {
      throw Fault(what: "\(operation.type) '\(operation.outputs[0].name)' has no '\(name)'")
    }
    return value
  }

  private func number(_ name: String) throws -> Double { try operand(name).values[0] }

  private func ints(_ name: String) throws -> [Int] { try operand(name).values.map { Int($0) } }

  private func text(_ name: String) throws -> String {
    guard let text = texts[name] else { throw Fault(what: "\(operation.type) has no '\(name)'") }
    return text
  }

  /// The same in the words of ONNX, whose operators are known.
  private func onnx(
    _ type: String, _ operands: [Array?], _ attributes: [String: ONNXContents.Attribute] = [:]
  ) throws -> Array {
    try ONNXOperator(
      ONNXContents.Node(
        type: type, name: operation.outputs[0].name, inputs: [], outputs: [], attributes: attributes)
    ).result(operands)
  }

  /// All beginnings, then all ends, of what a program has by axis.
  private func pads() throws -> ONNXContents.Attribute {
    guard try text("pad_type") == "custom" else { throw Fault(what: "padding of another kind") }
    let pads = try ints("pad")
    return .ints([0, 2, 1, 3].map { pads[$0] })
  }

  private func axis(_ rank: Int) throws -> Int {
    let axis = try ints("axis")[0]
    return axis < 0 ? rank + axis : axis
  }

  // MARK: Operations

  func classified() throws -> (String, [String: Double]) {
    guard case .texts(let classes)? = operation.literals["classes"] else { throw Fault(what: "no classes") }
    let values = try operand("probabilities").values
    guard values.count == classes.count, Set(classes).count == classes.count,
      let best = values.indices.max(by: { values[$0] < values[$1] })
    else { throw Fault(what: "\(values.count) values for \(classes.count) classes") }
    return (classes[best], Dictionary(uniqueKeysWithValues: zip(classes, values)))
  }

  func result() throws -> Array {
    if operation.type == "concat" {
      guard let operands = values["values"], try number("interleave") == 0 else {
        throw Fault(what: "concat of another kind")
      }
      return try onnx("Concat", operands, ["axis": .int(axis(operands[0].shape.count))])
    }
    if operation.type == "select" {
      let (condition, a, b) = (try operand("cond"), try operand("a"), try operand("b").values[0])
      return Array(a.shape, zip(condition.values, a.values).map { $0 != 0 ? $1 : b })
    }
    let x = try operand("x")
    if let function = try function() { return Array(x.shape, x.values.map(function)) }
    if let type = Self.binaries[operation.type] { return try onnx(type, [x, operand("y")]) }
    return try linear(x) ?? shaped(x)
  }

  private static let binaries = [
    "add": "Add", "sub": "Sub", "mul": "Mul", "real_div": "Div", "maximum": "Max", "minimum": "Min",
  ]

  private func function() throws -> ((Double) -> Double)? {
    func alpha() throws -> Double { try number("alpha") }
    switch operation.type {
    case "identity", "cast": return { $0 }
    case "relu": return { max($0, 0) }
    case "relu6": return { min(max($0, 0), 6) }
    case "erf": return { erf($0) }
    case "sigmoid": return { 1 / (1 + exp(-$0)) }
    case "tanh": return { tanh($0) }
    case "softplus": return { max($0, 0) + log1p(exp(-abs($0))) }
    case "softsign": return { $0 / (1 + abs($0)) }
    case "exp": return { exp($0) }
    case "sqrt": return { $0.squareRoot() }
    case "silu": return { $0 / (1 + exp(-$0)) }
    case "log":
      let epsilon = try number("epsilon")
      return { log($0 + epsilon) }
    case "inverse":
      let epsilon = try number("epsilon")
      return { 1 / ($0 + epsilon) }
    case "gelu":
      switch try text("mode") {
      case "EXACT": return { 0.5 * $0 * (1 + erf($0 * 0.5.squareRoot())) }
      case "TANH_APPROXIMATION":
        return { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
      default: return nil
      }
    case "leaky_relu":
      let slope = try alpha()
      return { $0 < 0 ? slope * $0 : $0 }
    case "elu":
      let scale = try alpha()
      return { $0 < 0 ? scale * expm1($0) : $0 }
    case "sigmoid_hard":
      let (slope, offset) = (try alpha(), try number("beta"))
      return { min(max(slope * $0 + offset, 0), 1) }
    case "clip":
      let (lower, upper) = (try alpha(), try number("beta"))
      return { min(max($0, lower), upper) }
    case "greater":
      let threshold = try number("y")
      return { $0 > threshold ? 1 : 0 }
    default: return nil
    }
  }

  private func linear(_ x: Array) throws -> Array? {
    func windows() throws -> [String: ONNXContents.Attribute] {
      [
        "strides": .ints(try ints("strides")), "dilations": .ints(try ints("dilations")), "pads": try pads(),
        "group": .int(try ints("groups")[0]),
      ]
    }
    switch operation.type {
    case "conv": return try onnx("Conv", [x, operand("weight"), values["bias"]?.first], windows())
    case "conv_transpose":
      return try onnx("ConvTranspose", [x, operand("weight"), values["bias"]?.first], windows())
    case "linear":
      guard (1...3).contains(x.shape.count) else { throw Fault(what: "linear of \(x.shape)") }
      let kernel = try onnx("Transpose", [operand("weight")], ["perm": .ints([1, 0])])
      let product = try onnx("MatMul", [x, kernel])
      return try values["bias"].map { try onnx("Add", [product, $0[0]]) } ?? product
    case "matmul":
      guard try number("transpose_x") == 0, try number("transpose_y") == 0 else { return nil }
      return try onnx("MatMul", [x, operand("y")])
    case "batch_norm":
      guard (3...5).contains(x.shape.count) else { throw Fault(what: "batch_norm of \(x.shape)") }
      let operands = try ["gamma", "beta", "mean", "variance"].map { try operand($0) }
      // In the program's own precision; a Float, as ONNX has it, could not tell.
      return try onnx(
        "BatchNormalization", [x] + operands, ["epsilon": .float(Float(try number("epsilon")))])
    case "layer_norm":
      let axes = try ints("axes")
      guard axes == Swift.Array(x.shape.count - axes.count..<x.shape.count) else { return nil }
      return try onnx(
        "LayerNormalization", [x, operand("gamma"), values["beta"]?.first],
        ["axis": .int(-axes.count), "epsilon": .float(Float(try number("epsilon")))])
    case "prelu":
      let alpha = try operand("alpha")
      guard alpha.shape == [x.shape[1]], (3...5).contains(x.shape.count) else { return nil }
      let ones = [Int](repeating: 1, count: x.shape.count - 2)
      return try onnx("PRelu", [x, Array(alpha.shape + ones, alpha.values)])
    case "max_pool", "avg_pool":
      guard try number("ceil_mode") == 0 else { return nil }
      let isMaximum = operation.type == "max_pool"
      if !isMaximum, try number("exclude_padding_from_average") != 1 { return nil }
      return try onnx(
        isMaximum ? "MaxPool" : "AveragePool", [x],
        [
          "kernel_shape": .ints(try ints("kernel_sizes")), "strides": .ints(try ints("strides")),
          "pads": try pads(),
        ])
    default: return nil
    }
  }

  private func shaped(_ x: Array) throws -> Array {
    let rank = x.shape.count
    func array(_ numbers: [Int]) -> Array { Array([numbers.count], numbers.map { Double($0) }) }
    switch operation.type {
    case "softmax": return try onnx("Softmax", [x], ["axis": .int(axis(rank))])
    case "reduce_mean", "reduce_max":
      return try onnx(
        operation.type == "reduce_max" ? "ReduceMax" : "ReduceMean", [x],
        ["axes": .ints(try ints("axes")), "keepdims": .int(Int(try number("keep_dims")))])
    case "pad":
      guard try text("mode") == "constant", try number("constant_val") == 0 else { break }
      let pads = try ints("pad")
      let all = [Int](repeating: 0, count: 2 * rank - pads.count) + pads
      return try onnx(
        "Pad", [x, array((0..<rank).map { all[2 * $0] } + (0..<rank).map { all[2 * $0 + 1] })])
    case "slice_by_index":
      return try onnx("Slice", [x, operand("begin"), operand("end"), array(Swift.Array(0..<rank))])
    case "upsample_nearest_neighbor":
      let factors = try ["scale_factor_height", "scale_factor_width"].map { try number($0) }
      return try onnx(
        "Resize", [x, nil, Array([4], [1, 1] + factors)],
        [
          "mode": .text("nearest"), "coordinate_transformation_mode": .text("asymmetric"),
          "nearest_mode": .text("floor"),
        ])
    case "resize_bilinear":
      guard try text("sampling_mode") == "UNALIGN_CORNERS" else { break }
      let size = try ["target_size_height", "target_size_width"].map { try number($0) }
      return try onnx(
        "Resize", [x, nil, Array([4], [1, 1, size[0] / Double(x.shape[2]), size[1] / Double(x.shape[3])])],
        ["mode": .text("linear"), "coordinate_transformation_mode": .text("half_pixel")])
    case "gather":
      guard try number("batch_dims") == 0 else { break }
      return try onnx("Gather", [x, operand("indices")], ["axis": .int(axis(rank))])
    case "reshape": return Array(try ints("shape"), x.values)
    case "transpose": return try onnx("Transpose", [x], ["perm": .ints(try ints("perm"))])
    default: break
    }
    throw Fault(what: "unknown operation \(operation.type), or one of another kind")
  }
}
