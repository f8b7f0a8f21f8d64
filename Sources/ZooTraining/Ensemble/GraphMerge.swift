import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// Several networks as one, with each layer once that is the same in some of them: the same operation with the same
/// weights on the same inputs.
struct GraphMerge {
  /// Where a layer's weight comes from.
  private struct Origin {
    let file: ZooFile
    let slot: WeightSlot
  }

  /// What makes two layers one.
  private struct Key: Hashable {
    let operation: Operation
    let inputs: [Value]
    let sharing: Value?
    let weights: [Weight]
    /// Different for layers that are like no other.
    let number: Int
  }

  private struct Weight: Hashable {
    let type: ElementType
    let checksum: TensorChecksum
  }

  private var builder = GraphBuilder()
  private var known: [Key: Value] = [:]
  private var names: Set<String> = []
  /// By the merged layer's name and the role.
  private var origins: [String: [WeightRole: Origin]] = [:]
  private var owned: [String: [WeightRole: [Float]]] = [:]
  /// What training needs to know of layers, by the merged layer's name; of those that are one, the first network's.
  private var training: [String: LayerTraining] = [:]
  private var unique = 0
  private var shared: Set<Value> = []
  /// The layers that more than one network has.
  var sharedCount: Int { shared.count }

  /// Adds a network.
  ///
  /// - Parameter changes: other values for the weights of some of its layers, by the layer's name, in the layout of
  ///   the file. Such a layer is like no other.
  /// - Returns: its outputs in the merged network.
  mutating func add(_ file: ZooFile, changes: [String: [WeightRole: [Float]]] = [:]) -> [Value] {
    let graph = file.document.graph
    let records = Dictionary(
      file.tensors.map { ($0.slot, $0) }, uniquingKeysWith: { first, _ in first })
    var values: [Value] = []
    for node in graph.nodes {
      let change = changes[node.name]
      if change != nil { unique += 1 }
      let key = Key(
        operation: node.operation, inputs: node.inputs.map { values[$0.index] },
        sharing: node.sharing.map { values[$0.index] },
        weights: node.weights.compactMap { slot in
          records[slot].map { Weight(type: $0.elementType, checksum: $0.checksum) }
        }, number: change == nil ? 0 : unique)
      if let value = known[key] {
        shared.insert(value)
        values.append(value)
        continue
      }
      let name = fresh(node.name)
      let value = builder.add(name, node.operation, key.inputs, sharing: key.sharing)
      known[key] = value
      values.append(value)
      training[name] = file.document.layerTraining[node.name]
      guard node.sharing == nil else { continue }
      for slot in node.weights {
        if let own = change?[slot.role] {
          owned[name, default: [:]][slot.role] = own
        } else {
          origins[name, default: [:]][slot.role] = Origin(file: file, slot: slot)
        }
      }
    }
    return graph.outputs.map { values[$0.index] }
  }

  /// Adds a layer of its own.
  mutating func add(
    _ name: String, _ operation: Operation, _ inputs: [Value], weights: [WeightRole: [Float]] = [:]
  ) -> Value {
    let name = fresh(name)
    if !weights.isEmpty { owned[name] = weights }
    return builder.add(name, operation, inputs)
  }

  private mutating func fresh(_ name: String) -> String {
    var candidate = name
    var number = 1
    while !names.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  /// The merged network.
  func build(outputs: [Value]) throws(ZooError) -> Graph { try builder.build(outputs: outputs) }

  /// What training needs to know of the merged network's layers, by their names.
  func layerTraining(of graph: Graph) -> [String: LayerTraining] { graph.part(of: training) }

  /// The weights of the merged network.
  func weights(of graph: Graph) throws -> MergedWeights {
    var sources: [WeightSlot: MergedWeights.Source] = [:]
    for slot in graph.weightSlots {
      if let values = owned[slot.layer]?[slot.role] {
        guard values.count == slot.shape.elementCount else {
          throw ZooError(
            .unexpected, what: "wrong weights", at: "layer '\(slot.layer)'",
            "its \(slot.role.rawValue) has \(values.count) values, expected \(slot.shape)")
        }
        sources[slot] = .own(StoredTensor(shape: slot.shape, values: values))
      } else if let origin = origins[slot.layer]?[slot.role] {
        sources[slot] = .file(origin.file, origin.slot)
      }
    }
    return MergedWeights(sources: sources)
  }
}

/// Weights that come from several files.
struct MergedWeights: WeightSource {
  enum Source {
    case file(ZooFile, WeightSlot)
    case own(StoredTensor)
  }

  let sources: [WeightSlot: Source]

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    switch sources[slot] {
    case .file(let file, let origin): return try file.tensor(for: origin)
    case .own(let tensor): return tensor
    case nil:
      throw ZooError(
        .unexpected, what: "no weights", at: "layer '\(slot.layer)'", "nothing has its \(slot.role.rawValue)")
    }
  }

  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    guard case .file(let file, let origin) = sources[slot] else { return nil }
    return try file.quantizedTensor(for: origin)
  }

  /// Each as where it comes from.
  var storagePlan: StoragePlan {
    StoragePlan(
      forms: sources.compactMapValues { source in
        guard case .file(let file, let origin) = source else { return nil }
        return file.form(of: origin)
      })
  }
}
