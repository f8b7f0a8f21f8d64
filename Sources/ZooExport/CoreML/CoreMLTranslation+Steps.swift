import ZooGraph

extension CoreMLTranslation {
  // MARK: Linear steps

  /// What both kinds of convolution read.
  mutating func convolved(
    _ step: LoweredGraph.Step, _ strides: Extent2D, _ dilation: Extent2D, _ edges: Edges
  ) throws -> [(String, Argument)] {
    var arguments: [(String, Argument)] = [
      ("x", .value(try name(step.inputs[0]))), ("weight", .value(try name(step.inputs[1]))),
    ]
    if step.inputs.count > 2 { arguments.append(("bias", .value(try name(step.inputs[2])))) }
    return arguments + [
      ("strides", strides.argument), ("pad_type", .text("custom")), ("pad", edges.argument),
      ("dilations", dilation.argument),
    ]
  }

  /// A dense layer is a `linear` operation, whose weights are (outputs, inputs) and whose values have up to three axes.
  mutating func translateProduct(_ step: LoweredGraph.Step) throws {
    let name = valueNames[step.output.index]
    let shape = shape(step.output)
    guard case .constant(let index) = step.inputs[1], case .value(let value) = step.inputs[0],
      case .weight(let slot) = graph.constants[index].source, slot.shape.rank == 2
    else {
      program.add(
        "matmul",
        [
          ("x", try broadcast(step.inputs[0], rank: shape.count)),
          ("y", try broadcast(step.inputs[1], rank: shape.count)), ("transpose_x", .bool(false)),
          ("transpose_y", .bool(false)),
        ], named: name, shape: shape)
      return
    }
    let (inputs, units) = (slot.shape[0], slot.shape[1])
    let kernel = LoweredConstant(
      source: .reversed(slot, inputs: inputs, outputs: units), shape: [units, inputs])
    let weight = try program.constant(kernel, named: graph.constantNames[index])
    var arguments: [(String, Argument)] = [("weight", .value(weight))]
    if step.inputs.count > 2 { arguments.append(("bias", .value(try self.name(step.inputs[2])))) }
    guard shape.count > 3 else {
      program.add(
        "linear", [("x", .value(valueNames[value.index]))] + arguments, named: name, shape: shape)
      return
    }
    let rows = shape.dropFirst().dropLast().reduce(1, *)
    let flat = program.add(
      "reshape", [("x", .value(valueNames[value.index])), ("shape", .ints([1, rows, inputs]))],
      named: between(name, "rows"), shape: [1, rows, inputs])
    let product = program.add(
      "linear", [("x", .value(flat))] + arguments, named: between(name, "product"), shape: [1, rows, units])
    program.add("reshape", [("x", .value(product)), ("shape", .ints(shape))], named: name, shape: shape)
  }

  // MARK: Norms

  /// Core ML's norm is of images; of vectors it is a product and a sum.
  mutating func translateNorm(_ step: LoweredGraph.Step, _ epsilon: Double) throws {
    program.add(
      "batch_norm",
      [
        ("x", .value(try name(step.inputs[0]))), ("mean", .value(try name(step.inputs[3]))),
        ("variance", .value(try name(step.inputs[4]))), ("gamma", .value(try name(step.inputs[1]))),
        ("beta", .value(try name(step.inputs[2]))), ("epsilon", .float(representable(epsilon))),
      ], named: valueNames[step.output.index], shape: shape(step.output))
  }

  // MARK: Functions of each value

  mutating func translate(_ function: LoweredGraph.Unary, _ step: LoweredGraph.Step) throws {
    let x = Argument.value(try name(step.inputs[0]))
    let name = valueNames[step.output.index]
    let shape = shape(step.output)
    func add(_ operation: String, _ others: [(String, Argument)] = []) {
      program.add(operation, [("x", x)] + others, named: name, shape: shape)
    }
    switch function {
    case .identity: add("identity")
    case .relu: add("relu")
    case .erf: add("erf")
    case .sigmoid: add("sigmoid")
    case .tanh: add("tanh")
    case .softplus: add("softplus")
    case .softsign: add("softsign")
    case .exponential: add("exp")
    case .squareRoot: add("sqrt")
    // Without an epsilon stated, both would add one of their own.
    case .logarithm: add("log", [("epsilon", .float(0))])
    case .reciprocal: add("inverse", [("epsilon", .float(0))])
    case .silu: add("silu")
    case .gelu(let approximate): add("gelu", [("mode", .text(approximate ? "TANH_APPROXIMATION" : "EXACT"))])
    case .leakyRelu(let slope): add("leaky_relu", [("alpha", .float(slope))])
    case .elu(let alpha): add("elu", [("alpha", .float(alpha))])
    case .hardSigmoid(let slope): add("sigmoid_hard", [("alpha", .float(slope)), ("beta", .float(0.5))])
    case .selu:
      let elu = program.add(
        "elu", [("x", x), ("alpha", .float(1.6732632423543772))], named: between(name, "elu"), shape: shape)
      program.add(
        "mul", [("x", .value(elu)), ("y", .float(1.0507009873554805))], named: name, shape: shape)
    case .hardSwish:
      let gate = program.add(
        "sigmoid_hard", [("x", x), ("alpha", .float(1.0 / 6)), ("beta", .float(0.5))],
        named: between(name, "gate"), shape: shape)
      program.add("mul", [("x", x), ("y", .value(gate))], named: name, shape: shape)
    case .thresholded(let threshold):
      // The operation of that name keeps the threshold itself.
      let above = program.add(
        "greater", [("x", x), ("y", .float(threshold))], named: between(name, "above"), shape: shape,
        type: .bool)
      program.add(
        "select", [("cond", .value(above)), ("a", x), ("b", .float(0))], named: name, shape: shape)
    }
  }

