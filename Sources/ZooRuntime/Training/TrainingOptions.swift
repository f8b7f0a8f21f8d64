import ZooGraph

/// How a network is trained.
package struct TrainingOptions: Sendable {
  /// Threads that a session uses, the caller's included; results don't depend on it.
  package var threads = 1
  /// Forces an instruction set, as ``PlanOptions/kernels`` does.
  package var kernels: String?
  /// The most examples of a batch.
  package var batch = 16
  /// The most examples that are computed at once. Their gradients are added up in the order of the batch.
  /// Where a layer normalizes by the batch, all of a batch are.
  package var part = 16
  /// Where the values of a part and their gradients take more bytes than this, those that are computed in next to no
  /// time are not kept for the backward pass, but computed again; the results have the same bits.
  package var valueBytes = 1 << 30
  /// The batch norms that normalize by the batch, by the name of the layer, and the share of its stored
  /// statistics that each keeps. All others use their stored statistics; their gamma and beta can learn all
  /// the same.
  package var batchMomentum: [String: Double] = [:]
  /// The noise of layers that do nothing at inference, such as dropout, by the name of the layer.
  package var noise: [String: TrainingNoise] = [:]
  /// With the number of the step, decides on the noise.
  package var seed: UInt64 = 0

  package init() {}

  /// The momentum of a batch norm that normalizes by the batch, or shares the weights of one that does.
  func momentum(of index: Int, in graph: Graph) -> Double? {
    batchMomentum[graph.nodes[graph.nodes[index].sharing?.index ?? index].name]
  }
}
