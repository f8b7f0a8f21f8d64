import ZooGraph
import ZooSystem
import ZooTensor

/// How an output of a network depends on an inner value: the gradient, in double precision and plain loops.
///
/// It covers what the heads of networks are made of: dense layers and 1x1 convolutions, activations, pooling, norms,
/// what only changes shapes, sums, products and concatenation. Other values that the head reads are constants.
package struct ReferenceGradient {
  /// What a part of a network does with values that come in at one place.
  private let graph: Graph
  private let weights: any WeightSource
  /// The nodes between, in their order, from the first that reads ``source`` on.
  private let nodes: [Int]
  package let source: Value
  package let target: Value
  /// What the nodes read besides ``source`` and each other.
  package let constants: [Value]
  /// Whether the target is a sum of the source's values, each times a number, and a number: then a gradient holds
  /// everywhere.
  package let isLinear: Bool

  /// - Returns: nil where an operation between `source` and `target` is none of those that it covers, or the target
  ///   does not depend on the source.
  package init?(graph: Graph, weights: any WeightSource, of target: Value, by source: Value) {
    var depends = [Bool](repeating: false, count: graph.nodes.count)
    depends[source.index] = true
    var isNeeded = depends
    isNeeded[target.index] = true
    for (index, node) in graph.nodes.enumerated() where index > source.index {
      depends[index] = node.inputs.contains { depends[$0.index] }
    }
    guard depends[target.index], target.index >= source.index else { return nil }
    for index in stride(from: target.index, through: source.index, by: -1) where isNeeded[index] {
      for input in graph.nodes[index].inputs where index != source.index { isNeeded[input.index] = true }
    }
    var nodes: [Int] = []
    var constants: Set<Value> = []
    for index in graph.nodes.indices where index > source.index && depends[index] && isNeeded[index] {
      let node = graph.nodes[index]
      guard GradientStep.covers(node, in: graph) else { return nil }
      nodes.append(index)
      for input in node.inputs where !depends[input.index] { constants.insert(input) }
    }
    self.graph = graph
    self.weights = weights
    self.nodes = nodes
    self.source = source
    self.target = target
    self.constants = constants.sorted { $0.index < $1.index }
    isLinear = nodes.allSatisfy { index in
      GradientStep.isLinear(graph.nodes[index]) { depends[$0.index] }
    }
  }

  /// The target's values, where the source has these.
  ///
  /// - Parameters:
  ///   - values: of the source, one example in row-major order.
  ///   - constants: of each of ``constants``.
  package func target(at values: [Double], constants: [[Double]]) throws -> [Double] {
    try forward(values, constants).values[target.index] ?? values
  }

  /// One of the target's values, and how it changes with each of the source's.
  ///
  /// - Parameters:
  ///   - index: of the target's value.
  ///   - values: of the source, one example in row-major order.
  ///   - constants: of each of ``constants``.
  package func gradient(
    of index: Int, at values: [Double], constants: [[Double]]
  ) throws -> (value: Double, gradient: [Double]) {
    let pass = try forward(values, constants)
    guard let result = pass.values[target.index], result.indices.contains(index) else {
      throw ZooError(.invalidArgument, what: "no such value", at: "the output", "\(index)")
    }
    var gradients: [Int: [Double]] = [:]
    var first = [Double](repeating: 0, count: result.count)
    first[index] = 1
    gradients[target.index] = first
    for node in nodes.reversed() {
      guard let gradient = gradients[node] else { continue }
      gradients[node] = nil
      try Cancellation.check()
      let inputs = graph.nodes[node].inputs
      for (place, part) in try pass.steps[node]?.inputGradients(gradient).enumerated() ?? [].enumerated() {
        let input = inputs[place].index
        guard input == source.index || pass.steps[input] != nil else { continue }
        if var sum = gradients[input] {
          for i in sum.indices { sum[i] += part[i] }
          gradients[input] = sum
        } else {
          gradients[input] = part
        }
      }
    }
    return (result[index], gradients[source.index] ?? [Double](repeating: 0, count: values.count))
  }

  private func forward(
    _ values: [Double], _ constants: [[Double]]
  ) throws -> (values: [Int: [Double]], steps: [Int: GradientStep]) {
    guard values.count == graph[source].shape.elementCount, constants.count == self.constants.count,
      zip(self.constants, constants).allSatisfy({ graph[$0].shape.elementCount == $1.count })
    else { throw ZooError(.doesNotFit, what: "values do not fit", at: graph[source].name, "\(values.count)") }
    var known = [source.index: values]
    for (value, numbers) in zip(self.constants, constants) { known[value.index] = numbers }
    var steps: [Int: GradientStep] = [:]
    for index in nodes {
      try Cancellation.check()
      let node = graph.nodes[index]
      let step = try GradientStep(
        node, shapes: node.inputs.map { graph[$0].shape }, inputs: node.inputs.map { known[$0.index] ?? [] },
        weights: weights)
      known[index] = try step.output()
      steps[index] = step
    }
    return (known, steps)
  }
}
