import ZooGraph

/// One operator of an ONNX graph.
struct ONNXNode {
  enum Attribute {
    case int(Int)
    case float(Double)
    case text(String)
    case ints([Int])
  }

  /// What it reads besides values and weights; the graph gets an initializer for each.
  enum Input {
    case named(String)
    /// Left out.
    case none
    case ints([Int])
    case floats([Float])
    case scalar(Float)
  }

  let type: String
  let inputs: [Input]
  let attributes: [(name: String, value: Attribute)]

  init(_ type: String, _ inputs: [Input], _ attributes: [(String, Attribute)] = []) {
    self.type = type
    self.inputs = inputs
    self.attributes = attributes.map { (name: $0.0, value: $0.1) }
  }
}

extension ONNXNode {
  /// The operator of opset 17 that computes what a step does, of operands of these names.
  ///
  /// - Parameter isFoldable: whether padding may become that of the operator that reads it.
  init(_ kind: LoweredGraph.Kind, of operands: [String], isFoldable: Bool) {
    let inputs = operands.map { Input.named($0) }
    switch kind {
    case .convolution(let strides, let dilation, let edges, let groups):
      self.init(
        "Conv", inputs,
        [
          ("strides", strides.attribute), ("dilations", dilation.attribute), ("pads", edges.attribute),
          ("group", .int(groups)),
        ])
    case .transposedConvolution(let strides, let dilation, let edges):
      self.init(
        "ConvTranspose", inputs,
        [("strides", strides.attribute), ("dilations", dilation.attribute), ("pads", edges.attribute)])
    case .product: self.init("MatMul", inputs)
    case .productWithBias: self.init("Gemm", inputs)
    case .batchNormalization(let epsilon):
      self.init("BatchNormalization", inputs, [("epsilon", .float(epsilon))])
    case .layerNormalization(let axes, let epsilon):
      self.init("LayerNormalization", inputs, [("axis", .int(-axes)), ("epsilon", .float(epsilon))])
    case .unary(let function): self = Self.unary(function, inputs)
    case .binary(let function): self.init(Self.type(of: function), inputs)
    case .clip(let lower, let upper):
      self.init("Clip", inputs + [.scalar(Float(lower)), .scalar(Float(upper))])
    case .softmax(let axis): self.init("Softmax", inputs, [("axis", .int(axis))])
    case .pooling(let reduction, let window, let strides, let edges):
      self.init(
        reduction == .mean ? "AveragePool" : "MaxPool", inputs,
        [("kernel_shape", window.attribute), ("strides", strides.attribute), ("pads", edges.attribute)]
          // The default, stated for readers.
          + (reduction == .mean ? [("count_include_pad", .int(0))] : []))
    case .reduce(let reduction, let axes, let keepsAxes):
      self.init(
        reduction == .mean ? "ReduceMean" : "ReduceMax", inputs,
        [("axes", .ints(axes)), ("keepdims", .int(keepsAxes ? 1 : 0))])
    case .pad(let before, let after):
      // ONNX Runtime (1.31) folds zeros into a MaxPool, where they no longer count. It looks at the bits, and the zero
      // with a sign has others.
      self.init("Pad", inputs + [.ints(before + after)] + (isFoldable ? [] : [.scalar(-0.0)]))
    case .slice(let axes, let starts, let ends):
      self.init("Slice", inputs + [.ints(starts), .ints(ends), .ints(axes)])
    case .repeatPixels(let factors):
      self.init(
        "Resize", inputs + [.none, .floats([1, 1, Float(factors.height), Float(factors.width)])],
        [
          ("mode", .text("nearest")), ("coordinate_transformation_mode", .text("asymmetric")),
          ("nearest_mode", .text("floor")),
        ])
    case .bilinear(let from, let to):
      let scales = [1, 1, Float(to.height) / Float(from.height), Float(to.width) / Float(from.width)]
      self.init(
        "Resize", inputs + [.none, .floats(scales)],
        [("mode", .text("linear")), ("coordinate_transformation_mode", .text("half_pixel"))])
    case .gather(let axis, let indices):
      self.init("Gather", inputs + [.ints(indices)], [("axis", .int(axis))])
    case .concatenate(let axis): self.init("Concat", inputs, [("axis", .int(axis))])
    // 0 stands for the extent that the batch has.
    case .reshape(let shape): self.init("Reshape", inputs + [.ints([0] + shape)])
    case .transpose(let order): self.init("Transpose", inputs, [("perm", .ints(order))])
    }
  }

  private static func unary(_ function: LoweredGraph.Unary, _ inputs: [Input]) -> ONNXNode {
    switch function {
    case .identity: ONNXNode("Identity", inputs)
    case .relu: ONNXNode("Relu", inputs)
    case .selu: ONNXNode("Selu", inputs)
    case .erf: ONNXNode("Erf", inputs)
    case .sigmoid: ONNXNode("Sigmoid", inputs)
    case .tanh: ONNXNode("Tanh", inputs)
    case .softplus: ONNXNode("Softplus", inputs)
    case .softsign: ONNXNode("Softsign", inputs)
    case .exponential: ONNXNode("Exp", inputs)
    case .squareRoot: ONNXNode("Sqrt", inputs)
    case .logarithm: ONNXNode("Log", inputs)
    case .reciprocal: ONNXNode("Reciprocal", inputs)
    case .hardSwish: ONNXNode("HardSwish", inputs)
    case .leakyRelu(let slope): ONNXNode("LeakyRelu", inputs, [("alpha", .float(slope))])
    case .thresholded(let threshold): ONNXNode("ThresholdedRelu", inputs, [("alpha", .float(threshold))])
    case .elu(let alpha): ONNXNode("Elu", inputs, [("alpha", .float(alpha))])
    case .hardSigmoid(let slope):
      ONNXNode("HardSigmoid", inputs, [("alpha", .float(slope)), ("beta", .float(0.5))])
    case .gelu, .silu: preconditionFailure("they are several steps for ONNX")
    }
  }

  private static func type(of function: LoweredGraph.Binary) -> String {
    switch function {
    case .add: "Add"
    case .subtract: "Sub"
    case .multiply: "Mul"
    case .divide: "Div"
    case .maximum: "Max"
    case .minimum: "Min"
    case .prelu: "PRelu"
    }
  }
}

extension Extent2D {
  fileprivate var attribute: ONNXNode.Attribute { .ints([height, width]) }
}

extension Edges {
  /// All beginnings, then all ends.
  fileprivate var attribute: ONNXNode.Attribute { .ints([top, left, bottom, right]) }
}
