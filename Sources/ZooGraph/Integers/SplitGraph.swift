import ZooSystem
import ZooTensor

/// A network whose separable convolutions are two layers each, a depthwise convolution and one of 1x1: only so can
/// what lies between them have a range, and be computed in codes of 8 bits.
package struct SplitGraph: Sendable {
  package let graph: Graph
  /// What each slot of the new graph is called in the first one, where that is something else.
  private let origins: [WeightSlot: WeightSlot]

  /// By the layer's name, what its first half is called; the second keeps the name.
  private let firstHalves: [String: String]

  /// Whether a graph has separable convolutions.
  package static func applies(to graph: Graph) -> Bool {
    graph.nodes.contains { if case .separableConvolution = $0.operation { true } else { false } }
  }

  /// - Throws: `ZooError` where the graph would be too large.
  package init(_ first: Graph) throws(ZooError) {
    var names = Set(first.nodes.map(\.name))
    var firstHalves: [String: String] = [:]
    func firstHalf(_ name: String) -> String {
      if let known = firstHalves[name] { return known }
      var half = "\(name)_depthwise"
      while !names.insert(half).inserted { half += "_" }
      firstHalves[name] = half
      return half
    }
    var layers: [Graph.Layer] = []
    var places: [Int] = []
    var halves: [Int: Int] = [:]
    for (index, node) in first.nodes.enumerated() {
      let inputs = node.inputs.map { places[$0.index] }
      guard case .separableConvolution(let c) = node.operation else {
        layers.append(
          Graph.Layer(
            name: node.name, operation: node.operation, inputs: inputs,
            sharing: node.sharing.map { places[$0.index] }))
        places.append(layers.count - 1)
        continue
      }
      let depthwise = DepthwiseConvolution(
        multiplier: c.multiplier, kernel: c.kernel, strides: c.strides, padding: c.padding,
        dilation: c.dilation,
        useBias: false)
      let pointwise = Convolution(
        filters: c.filters, kernel: .one, strides: .one, padding: .valid, useBias: c.useBias,
        activation: c.activation)
      layers.append(
        Graph.Layer(
          name: firstHalf(node.name), operation: .depthwiseConvolution(depthwise), inputs: inputs,
          sharing: node.sharing.flatMap { halves[$0.index] }))
      halves[index] = layers.count - 1
      layers.append(
        Graph.Layer(
          name: node.name, operation: .convolution(pointwise), inputs: [layers.count - 1],
          sharing: node.sharing.map { places[$0.index] }))
      places.append(layers.count - 1)
    }
    graph = try Graph(layers: layers, outputs: first.outputs.map { places[$0.index] })
    var origins: [WeightSlot: WeightSlot] = [:]
    for (index, node) in first.nodes.enumerated() where halves[index] != nil && node.sharing == nil {
      for slot in node.weights {
        switch slot.role {
        case .depthwiseKernel:
          origins[WeightSlot(layer: firstHalf(node.name), role: slot.role, shape: slot.shape)] = slot
        case .pointwiseKernel:
          origins[WeightSlot(layer: node.name, role: .kernel, shape: slot.shape)] = slot
        default: break
        }
      }
    }
    self.origins = origins
    self.firstHalves = firstHalves
  }

  /// By each slot of the first graph that is another one here, that one.
  package var renamed: [WeightSlot: WeightSlot] {
    Dictionary(origins.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// What training needs to know of the first graph's layers, for this one's.
  package func training(_ first: [String: LayerTraining]) -> [String: LayerTraining] {
    var training = first
    for (layer, half) in firstHalves {
      guard let whole = first[layer] else { continue }
      func part(_ roles: [WeightRole: WeightRole]) -> LayerTraining {
        var part = whole
        part.regularizers = [:]
        part.initializers = [:]
        for (role, new) in roles {
          part.regularizers[new] = whole.regularizers[role]
          part.initializers[new] = whole.initializers[role]
        }
        return part
      }
      let parts = [
        half: part([.depthwiseKernel: .depthwiseKernel]),
        layer: part([.pointwiseKernel: .kernel, .bias: .bias]),
      ]
      for (name, part) in parts { training[name] = part.isUsual ? nil : part }
    }
    return training
  }

  /// The first graph's weights, for this one.
  package func weights(from source: any WeightSource) -> some WeightSource {
    SplitWeights(source: source, origins: origins)
  }
}

private struct SplitWeights: WeightSource {
  let source: any WeightSource
  let origins: [WeightSlot: WeightSlot]

  func tensor(for slot: WeightSlot) throws -> StoredTensor { try source.tensor(for: origins[slot] ?? slot) }

  func tensor(for slot: WeightSlot, sharing share: WorkSharing) throws -> StoredTensor {
    try source.tensor(for: origins[slot] ?? slot, sharing: share)
  }

  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    try source.quantizedTensor(for: origins[slot] ?? slot)
  }
}
