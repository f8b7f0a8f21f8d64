import ZooGraph
import ZooTensor

/// Takes the mean error off a layer whose kernels are stored as codes.
///
/// The error of a kernel times the mean of its input is an error that all pixels of all pictures have. It is
/// known without any of them where batch norms predict the mean, and then goes into the layer's bias or,
/// where that has none, into the moving mean of the batch norm right behind it, which so becomes the mean
/// that really arrives.
package struct BiasCorrection {
  private let graph: Graph
  private let prediction: ValuePrediction
  private let readers: [[Int]]
  /// The nodes whose weights are used by others too.
  private let shared: Set<Value>

  package init(graph: Graph, prediction: ValuePrediction) {
    self.graph = graph
    self.prediction = prediction
    readers = graph.readers
    shared = Set(graph.nodes.compactMap(\.sharing))
  }

  /// Whether the layer's error can be taken off: its input's mean is predicted, and there is a tensor to
  /// change.
  package func applies(to layer: Value) -> Bool { target(of: layer) != nil && input(of: layer) != nil }

  /// The tensors that are to be stored in place of the weights' own; none where nothing can be corrected.
  ///
  /// - Parameters:
  ///   - weights: the network's weights as they are.
  ///   - stored: a kernel as the codes have it.
  /// - Throws: what `weights` and `stored` throw.
  package func replacements(
    for layer: Value, weights: some WeightSource, stored: (WeightSlot) throws -> StoredTensor
  ) throws -> [WeightSlot: StoredTensor] {
    guard let (slot, sign) = target(of: layer), let means = input(of: layer),
      let response = LinearResponse(graph[layer])
    else { return [:] }
    let before = try response.output(of: means) { try weights.tensor(for: $0) }
    let after = try response.output(of: means, kernels: stored)
    var values = try weights.tensor(for: slot).doubles()
    guard values.count == before.count, after.count == before.count else { return [:] }
    for channel in values.indices { values[channel] += sign * (after[channel] - before[channel]) }
    let floats = values.map { Float($0) }
    guard floats.allSatisfy(\.isFinite), before != after else { return [:] }
    return [slot: StoredTensor(shape: slot.shape, values: floats)]
  }

  private func input(of layer: Value) -> [Double]? {
    graph[layer].inputs.first.flatMap { prediction.moments(of: $0)?.means }
  }

  /// What takes up the error, and with which sign.
  private func target(of layer: Value) -> (slot: WeightSlot, sign: Double)? {
    let node = graph[layer]
    guard node.sharing == nil, !shared.contains(layer), LinearResponse(node) != nil else { return nil }
    if let bias = node.weights.first(where: { $0.role == .bias }) { return (bias, -1) }
    guard node.operation.endActivation == .linear, !graph.outputs.contains(layer),
      readers[layer.index].count == 1, let next = readers[layer.index].first
    else { return nil }
    let norm = graph.nodes[next]
    guard norm.isBatchNorm, norm.sharing == nil, !shared.contains(Value(index: next)),
      let mean = norm.weights.first(where: { $0.role == .movingMean })
    else { return nil }
    return (mean, 1)
  }
}
