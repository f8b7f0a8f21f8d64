import ZooSystem
import ZooTensor

/// A network whose separable convolutions are two layers each, a depthwise convolution and one of 1x1: only so can
/// what lies between them have a range, and be computed in codes of 8 bits.
package struct SplitGraph: Sendable {
  package let graph: Graph
  /// What each slot of the new graph is called in the first one, where that is something else.
  private let origins: [WeightSlot: WeightSlot]

  /// The name of the first half of a layer.
  private static func firstHalf(_ name: String) -> String { "\(name)/depthwise" }

  /// - Throws: `ZooError` where two layers would have one name.
  package init(_ first: Graph) throws(ZooError) {
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
          name: Self.firstHalf(node.name), operation: .depthwiseConvolution(depthwise), inputs: inputs,
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
          origins[WeightSlot(layer: Self.firstHalf(node.name), role: slot.role, shape: slot.shape)] = slot
        case .pointwiseKernel:
          origins[WeightSlot(layer: node.name, role: .kernel, shape: slot.shape)] = slot
        default: break
        }
      }
    }
    self.origins = origins
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
