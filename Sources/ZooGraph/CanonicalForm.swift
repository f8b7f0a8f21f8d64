import ZooTensor

/// What a network computes, apart from how it is written down.
///
/// Two graphs have equal forms if they are the same up to: layer names and the order of layers, layers
/// that do nothing at inference, an activation inside its layer or after it, zero padding in a layer of
/// its own or in the convolution (`same` counts as the pixels it comes to), a flattening or reshaping of
/// one vector, and the order of what is added or merged by another commutative operation. Epsilon, filters,
/// strides and sizes must be equal.
package struct CanonicalForm: Hashable, Sendable {
  private struct Step: Hashable {
    let operation: Operation
    /// What it reads, and behind that what it shares its weights with.
    let inputs: [Int]
    /// Tells apart what the operation leaves open: where a reshape goes to, how large an input is.
    let shape: Shape
  }

  private let steps: [Step]
  private let outputs: [Int]

  init(_ graph: Graph) {
    var rewriter = Rewriter()
    for node in graph.nodes { rewriter.add(node) }
    var order: [Int: Int] = [:]
    var steps: [Step] = []
    outputs = graph.outputs.map { output in
      let root = rewriter.place[output.index]
      // Depth first, inputs before their reader.
      var path = [(node: root, next: 0)]
      while let (index, next) = path.last {
        let inputs = rewriter.nodes[index].inputs
        if order[index] != nil {
          path.removeLast()
        } else if next < inputs.count {
          path[path.count - 1].next += 1
          path.append((inputs[next], 0))
        } else {
          let node = rewriter.nodes[index]
          order[index] = steps.count
          steps.append(
            Step(operation: node.operation, inputs: inputs.map { order[$0] ?? -1 }, shape: node.shape))
          path.removeLast()
        }
      }
      return order[root] ?? -1
    }
    self.steps = steps
  }
}

extension Graph {
  /// What the network computes, apart from how it is written down.
  package var canonicalForm: CanonicalForm { CanonicalForm(self) }
}

/// Rewrites nodes one by one, in an order in which they can run, into their plainest writing.
private struct Rewriter {
  struct Node {
    let operation: Operation
    let inputs: [Int]
    let shape: Shape
    /// Of the operation and all that it reads; orders the terms of a sum.
    let digest: Int
  }

  var nodes: [Node] = []
  /// For every node of the graph, the rewritten node that has its value.
  var place: [Int] = []
  /// What the layer at hand shares its weights with.
  private var sharing: Int?

  mutating func add(_ node: ZooGraph.Node) {
    let inputs = node.inputs.map { place[$0.index] }
    sharing = node.sharing.map { place[$0.index] }
    place.append(value(of: node, inputs))
  }

  private mutating func value(of node: ZooGraph.Node, _ inputs: [Int]) -> Int {
    switch node.operation {
    case .identity, .activation(.linear):
      return inputs[0]
    case .convolution(var c):
      let activation = c.activation
      c.activation = .linear
      let (input, edges) = foldPadding(
        inputs[0], to: node.shape, c.kernel, c.strides, c.dilation, c.padding)
      c.padding = .explicit(edges)
      return activated(activation, append(.convolution(c), [input], node.shape))
    case .depthwiseConvolution(var c):
      let activation = c.activation
      c.activation = .linear
      let (input, edges) = foldPadding(
        inputs[0], to: node.shape, c.kernel, c.strides, c.dilation, c.padding)
      c.padding = .explicit(edges)
      return activated(activation, append(.depthwiseConvolution(c), [input], node.shape))
    case .separableConvolution(var c):
      let activation = c.activation
      c.activation = .linear
      let (input, edges) = foldPadding(
        inputs[0], to: node.shape, c.kernel, c.strides, c.dilation, c.padding)
      c.padding = .explicit(edges)
      return activated(activation, append(.separableConvolution(c), [input], node.shape))
    case .transposedConvolution(var c):
      let activation = c.activation
      c.activation = .linear
      return activated(activation, append(.transposedConvolution(c), inputs, node.shape))
    case .dense(var d):
      let activation = d.activation
      d.activation = .linear
      return activated(activation, append(.dense(d), inputs, node.shape))
    case .activation(let activation):
      return activated(activation, inputs[0])
    case .maxPooling(var p):
      // Zeros from a layer of their own take part in a maximum, and padding does not: no folding.
      p.padding = .explicit(edges(nodes[inputs[0]].shape, node.shape, p.window, p.strides, .one, p.padding))
      return append(.maxPooling(p), inputs, node.shape)
    case .averagePooling(var p):
      p.padding = .explicit(edges(nodes[inputs[0]].shape, node.shape, p.window, p.strides, .one, p.padding))
      return append(.averagePooling(p), inputs, node.shape)
    case .globalAveragePooling:
      let vector = Shape([node.shape.dimensions.last ?? 1])
      return reshaped(append(.globalAveragePooling(keepDimensions: false), inputs, vector), node.shape)
    case .globalMaxPooling:
      let vector = Shape([node.shape.dimensions.last ?? 1])
      return reshaped(append(.globalMaxPooling(keepDimensions: false), inputs, vector), node.shape)
    case .flatten, .reshape:
      return reshaped(inputs[0], node.shape)
    case .merge(let merge) where merge.isCommutative:
      return append(node.operation, inputs.sorted { nodes[$0].digest < nodes[$1].digest }, node.shape)
    default:
      // No other operation is written in more than one way.
      return append(node.operation, inputs, node.shape)
    }
  }

