import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Pooling over windows and over whole images.

extension Planner {
  mutating func planPooling(_ index: Int, _ pooling: Pooling, average: Bool) throws(ZooError) {
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
    var arguments = zoo_pooling()
    arguments.factor = 1
    var layers: [String] = []
    var last = index
    if let (twin, sum) = doubling(of: index) {
      // The same twice is twice the same, to the bit.
      arguments.factor = 2
      layers = [graph.nodes[index].name, graph.nodes[twin].name]
      swallowed.formUnion([twin, sum])
      didRead(source)
      last = sum
    }
    var fusion = fuse(after: last, rules: arguments.factor == 1 ? .sumAndClamp : .clampOnly)
    fusion.layers = layers + fusion.layers
    // What is read is not written over: its neighbours are still to come.
    let output = outputPlace(for: fusion.result, over: fusion.residual)
    didRead(source)
    arguments.residual_pixel = fusion.residual?.pixel ?? 0
    (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
    arguments.window.setExtents(from: view.source, to: output)
    arguments.window.setWindow(pooling.window, strides: pooling.strides, dilation: .one, edges: edges)
    arguments.channels = Int32(output.channels)
    arguments.average = average ? 1 : 0
    arguments.zeros = zeros ? 1 : 0
    append(
      Step(
        layers: fusion.layers, algorithm: average ? "average pool" : "max pool",
        macs: 0, arguments: .pooling(arguments), units: output.height,
        inputs: [view.source], output: output, residual: fusion.residual))
    finish(fusion, in: output)
  }

  /// The sum that alone reads a value, and the other layer in it, where that computes the very same.
  private func doubling(of index: Int) -> (twin: Int, sum: Int)? {
    guard !pinned.contains(index), readers[index].count == 1 else { return nil }
    let sum = readers[index][0]
    guard graph.nodes[sum].operation == .merge(.add), graph.nodes[sum].inputs.count == 2,
      program?.layers[sum] == nil, program?.layers[index] == nil,
      let twin = graph.nodes[sum].inputs.first(where: { $0.index != index })?.index,
      twin > index, !pinned.contains(twin), readers[twin].count == 1,
      graph.nodes[twin].operation == graph.nodes[index].operation,
      graph.nodes[twin].inputs == graph.nodes[index].inputs
    else { return nil }
    return (twin, sum)
  }

  mutating func planGlobalPooling(_ index: Int, average: Bool) throws(ZooError) {
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
        macs: 0, arguments: .globalPooling(arguments), units: units,
        inputs: [input], output: output))
    bind(index, to: .place(output))
    didRead(source)
    didProduce(index)
  }
}
