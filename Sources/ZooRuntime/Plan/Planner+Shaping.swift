import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Values under another name, in another order or at another size.

extension Planner {
  mutating func planAlias(_ index: Int) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    if pinned.contains(index) { _ = try place(of: source) }
    if let state = values.states[source] { bind(index, to: state) }
    didRead(source)
    if case .place = values.states[index] { didProduce(index) }
  }

  mutating func planReshape(_ index: Int) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    let (height, width, channels) = graph.nodes[index].shape.image
    var place = try contiguousPlace(of: source, layers: [graph.nodes[index].name])
    place.height = height
    place.width = width
    place.channels = channels
    place.pixel = channels
    bind(index, to: .place(place))
    didRead(source)
    didProduce(index)
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
  mutating func appendStrided(
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
        layers: [node.name], algorithm: "strided copy", macs: 0, arguments: .strided(arguments),
        units: output.pixels, inputs: [input], output: output))
  }

  mutating func planResize(_ index: Int, _ resize: Resize) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    let input = try place(of: source)
    let output = outputPlace(for: index)
    guard resize.isSimple else {
      appendResampling(index, resize, from: input, to: output)
      bind(index, to: .place(output))
      didRead(source)
      didProduce(index)
      return
    }
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
        layers: [graph.nodes[index].name], algorithm: "resize", macs: 0,
        arguments: .resize(arguments), units: output.height, inputs: [input],
        output: output))
    bind(index, to: .place(output))
    didRead(source)
    didProduce(index)
  }
}

extension Planner {
  /// Rows first, then columns.
  fileprivate mutating func appendResampling(
    _ index: Int, _ resize: Resize, from input: Place, to output: Place
  ) {
    let name = graph.nodes[index].name
    let middle = newPlace(
      height: output.height, width: input.width, channels: input.channels, contiguous: true)
    var rows = zoo_resample()
    (rows.in_step, rows.in_line) = (input.row, input.pixel)
    (rows.out_step, rows.out_line) = (middle.row, middle.pixel)
    rows.lines = Int32(input.width)
    rows.channels = Int32(input.channels)
    appendResampling(rows, name, resize, output.height, of: input.height, from: input, to: middle)
    var columns = zoo_resample()
    (columns.in_step, columns.in_line) = (middle.pixel, middle.row)
    (columns.out_step, columns.out_line) = (output.pixel, output.row)
    columns.lines = Int32(output.height)
    columns.channels = Int32(output.channels)
    appendResampling(columns, name, resize, output.width, of: middle.width, from: middle, to: output)
  }

  private mutating func appendResampling(
    _ arguments: zoo_resample, _ name: String, _ resize: Resize, _ count: Int, of extent: Int,
    from input: Place, to output: Place
  ) {
    var arguments = arguments
    let taps = resize.tapCount(output: count, input: extent)
    arguments.taps = Int32(taps)
    append(
      Step(
        layers: [name], algorithm: "resample", macs: 0, arguments: .resample(arguments), units: count,
        inputs: [input], output: output,
        weights: WeightRequest(
          layout: .taps(resize, output: count, input: extent, each: taps), channels: count)))
  }
}

extension Place {
  /// Floats from one step to the next along each axis of a value of `shape` that lies here.
  func strides(of shape: Shape) -> [Int] {
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