  private mutating func append(_ operation: Operation, _ inputs: [Int], _ shape: Shape) -> Int {
    var inputs = inputs
    if let sharing, operation.hasWeights { inputs.append(sharing) }
    var hasher = Hasher()
    hasher.combine(operation)
    for input in inputs { hasher.combine(nodes[input].digest) }
    nodes.append(Node(operation: operation, inputs: inputs, shape: shape, digest: hasher.finalize()))
    return nodes.count - 1
  }

  /// A reshape, with none before it; nothing where the shape stays.
  private mutating func reshaped(_ value: Int, _ shape: Shape) -> Int {
    var value = value
    if case .reshape = nodes[value].operation { value = nodes[value].inputs[0] }
    return nodes[value].shape == shape
      ? value : append(.reshape(target: shape.dimensions), [value], shape)
  }

  /// An activation; before a reshape, where it sees the same vectors there.
  private mutating func activated(_ activation: Activation, _ value: Int) -> Int {
    if activation == .linear { return value }
    let node = nodes[value]
    if case .reshape = node.operation, let source = node.inputs.first,
      activation != .softmax || nodes[source].shape.dimensions.last == node.shape.dimensions.last
    {
      return reshaped(append(.activation(activation), [source], nodes[source].shape), node.shape)
    }
    return append(.activation(activation), [value], node.shape)
  }

  /// What a convolution reads once zero padding before it has become its own, and how much that is.
  private func foldPadding(
    _ input: Int, to output: Shape, _ window: Extent2D, _ strides: Extent2D, _ dilation: Extent2D,
    _ padding: Padding
  ) -> (Int, Edges) {
    let own = padding.edges(
      height: nodes[input].shape[0], width: nodes[input].shape[1], window: window, strides: strides,
      dilation: dilation)
    var (source, top, left) = (input, own.top, own.left)
    while case .zeroPadding(let extra) = nodes[source].operation {
      top += extra.top
      left += extra.left
      source = nodes[source].inputs[0]
    }
    return (source, reached(nodes[source].shape, output, window, strides, dilation, top: top, left: left))
  }

  private func edges(
    _ input: Shape, _ output: Shape, _ window: Extent2D, _ strides: Extent2D, _ dilation: Extent2D,
    _ padding: Padding
  ) -> Edges {
    let edges = padding.edges(
      height: input[0], width: input[1], window: window, strides: strides, dilation: dilation)
    return reached(input, output, window, strides, dilation, top: edges.top, left: edges.left)
  }

  /// Padding whose bottom and right end where the last window ends; pixels that no window reaches are
  /// written down differently by different writers.
  private func reached(
    _ input: Shape, _ output: Shape, _ window: Extent2D, _ strides: Extent2D, _ dilation: Extent2D,
    top: Int, left: Int
  ) -> Edges {
    let rows = (output[0] - 1) * strides.height + (window.height - 1) * dilation.height + 1
    let columns = (output[1] - 1) * strides.width + (window.width - 1) * dilation.width + 1
    return Edges(
      top: top, bottom: max(0, rows - top - input[0]), left: left, right: max(0, columns - left - input[1]))
  }
}
