import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Norms that no other layer's step takes in.

extension Planner {
  /// A norm by channel that no convolution could take in.
  mutating func planChannelMap(_ index: Int) throws(ZooError) {
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
        layers: fusion.layers, algorithm: "scale and shift", macs: 0,
        arguments: .elementwise(.affine, arguments),
        units: input.pixels, inputs: [input], output: output,
        weights: WeightRequest(
          layout: .affine(channels: input.channels), channels: input.channels,
          norms: [ChannelMap(graph.nodes[index])].compactMap(\.self))))
    finish(fusion, in: output)
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
        layers: [node.name], algorithm: "layer normalization", macs: 0,
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
