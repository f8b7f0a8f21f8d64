import ZooGraph
import ZooTensor

/// The layers after a node that its own step computes at no cost.
struct Fusion {
  /// The last node swallowed: what the step writes.
  var result: Int
  var layers: [String]
  var norms: [Norm] = []
  /// The other input of a sum.
  var residual: Place?
  var lo = -Float.infinity
  var hi = Float.infinity

  /// What a kernel can take in.
  enum Rules {
    /// Batch norms, one sum, one clamp: matrix products.
    case all
    /// Batch norms, one clamp: depthwise convolutions.
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
      case .batchNormalization(let norm):
        guard rules != .clampOnly, !isClamped, fusion.residual == nil else { return fusion }
        fusion.norms.append(Norm(operation: norm, slots: node.weights))
      case .activation(let activation):
        guard !isClamped, let (lo, hi) = activation.bounds else { return fusion }
        (fusion.lo, fusion.hi) = (lo, hi)
        isClamped = true
      case .add:
        guard rules == .all, !isClamped, fusion.residual == nil, node.inputs.count == 2,
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
