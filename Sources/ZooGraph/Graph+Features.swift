import ZooSystem

// A network up to its features, and a new head behind them.

extension Graph {
  /// The network as far as `taps` need it, ending in one vector of features: maps are averaged over their pixels,
  /// other values flattened, and several joined in the order of `taps`.
  ///
  /// Layers keep their names and weights; the order of the taps is the order of the features.
  ///
  /// - Throws: `ZooError` where no tap is given or one has no elements to flatten.
  package func endingInFeatures(of taps: [Value]) throws(ZooError) -> Graph {
    var (builder, values) = needed(for: taps)
    let names = FreshNames(self)
    var vectors: [Value] = []
    for tap in taps {
      guard let value = values[tap] else { continue }
      let name = taps.count == 1 ? "features" : "features_\(vectors.count + 1)"
      switch self[tap].shape.rank {
      case 1: vectors.append(value)
      case 3:
        let pooling = Operation.globalAveragePooling(keepDimensions: false)
        vectors.append(builder.add(names.fresh(name), pooling, value))
      default: vectors.append(builder.add(names.fresh(name), .flatten, value))
      }
    }
    guard let first = vectors.first else {
      throw ZooError.invalidNetwork(layer: "", "features of no layer were asked for")
    }
    let joined =
      vectors.count == 1 ? first : builder.add(names.fresh("features"), .concatenate, vectors)
    return try builder.build(outputs: [joined])
  }

  /// The layers that `taps` need, with these as the outputs. Layers keep their names and weights.
  package func cut(to taps: [Value]) throws(ZooError) -> Graph {
    let (builder, values) = needed(for: taps)
    return try builder.build(outputs: taps.compactMap { values[$0] })
  }

  /// The layers that `taps` need, and where their values are.
  private func needed(for taps: [Value]) -> (builder: GraphBuilder, values: [Value: Value]) {
    var kept = Set(taps)
    for index in nodes.indices.reversed() where kept.contains(Value(index: index)) {
      kept.formUnion(nodes[index].inputs)
      if let sharing = nodes[index].sharing { kept.insert(sharing) }
    }
    var builder = GraphBuilder()
    var values: [Value: Value] = [:]
    for (index, node) in nodes.enumerated() where kept.contains(Value(index: index)) {
      values[Value(index: index)] = builder.add(
        node.name, node.operation, node.inputs.compactMap { values[$0] },
        sharing: node.sharing.flatMap { values[$0] })
    }
    return (builder, values)
  }

  /// The network with heads behind its only output, whose outputs take the place of its own.
  ///
  /// - Parameter heads: each head's layers, every one reading the one before. A name that is taken gets a number.
  /// - Returns: the graph, and the names that the layers got.
  package func appending(
    heads: [[(name: String, operation: Operation)]]
  ) throws(ZooError) -> (graph: Graph, names: [[String]]) {
    let names = FreshNames(self)
    var layers = layers
    var given: [[String]] = []
    var ends: [Int] = []
    for head in heads {
      var input = outputs[0].index
      given.append([])
      for (name, operation) in head {
        let fresh = names.fresh(name)
        layers.append(Layer(name: fresh, operation: operation, inputs: [input]))
        input = layers.count - 1
        given[given.count - 1].append(fresh)
      }
      ends.append(input)
    }
    return (try Graph(layers: layers, outputs: ends), given)
  }
}

/// Names for new layers that no layer has yet.
private final class FreshNames {
  private var taken: Set<String>

  init(_ graph: Graph) { taken = Set(graph.nodes.map(\.name)) }

  /// `name`, with a number behind it where that is taken.
  func fresh(_ name: String) -> String {
    var candidate = name
    var number = 1
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }
}
