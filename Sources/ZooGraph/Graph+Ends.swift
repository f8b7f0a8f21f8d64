import ZooSystem

// The same network with other ends: the nodes have the same indices and the same weights.

extension Graph {
  /// The network with these outputs in place of its own.
  package func ending(at outputs: [Value]) throws(ZooError) -> Graph {
    outputs == self.outputs ? self : try Graph(layers: layers, outputs: outputs.map(\.index))
  }

  /// The network without the activation that its only output ends in: what it gives are the logits. The network
  /// itself where there is none; nil where the output is no vector, or is averaged after its activation.
  package func endingInLogits() throws(ZooError) -> Graph? {
    guard outputKind != nil else { return nil }
    var layers = layers
    var pending = outputs
    var seen: Set<Value> = []
    var changed: Set<Value> = []
    while let value = pending.popLast() {
      guard seen.insert(value).inserted else { continue }
      let node = self[value]
      switch node.operation {
      case .activation(.linear), .reshape, .flatten, .identity, .permute, .concatenate: pending += node.inputs
      case .averagePooling, .globalAveragePooling, .merge(.average): return nil
      default:
        guard let activation = node.operation.endActivation, activation != .linear else { continue }
        layers[value.index].operation = node.operation.withoutActivation
        changed.insert(value)
      }
    }
    // What another layer reads too can't be changed.
    let isReadElsewhere = nodes.indices.contains { index in
      !seen.contains(Value(index: index)) && nodes[index].inputs.contains { changed.contains($0) }
    }
    return isReadElsewhere ? nil : try Graph(layers: layers, outputs: outputs.map(\.index))
  }

  /// The network with one output: the logits of all outputs, which have to be dense layers, one after another's. Nodes
  /// keep their indices, names and weights.
  ///
  /// - Throws: `ZooError` of the code `unsupported` where an output is no dense layer.
  package func joiningLogits() throws(ZooError) -> Graph {
    var layers = layers
    for output in outputs {
      guard case .dense = self[output].operation else {
        throw ZooError(
          .unsupported, what: "no logits", at: "layer '\(self[output].name)'",
          "the network does not end in a dense layer there")
      }
      layers[output.index].operation = self[output].operation.withoutActivation
    }
    guard outputs.count > 1 else { return try Graph(layers: layers, outputs: outputs.map(\.index)) }
    var name = "logits"
    while node(named: name) != nil { name += "_" }
    layers.append(Layer(name: name, operation: .concatenate, inputs: outputs.map(\.index)))
    return try Graph(layers: layers, outputs: [layers.count - 1])
  }

  /// The nodes as what they were made of.
  var layers: [Layer] {
    nodes.map {
      Layer(
        name: $0.name, operation: $0.operation, inputs: $0.inputs.map(\.index), sharing: $0.sharing?.index)
    }
  }
}
