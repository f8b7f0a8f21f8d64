import ZooGraph
import ZooSystem

// Dense layers with many weights, of which memory has only one copy.

extension TrainingPlanner {
  /// By how much a gradient has to be larger than its factors.
  private static let factorRatio = 32

  /// Whether a node's weights are used where they lie: those of a dense layer on vectors that are large for the batch.
  /// What is shared is not, since gradients of several uses are added up.
  static func usesRows(_ index: Int, in graph: Graph, batch: Int, shared: Set<Int>) -> Bool {
    let node = graph.nodes[index]
    guard case .dense = node.operation, !shared.contains(index), let source = node.inputs.first,
      let kernel = node.weights.first(where: { $0.role == .kernel })
    else { return false }
    let image = graph[source].shape.image
    let (rows, columns) = (image.channels, node.shape.image.channels)
    return image.height * image.width == 1 && kernel.shape.elementCount == rows * columns
      && factorRatio * batch * (rows + columns) <= rows * columns
  }

  mutating func planDense(_ index: Int, activation: Activation) throws(ZooError) {
    let chain = chain(after: index, takesNorm: false, activation: activation)
    let input = try place(graph.nodes[index].inputs[0].index)
    let output = try newPlace(for: index)
    guard let kernel = weight(.kernel, of: index) else { throw unsupported(index, "it has no kernel") }
    sizes.needZeros(output.channels)
    let layer = DenseLayer(
      name: graph.nodes[index].name, links: TrainingLinks([input], output), kernel: kernel,
      bias: weight(.bias, of: index), lo: chain.bounds.lo, hi: chain.bounds.hi,
      sums: sizes.reserveSums(2 * output.channels))
    try append(layer, chain, of: index, activation: activation)
  }
}
