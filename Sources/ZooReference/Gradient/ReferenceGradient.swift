import ZooGraph
import ZooSystem
import ZooTensor

/// How an output of a network depends on an inner value: the gradient, in double precision and plain loops.
///
/// It covers what the heads of networks are made of: dense layers and 1x1 convolutions, activations, pooling, norms,
/// what only changes shapes, sums, products and concatenation. Other values that the head reads are constants.
package struct ReferenceGradient: Sendable {
  private let training: ReferenceTraining
  package let source: Value
  package let target: Value
  /// What the nodes between read besides ``source`` and each other.
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
    var constants: Set<Value> = []
    var isLinear = true
    for (index, node) in graph.nodes.enumerated()
    where index > source.index && depends[index] && isNeeded[index] {
      guard node.belongsToHeads(in: graph) else { return nil }
      if !node.isLinear(depends: { depends[$0.index] }) { isLinear = false }
      for input in node.inputs where !depends[input.index] { constants.insert(input) }
    }
    guard let training = try? ReferenceTraining(graph: graph, weights: weights, threads: 1) else {
      return nil
    }
    self.training = training
    self.source = source
    self.target = target
    self.constants = constants.sorted { $0.index < $1.index }
    self.isLinear = isLinear
  }

  /// The target's values, where the source has these.
  ///
  /// - Parameters:
  ///   - values: of the source, one example in row-major order.
  ///   - constants: of each of ``constants``.
  package func target(at values: [Double], constants: [[Double]]) throws -> [Double] {
    try forward(values, constants)[target] ?? values
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
    guard let result = pass[target], result.indices.contains(index) else {
      throw ZooError(.invalidArgument, what: "no such value", at: "the output", "\(index)")
    }
    var slopes = [Double](repeating: 0, count: result.count)
    slopes[index] = 1
    let gradients = try pass.backward([target: slopes])
    return (result[index], gradients.values[source] ?? [])
  }

  private func forward(_ values: [Double], _ constants: [[Double]]) throws -> ReferencePass {
    guard constants.count == self.constants.count else {
      throw ZooError(
        .doesNotFit, what: "values do not fit", at: "the head",
        "expected \(self.constants.count) constants, found \(constants.count)")
    }
    var known = [source: values]
    for (value, numbers) in zip(self.constants, constants) { known[value] = numbers }
    return try training.forward(known, count: 1, to: [target], tracking: [source])
  }
}

extension Node {
  /// Whether it is something that the heads of networks are made of.
  fileprivate func belongsToHeads(in graph: Graph) -> Bool {
    switch operation {
    case .dense(let dense): dense.activation != .softmax
    case .convolution(let c): c.isPointwise && c.activation != .softmax
    case .activation(let activation): activation != .softmax
    case .layerNormalization(let n): n.axes == 1
    case .maxPooling, .averagePooling: inputs.allSatisfy { graph[$0].shape.rank == 3 }
    case .merge: inputs.allSatisfy { graph[$0].shape == shape }
    case .normalization, .rescaling, .layerScale, .channelAffine, .batchNormalization, .prelu, .flatten,
      .reshape, .permute, .identity, .globalAveragePooling, .globalMaxPooling, .concatenate:
      true
    default: false
    }
  }

  /// Whether its output is linear in those inputs that depend on the source.
  fileprivate func isLinear(depends: (Value) -> Bool) -> Bool {
    switch operation {
    case .dense(let dense): dense.activation == .linear
    case .convolution(let c): c.activation == .linear
    case .activation(let activation): activation == .linear
    case .layerNormalization, .prelu, .maxPooling, .globalMaxPooling: false
    case .merge(.maximum), .merge(.minimum): false
    case .merge(.multiply): inputs.count(where: depends) == 1
    default: true
    }
  }
}

extension Convolution {
  /// Whether it mixes the channels of each pixel alone.
  fileprivate var isPointwise: Bool { kernel == .one && strides == .one && groups == 1 }
}
