import ZooGraph

/// Layers that follow each other without anything between them, drawn as one box with a row for each: a convolution
/// with its padding before it, its batch norm and its activation, for example.
package struct LayerStack {
  /// Indices of the graph's nodes, in their order.
  package var nodes: [Int]
  /// Indices of the stacks that it reads, each once.
  package var inputs: [Int]

  /// The stacks of a graph, in an order in which they can run. Inputs stand just before what reads them first, so that
  /// few lines run past other boxes.
  static func all(of graph: Graph) -> [LayerStack] {
    var readers = [Int](repeating: 0, count: graph.nodes.count)
    for node in graph.nodes {
      for input in node.inputs { readers[input.index] += 1 }
    }
    for output in graph.outputs { readers[output.index] += 1 }
    var stacks: [LayerStack] = []
    var stackOf = [Int](repeating: 0, count: graph.nodes.count)
    var hasCore: [Bool] = []
    for (index, node) in graph.nodes.enumerated() {
      let role = Role(node.operation)
      if node.inputs.count == 1, let input = node.inputs.first, readers[input.index] == 1,
        case let stack = stackOf[input.index], stacks[stack].nodes.last == input.index,
        Role(graph[Value(index: stacks[stack].nodes[0])].operation) != .input,
        role == .follower || !hasCore[stack]
      {
        stacks[stack].nodes.append(index)
        stackOf[index] = stack
        if role == .core || role == .head { hasCore[stack] = true }
        continue
      }
      stackOf[index] = stacks.count
      var inputs: [Int] = []
      for input in node.inputs where !inputs.contains(stackOf[input.index]) {
        inputs.append(stackOf[input.index])
      }
      stacks.append(LayerStack(nodes: [index], inputs: inputs))
      hasCore.append(role != .follower && role != .opener)
    }
    return ordered(stacks)
  }

  /// What a layer may share a box with.
  private enum Role {
    case input
    /// Stands behind others, or before a core: norms, activations, reshaping.
    case follower
    /// Stands before a core: padding.
    case opener
    /// One of these to a box.
    case core
    /// One to a box too, as pooling and merging are.
    case head

    init(_ operation: Operation) {
      switch operation {
      case .input: self = .input
      case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution, .dense:
        self = .core
      case .batchNormalization, .layerNormalization, .normalization, .rescaling, .layerScale, .channelAffine,
        .activation, .prelu, .identity, .flatten, .reshape:
        self = .follower
      case .zeroPadding: self = .opener
      default: self = .head
      }
    }
  }

  private static func ordered(_ stacks: [LayerStack]) -> [LayerStack] {
    var order: [Int] = []
    var isPlaced = [Bool](repeating: false, count: stacks.count)
    func place(_ index: Int) {
      guard !isPlaced[index] else { return }
      isPlaced[index] = true
      order.append(index)
    }
    for (index, stack) in stacks.enumerated() where !stack.inputs.isEmpty {
      for input in stack.inputs where stacks[input].inputs.isEmpty { place(input) }
      place(index)
    }
    // Inputs that nothing reads.
    order = stacks.indices.filter { !isPlaced[$0] } + order
    var place = [Int](repeating: 0, count: stacks.count)
    for (new, old) in order.enumerated() { place[old] = new }
    return order.map { old in
      LayerStack(nodes: stacks[old].nodes, inputs: stacks[old].inputs.map { place[$0] })
    }
  }
}
