import ZooGraph
import ZooTensor

extension Planner {
  /// Follows the only reader of each value as long as the kernel can take it in, and swallows it.
  ///
  /// The order is that of the arithmetic: norms, then a sum, then a clamp.
  mutating func fuse(after index: Int, rules: Fusion.Rules, activation: Activation = .linear) -> Fusion {
    var fusion = fuseLayers(after: index, rules: rules, activation: activation)
    if activation.bounds != nil, isReadRectified(fusion.result) {
      fusion.lo = max(fusion.lo, 0)
      fusion.isRectified = true
    }
    return fusion
  }

  private mutating func fuseLayers(
    after index: Int, rules: Fusion.Rules, activation: Activation
  ) -> Fusion {
    var fusion = Fusion(result: index, layers: [graph.nodes[index].name])
    var isClamped = activation != .linear
    if let (lo, hi) = activation.bounds { (fusion.lo, fusion.hi) = (lo, hi) }
    while !pinned.contains(fusion.result), readers[fusion.result].count == 1 {
      let next = readers[fusion.result][0]
      let node = graph.nodes[next]
      if program?.layers[next] != nil { return fusion }
      switch node.operation {
      case .identity, .activation(.linear):
        break
      case .batchNormalization, .normalization, .rescaling, .layerScale:
        guard rules == .all || rules == .normsAndClamp, !isClamped, fusion.residual == nil,
          let norm = ChannelMap(node)
        else {
          return fusion
        }
        fusion.norms.append(norm)
      case .activation(let activation):
        guard !isClamped, let (lo, hi) = activation.bounds else { return fusion }
        (fusion.lo, fusion.hi) = (lo, hi)
        isClamped = true
      case .merge(.add):
        guard rules == .all || rules == .sumAndClamp, !isClamped, fusion.residual == nil,
          node.inputs.count == 2,
          node.inputs.allSatisfy({ graph[$0].shape == node.shape }),
          let other = node.inputs.first(where: { $0.index != fusion.result })?.index,
          case .place(let place) = values.states[other]
        else { return fusion }
        fusion.residual = place
        didRead(other)
      default: return fusion
      }
      swallowed.insert(next)
      fusion.layers.append(node.name)
      fusion.result = next
    }
    return fusion
  }

  /// Whether a value is only ever read through a ReLU: by such layers, or as a part of a concatenation that
  /// is.
  func isReadRectified(_ value: Int) -> Bool {
    guard !pinned.contains(value), !readers[value].isEmpty else { return false }
    if readers[value].allSatisfy({ graph.nodes[$0].operation == .activation(.relu) }) { return true }
    guard readers[value].count == 1 else { return false }
    let join = readers[value][0]
    return graph.nodes[join].operation == .concatenate && isReadRectified(join)
  }

  /// Binds what a fused step wrote.
  mutating func finish(_ fusion: Fusion, in place: Place) {
    bind(fusion.result, to: .place(place))
    if fusion.isRectified {
      values.rectified.insert(fusion.result)
    } else {
      didProduce(fusion.result)
    }
  }
}
