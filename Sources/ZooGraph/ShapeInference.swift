import ZooSystem
import ZooTensor

extension Operation {
  /// The shape of the output for one example, after checking that the operation is possible.
  func outputShape(of layer: String, inputs: [Shape]) throws(ZooError) -> Shape {
    let payload = payload
    guard payload.arity.contains(inputs.count) else {
      throw ZooError.invalidNetwork(
        layer: layer, "it has \(inputs.count) inputs, expected \(payload.arity.lowerBound)")
    }
    return try payload.outputShape(LayerInputs(layer: layer, shapes: inputs))
  }
}

/// The shapes that a layer reads, and the checks that its payload makes; every error names the layer.
struct LayerInputs {
  /// The largest extent of an axis, window, stride or padding: keeps every later sum and product small.
  static let extentLimit = 1 << 30

  /// The largest side of a window, stride or dilation.
  static let windowLimit = 1 << 20

  let layer: String
  let shapes: [Shape]

  /// The only input of most layers. A payload that takes no input must not ask for it.
  var first: Shape { shapes[0] }

  func invalid(_ why: String) -> ZooError { ZooError.invalidNetwork(layer: layer, why) }

  // MARK: What is read

  /// The first input, which must be an image.
  func image() throws(ZooError) -> (height: Int, width: Int, channels: Int) {
    guard first.rank == 3 else { throw invalid("it needs an image (H, W, C), not \(first)") }
    return (first[0], first[1], first[2])
  }

  /// The first input, which must have a last axis.
  func vectors(_ why: String = "it needs at least one axis") throws(ZooError) -> Shape {
    guard first.rank >= 1 else { throw invalid(why) }
    return first
  }

  // MARK: What is computed

  /// An output of these extents.
  func shape(_ extents: [Int]) throws(ZooError) -> Shape {
    guard extents.allSatisfy({ $0 > 0 && $0 <= LayerInputs.extentLimit }),
      let shape = Shape(checking: extents)
    else { throw invalid("its output would have the shape \(extents)") }
    return shape
  }

  /// The output channels of a depthwise convolution.
  func product(_ channels: Int, multiplier: Int) throws(ZooError) -> Int {
    guard multiplier > 0, multiplier <= LayerInputs.extentLimit else {
      throw invalid("the multiplier is \(multiplier)")
    }
    return channels * multiplier
  }

  /// How many windows fit the image, in rows and columns.
  func windows(
    _ window: Extent2D, strides: Extent2D, dilation: Extent2D = .one, padding: Padding
  ) throws(ZooError) -> Extent2D {
    let (height, width, _) = try image()
    try check(window, strides, dilation)
    if case .explicit(let edges) = padding { try check(edges) }
    let edges = padding.edges(
      height: height, width: width, window: window, strides: strides, dilation: dilation)
    let span = Extent2D((window.height - 1) * dilation.height + 1, (window.width - 1) * dilation.width + 1)
    let padded = Extent2D(height + edges.top + edges.bottom, width + edges.left + edges.right)
    guard padded.height >= span.height, padded.width >= span.width else {
      throw invalid(
        "a window of \(span.height)x\(span.width) does not fit an image of \(padded.height)x\(padded.width)")
    }
    return Extent2D(
      (padded.height - span.height) / strides.height + 1, (padded.width - span.width) / strides.width + 1)
  }

  // MARK: Checks of parameters

  func check(epsilon: Double) throws(ZooError) {
    guard epsilon.isFinite, epsilon >= 0 else { throw invalid("epsilon is \(epsilon)") }
  }

  func check(_ edges: Edges) throws(ZooError) {
    for amount in [edges.top, edges.bottom, edges.left, edges.right] {
      guard amount >= 0, amount <= LayerInputs.extentLimit else {
        throw invalid("an edge of \(amount) pixels")
      }
    }
  }

  /// Windows, strides and dilations.
  func check(_ extents: Extent2D...) throws(ZooError) {
    for extent in extents {
      for side in [extent.height, extent.width] where side < 1 || side > LayerInputs.windowLimit {
        throw invalid("a window, stride or dilation of \(side)")
      }
    }
  }
}
