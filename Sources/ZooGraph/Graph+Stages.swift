import ZooTensor

extension Graph {
  /// The last map (H, W, C) of each resolution on the way to ``topFeatures``, from the input on, that one included.
  ///
  /// Maps of the input's own resolution are left out. Where branches run side by side, the last map that all of them
  /// pass through stands for its resolution.
  ///
  /// - Parameter limit: the most stages; the last ones.
  package func stages(limit: Int) -> [Value] {
    let top = topFeatures
    var kept: Set<Value> = [top]
    for index in nodes.indices.reversed() where kept.contains(Value(index: index)) {
      kept.formUnion(nodes[index].inputs)
    }
    // The last node that reads each one.
    var lastReader = [Int](repeating: 0, count: nodes.count)
    for value in kept.sorted(by: { $0.index < $1.index }) {
      for input in self[value].inputs { lastReader[input.index] = value.index }
    }
    var stages: [(height: Int, width: Int, value: Value, isWhole: Bool)] = []
    let input = self[inputs[0]].shape
    var open = 0
    for value in kept.sorted(by: { $0.index < $1.index }) {
      let node = self[value]
      // Nothing that was made before is read later.
      let isWhole = open <= value.index
      open = max(open, lastReader[value.index])
      guard node.shape.rank == 3, node.shape[0] * node.shape[1] > 1 || value == top, !node.isPadding,
        input.rank != 3 || node.shape[0] < input[0]
      else { continue }
      let (height, width) = (node.shape[0], node.shape[1])
      if let place = stages.firstIndex(where: { $0.height == height && $0.width == width }) {
        if isWhole || !stages[place].isWhole { stages[place] = (height, width, value, isWhole) }
      } else {
        stages.append((height, width, value, isWhole))
      }
    }
    // The top stands for its own resolution.
    let own = self[top].shape
    let others = stages.filter { own.rank != 3 || $0.height != own[0] || $0.width != own[1] }
    return Array((others.map(\.value) + [top]).suffix(limit))
  }
}

extension Node {
  /// Whether it only adds or cuts off edges.
  fileprivate var isPadding: Bool {
    switch operation {
    case .zeroPadding, .cropping: true
    default: false
    }
  }
}
