import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Functions of each value, and normalization of each vector.

extension Planner {
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
        layers: layers, algorithm: activation.name, multiplications: 0,
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
        layers: [node.name], algorithm: "rectify", multiplications: 0, arguments: .rectify(arguments),
        units: input.pixels, inputs: [input], output: output,
        weights: WeightRequest(
          layout: isPerChannel
            ? .values(count: input.channels) : .repeated(to: node.shape),
          kernel: alpha, channels: input.channels)))
    bind(index, to: .place(output))
    didProduce(index)
  }

  mutating func planLayerNorm(_ index: Int, _ norm: LayerNormalization) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let length = node.shape.dimensions.suffix(norm.axes).reduce(1, *)
    // Over more than one axis a vector is several pixels, which then must lie side by side.
    let isPixel = norm.axes == 1
    let input = isPixel ? try place(of: source) : try contiguousPlace(of: source, layers: [node.name])
    didRead(source)
    var output = isPixel ? outputPlace(for: index, over: input) : newPlace(like: input)
    let (height, width, channels) = node.shape.image
    var arguments = zoo_layer_norm()
    arguments.in_pixel = isPixel ? input.pixel : length
    arguments.out_pixel = isPixel ? output.pixel : length
    arguments.channels = Int32(length)
    arguments.epsilon = Float(norm.epsilon)
    let vectors = node.shape.elementCount / length
    append(
      Step(
        layers: [node.name], algorithm: "layer normalization", multiplications: 0,
        arguments: .layerNorm(arguments), units: vectors, inputs: [input],
        output: output,
        weights: WeightRequest(
          layout: .values(count: length), kernel: node.weights.first { $0.role == .gamma },
          bias: node.weights.first { $0.role == .beta }, channels: length)))
    (output.height, output.width, output.channels) = (height, width, channels)
    bind(index, to: .place(output))
    didProduce(index)
  }

  /// A new buffer for values of the same extents, with nothing between its pixels.
  private mutating func newPlace(like place: Place) -> Place {
    newPlace(height: place.height, width: place.width, channels: place.channels, contiguous: true)
  }
}

extension zoo_activation {
  fileprivate mutating func set(_ activation: Activation) {
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
    }
    self.function = Int32(function)
  }
}
