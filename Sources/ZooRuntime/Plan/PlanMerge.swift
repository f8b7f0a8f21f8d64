import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Several inputs in one, and values in another order or size.

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
          layers: fusion.layers, algorithm: merge.rawValue, multiplications: 0,
          arguments: .merge(merge == .average && !isLast ? .add : merge, arguments),
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

  mutating func planPermutation(_ index: Int, _ order: [Int]) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let input = try place(of: source)
    let strides = input.strides(of: graph.nodes[source].shape)
    let output = outputPlace(for: index)
    try appendStrided(from: input, strides: order.map { strides[$0] }, to: output, node: node)
    bind(index, to: .place(output))
    didRead(source)
    didProduce(index)
  }

  /// Copies into `output`, of the node's shape, whose axes go through the input in `strides`.
  private mutating func appendStrided(
    from input: Place, strides: [Int], to output: Place, node: Node
  ) throws(ZooError) {
    let extents = node.shape.dimensions.dropLast()
    guard extents.count <= Int(zoo_axes_limit) else {
      throw ZooError(
        .cannotRun, what: "cannot run", at: "layer '\(node.name)'", "it has \(node.shape.rank) axes")
    }
    var arguments = zoo_strided()
    arguments.out_pixel = output.pixel
    arguments.channels = Int32(output.channels)
    arguments.channel_stride = strides.last ?? 0
    arguments.axes = Int32(extents.count)
    withUnsafeMutableBytes(of: &arguments.extents) { bytes in
      let target = bytes.assumingMemoryBound(to: Int32.self)
      for (axis, extent) in extents.enumerated() { target[axis] = Int32(extent) }
    }
    withUnsafeMutableBytes(of: &arguments.strides) { bytes in
      let target = bytes.assumingMemoryBound(to: Int.self)
      for axis in extents.indices { target[axis] = strides[axis] }
    }
    append(
      Step(
        layers: [node.name], algorithm: "strided copy", multiplications: 0, arguments: .strided(arguments),
        units: output.pixels, inputs: [input], output: output))
  }

  mutating func planResize(_ index: Int, _ resize: Resize) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    let input = try place(of: source)
    let output = outputPlace(for: index)
    var arguments = zoo_resize()
    arguments.in_pixel = input.pixel
    arguments.in_row = input.row
    arguments.out_pixel = output.pixel
    arguments.in_height = Int32(input.height)
    arguments.in_width = Int32(input.width)
    arguments.out_height = Int32(output.height)
    arguments.out_width = Int32(output.width)
    arguments.channels = Int32(output.channels)
    arguments.bilinear = resize.interpolation == .bilinear ? 1 : 0
    append(
      Step(
        layers: [graph.nodes[index].name], algorithm: "resize", multiplications: 0,
        arguments: .resize(arguments), units: output.height, inputs: [input],
        output: output))
    bind(index, to: .place(output))
    didRead(source)
    didProduce(index)
  }
}

extension Place {
  /// Floats from one step to the next along each axis of a value of `shape` that lies here.
  fileprivate func strides(of shape: Shape) -> [Int] {
    guard shape.rank > 0 else { return [] }
    var strides = [1]
    var stride = pixel
    for extent in shape.dimensions.dropLast().reversed() {
      strides.append(stride)
      stride *= extent
    }
    return strides.reversed()
  }
}
