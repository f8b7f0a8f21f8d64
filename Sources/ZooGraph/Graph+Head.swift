import ZooTensor

/// What the end of a network says about its use.
extension Graph {
  /// What the values of the only output, a vector, are; nil where there are several outputs or no vector.
  package var outputKind: OutputKind? {
    guard outputs.count == 1, let output = outputs.first, self[output].shape.rank == 1 else { return nil }
    let count = self[output].shape[0]
    let head = head(of: output)
    if head.activations.isEmpty || !head.activations.allSatisfy(\.isProbability) { return .values }
    if head.isSideBySide { return .independent }
    // Every pixel of a map has its own softmax; only a single one is a distribution.
    if head.activations.allSatisfy({ $0.function == .softmax && $0.width == count }) { return .classes }
    return count == 1 && head.activations.allSatisfy { $0.function != .softmax } ? .twoClasses : .independent
  }

  /// The number of classes, where the values of the only output are probabilities.
  package var classCount: Int? {
    switch outputKind {
    case .classes, .independent: outputs.first.map { self[$0].shape[0] }
    case .twoClasses: 2
    case .values, nil: nil
    }
  }

  /// Whether this many labels name what the network tells apart: one per value, or both classes of a
  /// single sigmoid.
  package func takes(labelCount: Int) -> Bool {
    switch outputKind {
    case .twoClasses: labelCount == 1 || labelCount == 2
    case .classes, .independent, .values: labelCount == outputs.first.map { self[$0].shape[0] }
    case nil: false
    }
  }

  /// The feature map (H, W, C) that the head begins with, on the way to the first output: what goes into the
  /// last global pooling, whatever its size; without one, the last map with more than one pixel, or a smaller
  /// one behind it that is the output or goes into dense layers. The output itself where there is no map.
  package var topFeatures: Value {
    var value = outputs[0]
    var hasDense = false
    // A map of one pixel, which is the features unless a global pooling made it.
    var pixel: Value?
    while true {
      let node = self[value]
      let isMap = node.shape.rank == 3
      if isMap, node.shape[0] * node.shape[1] > 1 { return pixel ?? value }
      guard let next = node.inputs.first else { return pixel ?? outputs[0] }
      if isGlobalPooling(node) { return next }
      if isMap, pixel == nil, hasDense || value == outputs[0] { pixel = value }
      // A global pooling further up is part of a block, not of the head.
      if let pixel, node.inputs.count > 1 { return pixel }
      if case .dense = node.operation { hasDense = true }
      value = next
    }
  }

  private func isGlobalPooling(_ node: Node) -> Bool {
    switch node.operation {
    case .globalAveragePooling, .globalMaxPooling: return true
    case .averagePooling(let pooling):
      guard let input = node.inputs.first, node.shape.rank == 3 else { return false }
      let shape = self[input].shape
      return node.shape[0] * node.shape[1] == 1 && pooling.window.height >= shape[0]
        && pooling.window.width >= shape[1]
    default: return false
    }
  }

  // MARK: Last activations

  /// The activations that a value comes from without being changed but for its shape, or averaged.
  private struct HeadActivations {
    struct Function {
      let function: Activation
      /// The extent of its last axis.
      let width: Int

      var isProbability: Bool {
        switch function {
        case .softmax, .sigmoid, .hardSigmoid: true
        default: false
        }
      }
    }
    /// Empty where something else computes one of the values.
    var activations: [Function] = []
    var isSideBySide = false
  }

  private func head(of output: Value) -> HeadActivations {
    var head = HeadActivations()
    var pending = [output]
    var seen: Set<Value> = []
    // A loop and no recursion: a file's author decides how many layers follow each other.
    while let value = pending.popLast() {
      guard seen.insert(value).inserted else { continue }
      let node = self[value]
      switch node.operation {
      case .concatenate:
        head.isSideBySide = true
        pending += node.inputs
        continue
      case .reshape, .flatten, .identity, .permute, .averagePooling, .globalAveragePooling,
        .merge(.average):
        pending += node.inputs
        continue
      default: break
      }
      guard let activation = node.operation.endActivation else { return HeadActivations() }
      if activation == .linear, case .activation = node.operation {
        pending += node.inputs
        continue
      }
      head.activations.append(.init(function: activation, width: node.shape.dimensions.last ?? 0))
    }
    return head
  }
}
