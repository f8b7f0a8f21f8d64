import CZooKernels
import ZooGraph
import ZooTensor

// Layers without a matrix product: norms, activations, sums and pooling.

extension Planner {
  /// A batch normalization that no convolution could take in.
  mutating func planNorm(_ index: Int, _ norm: BatchNormalization) throws(RuntimeError) {
    let source = graph.nodes[index].inputs[0].index
    let input = try place(of: source)
    let fusion = fuse(after: index, rules: .clampOnly)
    didRead(source)
    let output = outputPlace(for: fusion.result, over: input)
    var arguments = zoo_elementwise()
    arguments.a_pixel = input.pixel
    arguments.out_pixel = output.pixel
    arguments.channels = Int32(input.channels)
    (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
    append(
      Step(
        layers: fusion.layers, algorithm: "scale and shift", multiplications: 0,
        arguments: .affine(arguments),
        units: input.pixels, chunk: chunk(input.pixels), inputs: [input], output: output,
        weights: WeightRequest(
          layout: .affine(channels: input.channels),
          norms: [Norm(operation: norm, slots: graph.nodes[index].weights)])))
    finish(fusion, in: output)
  }

  mutating func planActivation(_ index: Int, _ activation: Activation) throws(RuntimeError) {
    let source = graph.nodes[index].inputs[0].index
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
    arguments.max_value = .infinity
    arguments.threshold = -.infinity
    var algorithm = "relu"
    arguments.function = Int32(zoo_relu)
    switch activation {
    case .linear: break
    case .relu(let maxValue, let negativeSlope, let threshold):
      arguments.max_value = maxValue.map(Float.init) ?? .infinity
      arguments.negative_slope = Float(negativeSlope)
      arguments.threshold = Float(threshold)
    case .sigmoid: (arguments.function, algorithm) = (Int32(zoo_sigmoid), "sigmoid")
    case .tanh: (arguments.function, algorithm) = (Int32(zoo_tanh), "tanh")
    case .softmax: (arguments.function, algorithm) = (Int32(zoo_softmax), "softmax")
    }
    append(
      Step(
        layers: layers, algorithm: algorithm, multiplications: 0, arguments: .activation(arguments),
        units: input.pixels, chunk: chunk(input.pixels), inputs: [input], output: output))
  }

  /// A sum of any number of inputs, two at a time.
  mutating func planAdd(_ index: Int) throws(RuntimeError) {
    let inputs = graph.nodes[index].inputs.map(\.index)
    var places: [Place] = []
    for input in inputs { places.append(try place(of: input)) }
    let fusion = fuse(after: index, rules: .clampOnly)
    for input in inputs { didRead(input) }
    // The first sum is written when all other inputs are still to be read.
    let output = outputPlace(for: fusion.result, over: places.count == 2 ? places[0] : nil)
    var left = places[0]
    for (position, right) in places.enumerated().dropFirst() {
      let isLast = position == places.count - 1
      var arguments = zoo_elementwise()
      arguments.a_pixel = left.pixel
      arguments.b_pixel = right.pixel
      arguments.out_pixel = output.pixel
      arguments.channels = Int32(output.channels)
      (arguments.lo, arguments.hi) = isLast ? (fusion.lo, fusion.hi) : (-.infinity, .infinity)
      append(
        Step(
          layers: fusion.layers, algorithm: "add", multiplications: 0, arguments: .add(arguments),
          units: output.pixels, chunk: chunk(output.pixels), inputs: [left, right], output: output))
      left = output
    }
    finish(fusion, in: output)
  }

  mutating func planPooling(_ index: Int, _ pooling: Pooling, average: Bool) throws(RuntimeError) {
    let source = graph.nodes[index].inputs[0].index
    var view = try view(of: source)
    let (height, width, _) = graph[graph.nodes[index].inputs[0]].shape.image
    var edges = pooling.padding.edges(
      height: height, width: width, window: pooling.window, strides: pooling.strides, dilation: .one)
    // Zeros of a padding layer count, those of the pooling itself don't: a kernel has one kind.
    if view.rectified || (edges != .none && view.edges != .none) {
      view = View(source: try place(of: source))
    }
    let zeros = view.isPadded
    edges = edges + view.edges
    let output = outputPlace(for: index)
    var arguments = zoo_pooling()
    arguments.window.setExtents(from: view.source, to: output)
    arguments.window.setWindow(pooling.window, strides: pooling.strides, dilation: .one, edges: edges)
    arguments.channels = Int32(output.channels)
    arguments.average = average ? 1 : 0
    arguments.zeros = zeros ? 1 : 0
    append(
      Step(
        layers: [graph.nodes[index].name], algorithm: average ? "average pool" : "max pool",
        multiplications: 0, arguments: .pooling(arguments), units: output.height, chunk: chunk(output.height),
        inputs: [view.source], output: output))
    bind(index, to: .place(output))
    didRead(source)
    didProduce(index)
  }

  mutating func planGlobalPooling(_ index: Int, average: Bool) throws(RuntimeError) {
    let source = graph.nodes[index].inputs[0].index
    let input = try place(of: source)
    let output = outputPlace(for: index)
    var arguments = zoo_global_pooling()
    arguments.in_pixel = input.pixel
    arguments.in_row = input.row
    arguments.height = Int32(input.height)
    arguments.width = Int32(input.width)
    arguments.channels = Int32(input.channels)
    arguments.average = average ? 1 : 0
    let units = (input.channels + 15) / 16
    append(
      Step(
        layers: [graph.nodes[index].name], algorithm: average ? "global average" : "global maximum",
        multiplications: 0, arguments: .globalPooling(arguments), units: units, chunk: chunk(units),
        inputs: [input], output: output))
    bind(index, to: .place(output))
    didRead(source)
    didProduce(index)
  }
}

extension zoo_window {
  /// A 1x1 window of stride 1 from one image to another.
  mutating func setExtents(from input: Place, to output: Place) {
    in_height = Int32(input.height)
    in_width = Int32(input.width)
    in_pixel = input.pixel
    in_row = input.row
    out_height = Int32(output.height)
    out_width = Int32(output.width)
    out_pixel = output.pixel
    setWindow(.one, strides: .one, dilation: .one, edges: .none)
  }

  mutating func setWindow(_ window: Extent2D, strides: Extent2D, dilation: Extent2D, edges: Edges) {
    kernel_height = Int32(window.height)
    kernel_width = Int32(window.width)
    stride_height = Int32(strides.height)
    stride_width = Int32(strides.width)
    dilation_height = Int32(dilation.height)
    dilation_width = Int32(dilation.width)
    pad_top = Int32(edges.top)
    pad_left = Int32(edges.left)
  }
}
