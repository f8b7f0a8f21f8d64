import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Several inputs in one.

extension Planner {
  /// Any number of inputs, two at a time.
  mutating func planMerge(_ index: Int, _ merge: Merge) throws(ZooError) {
    let node = graph.nodes[index]
    let inputs = node.inputs.map(\.index)
    var operands: [(place: Place, pixel: Int)] = []
    for input in inputs { operands.append(try operand(input, of: node)) }
    let fusion = fuse(after: index, rules: .clampOnly)
    for input in inputs { didRead(input) }
    // The first result is written when all other inputs are still to be read.
    let output = outputPlace(for: fusion.result, over: operands.count == 2 ? operands[0].place : nil)
    var left = operands[0]
    for (position, right) in operands.enumerated().dropFirst() {
      let isLast = position == operands.count - 1
      var arguments = zoo_elementwise()
      arguments.a_pixel = left.pixel
      arguments.b_pixel = right.pixel
      arguments.out_pixel = output.pixel
      arguments.channels = Int32(output.channels)
      arguments.factor = 1 / Float(operands.count)
      (arguments.lo, arguments.hi) = isLast ? (fusion.lo, fusion.hi) : (-.infinity, .infinity)
      append(
        Step(
          layers: fusion.layers, algorithm: merge.rawValue, macs: 0,
          arguments: .elementwise(merge == .average && !isLast ? .add : merge.kernel, arguments),
          units: output.pixels, inputs: [left.place, right.place], output: output
        ))
      left = (output, output.pixel)
    }
    finish(fusion, in: output)
  }

  /// An input as the kernels can repeat it: whole, or one vector for all pixels.
  private mutating func operand(
    _ value: Int, of node: Node
  ) throws(ZooError) -> (place: Place, pixel: Int) {
    let shape = graph.nodes[value].shape
    let place = try place(of: value)
    if shape.elementCount == node.shape.elementCount, shape.dimensions.last == node.shape.dimensions.last {
      return (place, place.pixel)
    }
    if place.pixels == 1, shape.elementCount == place.channels, place.channels == node.shape.dimensions.last {
      return (place, 0)
    }
    let (height, width, channels) = node.shape.image
    let whole = newPlace(height: height, width: width, channels: channels, contiguous: false)
    let missing = [Int](repeating: 0, count: node.shape.rank - shape.rank)
    let strides = missing + zip(shape.dimensions, place.strides(of: shape)).map { $0 == 1 ? 0 : $1 }
    try appendStrided(from: place, strides: strides, to: whole, node: node)
    return (whole, whole.pixel)
  }

  mutating func planConcatenation(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    let whole = memory.joined[index] ?? outputPlace(for: index)
    let isReadRectified = isReadRectified(index)
    var slice = whole
    for input in node.inputs {
      let source = try place(of: input.index)
      slice.channels = graph[input].shape.image.channels
      let cutsOff = isReadRectified && !values.rectified.contains(input.index)
      if source != slice || cutsOff {
        append(
          copyStep(from: source, to: slice, layers: [node.name], lo: cutsOff ? 0 : -.infinity))
      }
      slice.offset += slice.channels
    }
    bind(index, to: .place(whole))
    for input in node.inputs { didRead(input.index) }
    if isReadRectified {
      values.rectified.insert(index)
    } else {
      didProduce(index)
    }
  }
}

extension Merge {
  fileprivate var kernel: zoo_kernel_id {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .average: .average
    case .maximum: .maximum
    case .minimum: .minimum
    }
  }
}
