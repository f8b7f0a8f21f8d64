import ZooTensor

/// What a file says of a network that is computed with activations and weights of 8 bits.
package struct IntegerRecord: Sendable, Hashable {
  /// The expected range of values, by the names of layers; see ``IntegerForm/ranges``.
  package var ranges: [String: ValueRange]
  /// Layers that are computed in 32-bit floats, by name.
  package var floatLayers: Set<String>

  package init(ranges: [String: ValueRange], floatLayers: Set<String> = []) {
    self.ranges = ranges
    self.floatLayers = floatLayers
  }

  /// How a graph with these layers, or with some of them, is computed. Layers whose kernels are not stored as codes of 8
  /// bits are computed in floats: codes that are made later have errors that nothing makes up for.
  ///
  /// - Parameter weights: where the codes come from.
  /// - Throws: what reading `weights` throws.
  package func form(of graph: Graph, weights: any WeightSource) throws -> IntegerForm {
    var values: [Value: ValueRange] = [:]
    var floats: Set<Value> = []
    var kernels: [WeightSlot: QuantizedTensor] = [:]
    for (index, node) in graph.nodes.enumerated() {
      if let range = ranges[node.name] { values[Value(index: index)] = range }
      if floatLayers.contains(node.name) { floats.insert(Value(index: index)) }
      for slot in node.weights where node.operation.quantizedForm(.int8, of: slot) != nil {
        if let tensor = try weights.quantizedTensor(for: slot), tensor.form.kind == .int8,
          tensor.form.inner == 1
        {
          kernels[slot] = tensor
        } else {
          floats.insert(Value(index: index))
        }
      }
    }
    return IntegerForm(ranges: values, kernels: kernels, floatLayers: floats)
  }
}

extension Graph {
  /// What is wrong with a record for this graph; nil where nothing is.
  package func fault(of record: IntegerRecord) -> (layer: String, why: String)? {
    for node in nodes {
      guard let range = record.ranges[node.name] else { continue }
      let channels = node.shape.image.channels
      guard range.lowest.count == 1 || range.lowest.count == channels else {
        return (node.name, "it has ranges of \(range.lowest.count) channels, expected 1 or \(channels)")
      }
    }
    return nil
  }
}
