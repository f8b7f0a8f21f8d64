import ZooSystem

extension Graph {
  /// The indices of the nodes in the order of Keras' `model.layers`.
  ///
  /// That is: by the longest distance to an output, descending; at equal distance in the order in
  /// which a depth-first walk from the outputs meets them (`map_graph` in `keras/src/ops/function.py`).
  /// The order is topological. Nodes that no output depends on are no part of a Keras model and are
  /// left out; inputs that no output depends on come last but before the layers at distance 0.
  package var kerasOrder: [Int] {
    var firstSeen = [Int?](repeating: nil, count: nodes.count)
    var finished: [Int] = []
    var isFinished = [Bool](repeating: false, count: nodes.count)
    var seen = 0
    for output in outputs where !isFinished[output.index] {
      var path: [(node: Int, nextInput: Int)] = [(output.index, 0)]
      while let (node, next) = path.last {
        if firstSeen[node] == nil {
          firstSeen[node] = seen
          seen += 1
        }
        if next < nodes[node].inputs.count {
          path[path.count - 1].nextInput += 1
          let input = nodes[node].inputs[next].index
          if firstSeen[input] == nil { path.append((input, 0)) }
        } else {
          isFinished[node] = true
          finished.append(node)
          path.removeLast()
        }
      }
    }
    var distance = [Int](repeating: 0, count: nodes.count)
    for node in finished.reversed() {
      for input in nodes[node].inputs {
        distance[input.index] = max(distance[input.index], distance[node] + 1)
      }
    }
    let unused = inputs.map(\.index).filter { firstSeen[$0] == nil }
    return (finished + unused).sorted { a, b in
      (-distance[a], firstSeen[a] ?? -1, a) < (-distance[b], firstSeen[b] ?? -1, b)
    }
  }

  /// The same network with its nodes in the order of Keras' `model.layers`.
  package func inKerasOrder() throws(ZooError) -> Graph {
    try Graph(self, order: kerasOrder)
  }
}
