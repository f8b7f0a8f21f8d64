import ZooGraph
import ZooSystem
import ZooTensor

/// Makes the operations of an ML program of the steps of a ``LoweredGraph``, for a batch of one.
struct CoreMLTranslation {
  typealias Operand = LoweredGraph.Operand
  typealias Argument = CoreMLProgram.Argument

  /// The most axes that Core ML's tensors have.
  private static let axisLimit = 5

  let graph: LoweredGraph
  var program: CoreMLProgram
  /// By value, what its result is called.
  var valueNames: [String]

  /// - Throws: `ZooError` of the code `unsupported`, which names the layer whose value has too many axes.
  init(_ graph: LoweredGraph, program: CoreMLProgram, location: String) throws(ZooError) {
    self.graph = graph
    self.program = program
    valueNames = Array(repeating: "", count: graph.shapes.count)
    for value in graph.inputs + graph.steps.map(\.output)
    where graph.shapes[value.index].count >= Self.axisLimit {
      throw ZooError(
        .unsupported, what: "cannot export", at: "\(location), '\(graph.names[value.index])'",
        "its values have \(graph.shapes[value.index].count + 1) axes with the batch, and Core ML's tensors at "
          + "most \(Self.axisLimit)",
        remedy: "Export as .onnx, or its weights as .safetensors or .npz.")
    }
  }

  // MARK: Operands

  /// With the batch, where it has one.
  func shape(_ operand: Operand) -> [Int] {
    switch operand {
    case .value(let value): [1] + graph.shapes[value.index]
    case .constant(let index): graph.constants[index].shape
    }
  }

  func shape(_ value: LoweredGraph.Value) -> [Int] { [1] + graph.shapes[value.index] }

  /// - Parameter shape: of a constant, in place of its own.
  mutating func name(_ operand: Operand, shape: [Int]? = nil) throws -> String {
    switch operand {
    case .value(let value): valueNames[value.index]
    case .constant(let index):
      try program.constant(graph.constants[index], named: graph.constantNames[index], shape: shape)
    }
  }

  /// The operand, with as many axes as `rank` where it is a constant that has any.
  mutating func broadcast(_ operand: Operand, rank: Int) throws -> Argument {
    guard case .constant(let index) = operand else { return .value(try name(operand)) }
    let shape = graph.constants[index].shape
    guard !shape.isEmpty else { return .value(try name(operand)) }
    let missing = [Int](repeating: 1, count: max(0, rank - shape.count))
    return .value(try name(operand, shape: missing + shape))
  }

  /// A name for a value between two operations.
  mutating func between(_ name: String, _ what: String) -> String {
    program.names.unique("\(name)_\(what)")
  }

  // MARK: Steps

  mutating func translate() throws {
    for step in graph.steps {
      try Cancellation.check()
      if valueNames[step.output.index].isEmpty {
        valueNames[step.output.index] = program.names.unique(graph.names[step.output.index])
      }
      try translate(step)
    }
  }

  private mutating func translate(_ step: LoweredGraph.Step) throws {
    let name = valueNames[step.output.index]
    let shape = shape(step.output)
    let first = step.inputs[0]
    func add(_ operation: String, _ arguments: [(String, Argument)]) {
      program.add(operation, arguments, named: name, shape: shape)
    }
    switch step.kind {
    case .convolution(let strides, let dilation, let edges, let groups):
      add(
        "conv",
        try convolved(step, strides, dilation, edges) + [("groups", .int(groups))])
    case .transposedConvolution(let strides, let dilation, let edges):
      add(
        "conv_transpose",
        try convolved(step, strides, dilation, edges) + [("groups", .int(1))])
    case .product, .productWithBias: try translateProduct(step)
    case .batchNormalization(let epsilon): try translateNorm(step, epsilon)
    case .layerNormalization(let axes, let epsilon):
      var arguments: [(String, Argument)] = [
        ("x", .value(try self.name(first))), ("axes", .ints(Array(shape.count - axes..<shape.count))),
        ("gamma", .value(try self.name(step.inputs[1]))),
      ]
      if step.inputs.count > 2 { arguments.append(("beta", .value(try self.name(step.inputs[2])))) }
      add("layer_norm", arguments + [("epsilon", .float(representable(epsilon)))])
    case .unary(let function): try translate(function, step)
    case .binary(.prelu): try translatePReLU(step)
    case .binary(let function):
      let rank = shape.count
      add(
        Self.type(of: function),
        [
          ("x", try broadcast(first, rank: rank)), ("y", try broadcast(step.inputs[1], rank: rank)),
        ])
    case .clip(lower: 0, upper: 6): add("relu6", [("x", .value(try self.name(first)))])
    case .clip(let lower, let upper):
      add("clip", [("x", .value(try self.name(first))), ("alpha", .float(lower)), ("beta", .float(upper))])
    case .softmax(let axis): add("softmax", [("x", .value(try self.name(first))), ("axis", .int(axis))])
    case .pooling(let reduction, let window, let strides, let edges):
      let arguments: [(String, Argument)] = [
        ("x", .value(try self.name(first))), ("kernel_sizes", window.argument),
        ("strides", strides.argument), ("pad_type", .text("custom")), ("pad", edges.argument),
        ("ceil_mode", .bool(false)),
      ]
      switch reduction {
      case .maximum: add("max_pool", arguments)
      case .mean: add("avg_pool", arguments + [("exclude_padding_from_average", .bool(true))])
      }
    case .reduce(let reduction, let axes, let keepsAxes):
      add(
        reduction == .mean ? "reduce_mean" : "reduce_max",
        [("x", .value(try self.name(first))), ("axes", .ints(axes)), ("keep_dims", .bool(keepsAxes))])
    case .pad, .slice, .repeatPixels, .bilinear, .gather, .concatenate, .reshape, .transpose:
      try translateShaping(step)
    }
  }

  /// Epsilons that 16 bits do not have become the least number that they have.
  func representable(_ epsilon: Double) -> Double {
    program.type == .float16 && epsilon > 0 ? max(epsilon, 0x1p-24) : epsilon
  }
}

extension Extent2D {
  var argument: CoreMLProgram.Argument { .ints([height, width]) }
}

extension Edges {
  /// Before and after each axis.
  var argument: CoreMLProgram.Argument { .ints([top, bottom, left, right]) }
}
