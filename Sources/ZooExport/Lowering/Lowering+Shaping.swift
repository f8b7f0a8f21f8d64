import ZooGraph
import ZooSystem
import ZooTensor

extension Lowering {
  // MARK: Edges

  mutating func lowerPadding(_ edges: Edges, _ node: Node) {
    let (input, layout) = native(node.inputs[0])
    let (before, after) = ([edges.top, edges.left], [edges.bottom, edges.right])
    set(
      add(
        .pad(
          before: layout == .nchw ? [0, 0] + before : [0] + before + [0],
          after: layout == .nchw ? [0, 0] + after : [0] + after + [0]),
        [.value(input)], Self.axes(of: node.shape, in: layout)),
      layout)
  }

  mutating func lowerCropping(_ edges: Edges, _ node: Node) {
    let (input, layout) = native(node.inputs[0])
    let image = graph[node.inputs[0]].shape
    set(
      add(
        .slice(
          axes: layout == .nchw ? [2, 3] : [1, 2], starts: [edges.top, edges.left],
          ends: [image[0] - edges.bottom, image[1] - edges.right]),
        [.value(input)], Self.axes(of: node.shape, in: layout)),
      layout)
  }

  // MARK: Several inputs

  /// The order in which the fewest images have to be reordered.
  private func commonLayout(_ node: Node) -> ImageLayout {
    guard node.shape.rank == 3 else { return .nhwc }
    let images = node.inputs.filter { graph[$0].shape.rank == 3 }
    let first = images.count { native($0) == .nchw }
    return first * 2 >= images.count && first > 0 ? .nchw : .nhwc
  }

  mutating func lower(_ merge: Merge, _ node: Node) {
    let layout = commonLayout(node)
    let operands = node.inputs.map { input in
      let shape = graph[input].shape
      guard shape.rank < node.shape.rank else { return value(input, layout) }
      // The batch has to stay in front of the axes that are missing.
      let full = Shape(Array(repeating: 1, count: node.shape.rank - shape.rank) + shape.dimensions)
      let source = Operand.value(value(input, .nhwc))
      if layout == .nhwc || shape.rank < 2 {
        let extents = Self.axes(of: full, in: layout)
        return add(.reshape(extents), [source], extents)
      }
      return reordered(add(.reshape(full.dimensions), [source], full.dimensions), full, to: .nchw)
    }
    var result = operands[0]
    for other in operands.dropFirst() {
      let extents = zip(self.result.shapes[result.index], self.result.shapes[other.index]).map { max($0, $1) }
      result = add(.binary(merge.operation), [.value(result), .value(other)], extents)
    }
    if merge == .average {
      result = add(.binary(.multiply), result, scalar(1 / Double(operands.count)))
    }
    set(result, layout)
  }

  mutating func lowerConcatenation(_ node: Node) {
    let layout = commonLayout(node)
    let operands = node.inputs.map { Operand.value(value($0, layout)) }
    set(
      add(
        .concatenate(axis: channelAxis(node, layout)), operands, Self.axes(of: node.shape, in: layout)),
      layout)
  }

  // MARK: Order of the axes

  mutating func lowerPermutation(_ order: [Int], _ node: Node) {
    let (input, layout) = native(node.inputs[0])
    // Where the axes of (H, W, C) are in what is read.
    let places = layout == .nchw ? [2, 3, 1] : Array(1...max(1, order.count))
    set(add(.transpose([0] + order.map { places[$0] }), [.value(input)], node.shape.dimensions))
  }
}

extension Merge {
  fileprivate var operation: LoweredGraph.Binary {
    switch self {
    case .add, .average: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .maximum: .maximum
    case .minimum: .minimum
    }
  }
}
