import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Layers that do what another one does, with something before or after it.
extension KerasLayer {
  /// What a layer computes of images whose channels come first: `inner` of them with their channels last.
  func channelsFirst(
    _ inputs: [Shape?], _ inner: ([Shape?]) throws(ZooError) -> [KerasStep]
  ) throws(ZooError) -> [KerasStep] {
    var shapes: [Shape] = []
    for index in inputs.indices { shapes.append(try shape(inputs, index)) }
    var c = KerasComposition(of: name, reading: shapes)
    var moved: [Value] = []
    var movedShapes: [Shape] = []
    for (value, shape) in zip(c.inputs, shapes) {
      let last =
        shape.rank > 1 ? c.permute(value, KerasLayer.order(movingToEnd: [0], rank: shape.rank)) : value
      moved.append(last)
      movedShapes.append(try c.shape(last))
    }
    let result = c.embed(try inner(movedShapes), moved)
    let rank = try c.shape(result).rank
    guard rank > 1, rank == shapes.first?.rank else { return c.steps(to: result) }
    let order = KerasLayer.order(movingToEnd: [0], rank: rank)
    return c.steps(to: c.permute(result, KerasLayer.inverse(order)))
  }

  /// The name of the layer's activation function, where that is several operations.
  var composedActivation: String? {
    let name = members["activation"]?.string ?? members["activation"]?["config"]?.string
    return name.flatMap { KerasLayer.composedActivations.contains($0) ? $0 : nil }
  }

  /// The layer with such a function behind it.
  func steps(
    endingIn activation: String, _ call: KerasCall, inputs: [Shape?]
  ) throws(ZooError) -> [KerasStep] {
    var c = KerasComposition(of: name, reading: [try shape(inputs)])
    var value = c.inputs[0]
    if className != "Activation" {
      value = c.embed(try with("activation", .string("linear")).steps(call, inputs: inputs), [value])
    }
    guard let result = try composed(activation, value, &c, argument: { _ in nil }) else {
      throw unsupportedFunction(activation)
    }
    return c.steps(to: result)
  }

  /// The middle of an image; of one that is too small the largest part with the wanted sides' ratio, resized.
  func centerCrop(inputs: [Shape?]) throws(ZooError) -> [KerasStep] {
    let image = try imageSize(inputs)
    let size = Extent2D(try integer("height"), try integer("width"))
    guard size.height > 0, size.width > 0, size.height <= 1 << 20, size.width <= 1 << 20,
      image.height <= 1 << 20, image.width <= 1 << 20
    else { throw unsupported("its size is \(size.height)x\(size.width)") }
    var c = KerasComposition(of: name, reading: [try shape(inputs)])
    func middle(_ part: Extent2D) -> Value {
      let (top, left) = ((image.height - part.height) / 2, (image.width - part.width) / 2)
      let edges = Edges(
        top: top, bottom: image.height - part.height - top, left: left,
        right: image.width - part.width - left)
      return edges == .none ? c.inputs[0] : c.add(.cropping(edges), c.inputs[0])
    }
    if size.height <= image.height, size.width <= image.width { return c.steps(to: middle(size)) }
    let part = Extent2D(
      max(min(image.height, image.width * size.height / size.width), 1),
      max(min(image.width, image.height * size.width / size.height), 1))
    return c.steps(to: c.add(.resize(Resize(size: size, interpolation: .bilinear)), middle(part)))
  }
}
