import ZooData
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// A network with heads as training sees it: it ends in one vector of logits, those of each task after another's.
struct TrainableNetwork: Sendable {
  /// What is trained. Nodes have the same indices, names and weights as those of the network in the file.
  let graph: Graph
  /// The weights before any training.
  private(set) var weights: any WeightSource
  let groups: LayerGroups
  /// What the file says of the training of layers, and the heads' dropout.
  let layerTraining: [String: LayerTraining]
  /// The logits of each task.
  let columns: [Range<Int>]
  /// The last layer of each head.
  let ends: [Node]

  /// The same network with other weights in the place of some.
  func replacing(_ own: [WeightSlot: [Float]]) -> TrainableNetwork {
    var network = self
    network.weights = ChangedWeights(of: weights, own: own)
    return network
  }

  /// How many logits a picture has.
  var width: Int { columns.last?.upperBound ?? 0 }

  /// - Parameters:
  ///   - features: the backbone, up to its features.
  /// - Throws: `ZooError` where a head does not end in a dense layer.
  init(_ model: TrainedModel, features: Graph) throws(ZooError) {
    graph = try model.graph.joiningLogits()
    var columns: [Range<Int>] = []
    for output in model.graph.outputs {
      let start = columns.last?.upperBound ?? 0
      columns.append(start..<start + model.graph[output].shape.elementCount)
    }
    weights = model.weights
    groups = LayerGroups(graph, features: features)
    layerTraining = model.layerTraining
    self.columns = columns
    ends = model.graph.outputs.map { model.graph[$0] }
  }

  /// The noise of layers from `first` on.
  func noise(from first: Int) -> [String: TrainingNoise] {
    let names = Set(graph.nodes.dropFirst(first).map(\.name))
    return layerTraining.filter { names.contains($0.key) }.compactMapValues(\.noise)
  }
}
