import ZooGraph
import ZooTensor

/// The layers after a node that its own step computes at no cost.
struct Fusion {
  /// The last node swallowed: what the step writes.
  var result: Int
  var layers: [String]
  var norms: [ChannelMap] = []
  /// The other input of a sum.
  var residual: Place?
  var lo = -Float.infinity
  var hi = Float.infinity

  /// What a kernel can take in.
  enum Rules {
    /// Norms by channel, one sum, one clamp: matrix products.
    case all
    /// Norms by channel, one clamp: depthwise and transposed convolutions.
    case normsAndClamp
    /// One clamp.
    case clampOnly
  }
}

extension Activation {
  /// The range that it cuts its input off at, where that is all it does.
  var bounds: (lo: Float, hi: Float)? {
    switch self {
    case .linear: (-.infinity, .infinity)
    case .relu(let maxValue, 0, 0): (0, maxValue.map(Float.init) ?? .infinity)
    default: nil
    }
  }
}

extension Planner {
  /// Follows the only reader of each value as long as the kernel can take it in, and swallows it.
  ///
  /// The order is that of the arithmetic: norms, then a sum, then a clamp.
  mutating func fuse(after index: Int, rules: Fusion.Rules, activation: Activation = .linear) -> Fusion {
    var fusion = Fusion(result: index, layers: [graph.nodes[index].name])
    var isClamped = activation != .linear
    if let (lo, hi) = activation.bounds { (fusion.lo, fusion.hi) = (lo, hi) }
    while !pinned.contains(fusion.result), readers[fusion.result].count == 1 {
      let next = readers[fusion.result][0]
      let node = graph.nodes[next]
      switch node.operation {
      case .identity, .activation(.linear):
        break
      case .batchNormalization, .normalization, .rescaling, .channelScaling:
        guard rules != .clampOnly, !isClamped, fusion.residual == nil, let norm = ChannelMap(node) else {
          return fusion
        }
        fusion.norms.append(norm)
      case .activation(let activation):
        guard !isClamped, let (lo, hi) = activation.bounds else { return fusion }
        (fusion.lo, fusion.hi) = (lo, hi)
        isClamped = true
      case .merge(.add):
        guard rules == .all, !isClamped, fusion.residual == nil, node.inputs.count == 2,
          node.inputs.allSatisfy({ graph[$0].shape == node.shape }),
          let other = node.inputs.first(where: { $0.index != fusion.result })?.index,
          case .place(let place) = bindings[other]
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

  /// Binds what a fused step wrote.
  mutating func finish(_ fusion: Fusion, in place: Place) {
    bind(fusion.result, to: .place(place))
    didProduce(fusion.result)
  }
}
