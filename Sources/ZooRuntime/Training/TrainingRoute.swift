import ZooGraph
import ZooSystem

/// Which nodes of a graph a training plan computes.
struct TrainingRoute {
  /// The value whose gradient is given; a softmax that ends the network is cut off.
  let target: Int
  /// The nodes that are computed in training, in their order: those that learn, that do something else in
  /// training than at inference, or that read such nodes.
  let nodes: [Int]
  /// Values that these read and that are none of them.
  let boundary: [Int]
  /// Per node, which of ``nodes`` read it, as often as they do.
  let readers: [[Int]]

  init(
    _ graph: Graph, learning: Set<WeightSlot>, output: Value, options: TrainingOptions
  ) throws(ZooError) {
    var target = output.index
    while true {
      let node = graph.nodes[target]
      guard node.operation == .activation(.softmax), let input = node.inputs.first else { break }
      target = input.index
    }
    var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
    isNeeded[target] = true
    for index in graph.nodes.indices.reversed() where isNeeded[index] {
      for input in graph.nodes[index].inputs { isNeeded[input.index] = true }
    }
    let known = Set(graph.nodes.indices.filter { isNeeded[$0] }.flatMap { graph.nodes[$0].weights })
    for slot in learning where !slot.role.isTrainable || !known.contains(slot) {
      throw ZooError(
        .invalidArgument, what: "no such gradient", at: slot.name,
        known.contains(slot)
          ? "training does not change it by gradient" : "the output does not depend on such a weight")
    }
    var isAbove = [Bool](repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() where isNeeded[index] {
      isAbove[index] =
        node.weights.contains(where: learning.contains) || options.momentum(of: index, in: graph) != nil
        || options.noise[node.name] != nil || node.inputs.contains { isAbove[$0.index] }
    }
    guard !learning.isEmpty, isAbove[target] else {
      throw ZooError(.invalidArgument, what: "cannot train", at: "the network", "none of its weights learns")
    }
    nodes = graph.nodes.indices.filter { isAbove[$0] }
    var readers = [[Int]](repeating: [], count: graph.nodes.count)
    for index in nodes {
      for input in graph.nodes[index].inputs { readers[input.index].append(index) }
    }
    boundary = graph.nodes.indices.filter { !isAbove[$0] && !readers[$0].isEmpty }
    self.target = target
    self.readers = readers
  }
}
