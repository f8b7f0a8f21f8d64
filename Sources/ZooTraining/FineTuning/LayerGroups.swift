import ZooGraph
import ZooLearning
import ZooSystem

/// The layers of a network in groups of one resolution each, from the input to the head, which is the last group.
struct LayerGroups {
  /// The first node of each group but the first, ascending.
  private let starts: [Int]
  private let graph: Graph

  /// - Parameters:
  ///   - graph: a network with a head.
  ///   - features: the backbone that it begins with, up to its features. Its nodes have the same indices.
  init(_ graph: Graph, features: Graph) {
    self.graph = graph
    let last = features.outputs.map(\.index).max() ?? 0
    var starts = features.stages(limit: .max).dropLast().map { $0.index + 1 }.filter { $0 <= last }
    starts.append(last + 1)
    self.starts = starts.sorted()
  }

  /// How many groups there are.
  var count: Int { starts.count + 1 }

  /// The group of a node.
  func group(of node: Int) -> Int { starts.count { $0 <= node } }

  /// What the rates of a stage of training are multiplied by: 1 in the head, and from group to group towards the input
  /// divided by `decay`.
  func rateFactor(of slot: WeightSlot, decay: Double) -> Double {
    guard let node = graph.nodes.firstIndex(where: { $0.name == slot.layer }) else { return 1 }
    return RateFactors.falling(by: decay, groups: count)[group(of: node)]
  }

  /// A stage of training: the layers that learn.
  struct Stage: Sendable, Hashable {
    /// In words.
    let name: String
    /// What chooses it: `last`, `all`, or the name of the first layer.
    let option: String
    /// The first layer that may learn.
    let first: Int
  }

  /// The stages that a choice of layers asks for, in their order.
  ///
  /// - Throws: `ZooError` of the code `unknownLayer`.
  func stages(_ layers: TrainingConfiguration.Layers) throws(ZooError) -> [Stage] {
    let all = Stage(name: "all layers", option: "all", first: 0)
    let last =
      starts.count >= 2 ? Stage(name: "last stage", option: "last", first: starts[starts.count - 2]) : all
    switch layers {
    case .automatic: return last == all ? [all] : [last, all]
    case .last: return [last]
    case .all: return [all]
    case .from(let name):
      guard let index = graph.nodes.firstIndex(where: { $0.name == name }) else {
        throw ZooError(
          .unknownLayer, what: "no such layer", at: "the backbone", "'\(name)'",
          remedy: "zoo inspect --layers lists its layers.")
      }
      return [Stage(name: "from \(name)", option: name, first: index)]
    }
  }

  /// The weights that learn in a stage, in the graph's order.
  func slots(of stage: Stage) -> [WeightSlot] {
    var known: Set<WeightSlot> = []
    return graph.nodes.dropFirst(stage.first).flatMap(\.weights)
      .filter { $0.role.isTrainable && known.insert($0).inserted }
  }

  /// The momentum of a stage's batch norms where they normalize by the batch; none where they are fixed.
  ///
  /// - Parameter training: what layers state for training, by their names.
  func batchMomentum(
    of stage: Stage, _ batchNorm: TrainingConfiguration.BatchNorm, training: [String: LayerTraining]
  ) -> [String: Double] {
    guard batchNorm == .batch else { return [:] }
    var momentum: [String: Double] = [:]
    for node in graph.nodes.dropFirst(stage.first) {
      guard case .batchNormalization = node.operation else { continue }
      momentum[node.name] = training[node.name]?.momentum ?? LayerTraining.usualMomentum
    }
    return momentum
  }

  /// The multiply-adds of an example forward below and in a stage.
  func work(of stage: Stage) -> (below: Int, inside: Int) {
    var (below, inside) = (0, 0)
    for (index, node) in graph.nodes.enumerated() {
      if index < stage.first { below += graph.macs(of: node) } else { inside += graph.macs(of: node) }
    }
    return (below, inside)
  }
}
