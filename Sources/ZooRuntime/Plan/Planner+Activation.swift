import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Functions of each value.

extension Planner {
  mutating func planActivation(_ index: Int, _ activation: Activation) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    if activation == .relu, values.rectified.contains(source), let state = values.states[source] {
      bind(index, to: state)
      didRead(source)
      didProduce(index)
      return
    }
    if activation == .relu, !pinned.contains(index), readers[index].allSatisfy(readsRectified) {
      var view = try view(of: source)
      view.rectified = true
      bind(index, to: .view(view))
      didRead(source)
      return
    }
    let input = try place(of: source)
    didRead(source)
    let output = outputPlace(for: index, over: input)
    let name = graph.nodes[index].name
    if let (lo, hi) = activation.bounds {
      append(copyStep(from: input, to: output, layers: [name], lo: lo, hi: hi))
    } else {
      appendActivation(activation, from: input, to: output, layers: [name])
    }
    bind(index, to: .place(output))
    didProduce(index)
  }

  /// Appends an activation that no kernel takes in.
  mutating func appendActivation(
    _ activation: Activation, from input: Place, to output: Place, layers: [String]
  ) {
    var arguments = zoo_activation()
    arguments.in_pixel = input.pixel
    arguments.out_pixel = output.pixel
    arguments.channels = Int32(input.channels)
    arguments.set(activation)
    append(
      Step(
        layers: layers, algorithm: activation.name, macs: 0,
        arguments: activation == .softmax ? .softmax(arguments) : .activation(arguments),
        units: input.pixels, inputs: [input], output: output))
  }

  mutating func planRectifier(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    guard let alpha = node.weights.first else { return }
    let source = node.inputs[0].index
    let input = try place(of: source)
    didRead(source)
    let output = outputPlace(for: index, over: input)
    var arguments = zoo_elementwise()
    arguments.a_pixel = input.pixel
    arguments.out_pixel = output.pixel
    arguments.channels = Int32(input.channels)
    (arguments.lo, arguments.hi) = (-.infinity, .infinity)
    let isPerChannel =
      alpha.shape.elementCount == input.channels && alpha.shape.dimensions.last == input.channels
    arguments.b_pixel = isPerChannel ? 0 : input.channels
    append(
      Step(
        layers: [node.name], algorithm: "rectify", macs: 0,
        arguments: .elementwise(.rectify, arguments),
        units: input.pixels, inputs: [input], output: output,
        weights: WeightRequest(
          layout: isPerChannel
            ? .values(count: input.channels) : .repeated(to: node.shape),
          kernel: alpha, channels: input.channels)))
    bind(index, to: .place(output))
    didProduce(index)
  }
}

extension zoo_activation {
  mutating func set(_ activation: Activation) {
    max_value = .infinity
    scale = 1
    let function: Int
    switch activation {
    case .linear, .softmax:
      threshold = -.infinity
      function = Int(zoo_relu)
    case .relu(let maxValue, let slope, let threshold):
      if let maxValue { max_value = Float(maxValue) }
      negative_slope = Float(slope)
      self.threshold = Float(threshold)
      function = Int(zoo_relu)
    case .elu(let alpha):
      self.alpha = Float(alpha)
      function = Int(zoo_elu)
    case .selu:
      alpha = Float(Activation.seluAlpha)
      scale = Float(Activation.seluScale)
      function = Int(zoo_elu)
    case .gelu(let approximate): function = Int(approximate ? zoo_gelu_tanh : zoo_gelu)
    case .silu: function = Int(zoo_silu)
    case .sigmoid: function = Int(zoo_sigmoid)
    case .hardSigmoid(let slope):
      self.slope = Float(slope)
      function = Int(zoo_hard_sigmoid)
    case .hardSilu: function = Int(zoo_hard_silu)
    case .tanh: function = Int(zoo_tanh)
    case .softplus: function = Int(zoo_softplus)
    case .softsign: function = Int(zoo_softsign)
    case .exponential: function = Int(zoo_exponential)
    case .mish: function = Int(zoo_mish)
    case .squareRoot: function = Int(zoo_square_root)
    case .logarithm: function = Int(zoo_logarithm)
    case .reciprocal: function = Int(zoo_reciprocal)
    }
    self.function = Int32(function)
  }
}