  /// With a slope for each place of axis 1 there is an operation of its own.
  mutating func translatePReLU(_ step: LoweredGraph.Step) throws {
    let x = Argument.value(try name(step.inputs[0]))
    let name = valueNames[step.output.index]
    let shape = shape(step.output)
    let slopes = self.shape(step.inputs[1])
    if shape.count == 4, slopes == [shape[1], 1, 1] {
      let alpha = try self.name(step.inputs[1], shape: [shape[1]])
      program.add("prelu", [("x", x), ("alpha", .value(alpha))], named: name, shape: shape)
      return
    }
    let positive = program.add("relu", [("x", x)], named: between(name, "positive"), shape: shape)
    let negative = program.add(
      "minimum", [("x", x), ("y", .float(0))], named: between(name, "negative"), shape: shape)
    let scaled = program.add(
      "mul", [("x", .value(negative)), ("y", try broadcast(step.inputs[1], rank: shape.count))],
      named: between(name, "scaled"), shape: shape)
    program.add("add", [("x", .value(positive)), ("y", .value(scaled))], named: name, shape: shape)
  }

  static func type(of function: LoweredGraph.Binary) -> String {
    switch function {
    case .add: "add"
    case .subtract: "sub"
    case .multiply: "mul"
    case .divide: "real_div"
    case .maximum: "maximum"
    case .minimum: "minimum"
    case .prelu: "prelu"
    }
  }

  // MARK: What moves values

  mutating func translateShaping(_ step: LoweredGraph.Step) throws {
    let x = Argument.value(try name(step.inputs[0]))
    let name = valueNames[step.output.index]
    let shape = shape(step.output)
    func add(_ operation: String, _ arguments: [(String, Argument)]) {
      program.add(operation, arguments, named: name, shape: shape)
    }
    switch step.kind {
    case .pad(let before, let after):
      // Of the last axes alone, from the first that gets longer.
      let first = zip(before, after).prefix { $0 == 0 && $1 == 0 }.count
      let pads = zip(before, after).dropFirst(first).flatMap { [$0, $1] }
      add(
        "pad", [("x", x), ("pad", .ints(pads)), ("mode", .text("constant")), ("constant_val", .float(0))])
    case .slice(let axes, let starts, let ends):
      var (begin, end) = ([Int](repeating: 0, count: shape.count), self.shape(step.inputs[0]))
      for (index, axis) in axes.enumerated() { (begin[axis], end[axis]) = (starts[index], ends[index]) }
      add("slice_by_index", [("x", x), ("begin", .ints(begin)), ("end", .ints(end))])
    case .repeatPixels(let factors):
      add(
        "upsample_nearest_neighbor",
        [
          ("x", x), ("scale_factor_height", .int(factors.height)),
          ("scale_factor_width", .int(factors.width)),
        ])
    case .bilinear(_, let size):
      add(
        "resize_bilinear",
        [
          ("x", x), ("target_size_height", .int(size.height)), ("target_size_width", .int(size.width)),
          ("sampling_mode", .text("UNALIGN_CORNERS")),
        ])
    case .gather(let axis, let indices):
      add("gather", [("x", x), ("indices", .ints(indices)), ("axis", .int(axis)), ("batch_dims", .int(0))])
    case .concatenate(let axis):
      let values = try step.inputs.map { try self.name($0) }
      add("concat", [("values", .values(values)), ("axis", .int(axis)), ("interleave", .bool(false))])
    case .reshape: add("reshape", [("x", x), ("shape", .ints(shape))])
    case .transpose(let order): add("transpose", [("x", x), ("perm", .ints(order))])
    default: break
    }
  }
}
