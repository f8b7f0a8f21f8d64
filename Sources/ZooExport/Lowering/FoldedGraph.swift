import ZooGraph
import ZooSystem
import ZooTensor

/// A network whose batch norms are a factor and a shift of each channel, where possible within the weights of the
/// layer before.
///
/// In 16-bit floats that is more exact and safer: variances may be too large or too small for them.
package struct FoldedGraph: Sendable {
  package let graph: Graph
  /// What the slots that are not the first graph's are computed from.
  private let origins: [WeightSlot: Origin]

  fileprivate enum Origin: Sendable {
    case same(WeightSlot)
    /// A kernel times the factors of its outputs, which lie `inner` numbers apart.
    case kernel(WeightSlot, ChannelMap, inner: Int, outputs: Int)
    case bias(WeightSlot?, ChannelMap, outputs: Int)
    case factors(ChannelMap, channels: Int)
    case shifts(ChannelMap, channels: Int)
    case filled(Float)
  }

  /// - Throws: `ZooError` where the graph would be too large.
  package init(_ first: Graph) throws(ZooError) {
    var readers = [[Int]](repeating: [], count: first.nodes.count)
    var isShared = [Bool](repeating: false, count: first.nodes.count)
    for (index, node) in first.nodes.enumerated() {
      for input in node.inputs { readers[input.index].append(index) }
      if let sharing = node.sharing {
        isShared[index] = true
        isShared[sharing.index] = true
      }
    }
    var layers = first.nodes.map {
      Graph.Layer(
        name: $0.name, operation: $0.operation, inputs: $0.inputs.map(\.index), sharing: $0.sharing?.index)
    }
    var origins: [WeightSlot: Origin] = [:]
    /// The layers that became a part of the next one.
    var absorbed: Set<Int> = []
    for (index, node) in first.nodes.enumerated() {
      guard let map = ChannelMap(node), let source = node.inputs.first else { continue }
      let before = first[source]
      if !isShared[index], !isShared[source.index], readers[source.index].count == 1,
        !first.outputs.contains(source), node.isFoldable, let operation = before.operation.withBias
      {
        layers[index] = Graph.Layer(
          name: node.name, operation: operation, inputs: before.inputs.map(\.index))
        absorbed.insert(source.index)
        Self.fold(before, into: node.name, map, &origins)
      } else if case .batchNormalization = node.operation {
        let channels = node.shape.dimensions.last ?? 1
        let isImage = node.shape.rank == 3 && !isShared[index]
        layers[index].operation =
          isImage
          ? .batchNormalization(BatchNormalization(epsilon: 0))
          : .channelAffine(ChannelAffine(scale: true, center: true))
        guard node.sharing == nil else { continue }
        func add(_ role: WeightRole, _ origin: Origin) {
          origins[WeightSlot(layer: node.name, role: role, shape: [channels])] = origin
        }
        add(.gamma, .factors(map, channels: channels))
        add(.beta, .shifts(map, channels: channels))
        if isImage {
          add(.movingMean, .filled(0))
          add(.movingVariance, .filled(1))
        }
      }
    }
    var places = [Int](repeating: 0, count: layers.count)
    var kept: [Graph.Layer] = []
    for (index, layer) in layers.enumerated() where !absorbed.contains(index) {
      places[index] = kept.count
      kept.append(
        Graph.Layer(
          name: layer.name, operation: layer.operation, inputs: layer.inputs.map { places[$0] },
          sharing: layer.sharing.map { places[$0] }))
    }
    graph = try Graph(layers: kept, outputs: first.outputs.map { places[$0.index] })
    self.origins = origins
  }

  /// The weights of `layer`, for the one called `name` that takes its place.
  private static func fold(
    _ layer: Node, into name: String, _ map: ChannelMap, _ origins: inout [WeightSlot: Origin]
  ) {
    guard let kernel = layer.weights.last(where: { $0.role != .bias }) else { return }
    let extents = kernel.shape.dimensions
    let (inner, outputs): (Int, Int) =
      switch layer.operation {
      case .transposedConvolution: (extents[3], extents[2])
      case .depthwiseConvolution: (1, extents[2] * extents[3])
      default: (1, extents.last ?? 1)
      }
    for slot in layer.weights where slot.role != .bias {
      let own = WeightSlot(layer: name, role: slot.role, shape: slot.shape)
      origins[own] =
        slot == kernel ? .kernel(slot, map, inner: inner, outputs: outputs) : .same(slot)
    }
    let bias = layer.weights.first { $0.role == .bias }
    origins[WeightSlot(layer: name, role: .bias, shape: [outputs])] = .bias(bias, map, outputs: outputs)
  }
}

extension FoldedGraph {
  /// The first graph's weights, for this one.
  package func weights(from source: any WeightSource) -> some WeightSource {
    FoldedWeights(source: source, origins: origins)
  }
}

private struct FoldedWeights: WeightSource {
  let source: any WeightSource
  let origins: [WeightSlot: FoldedGraph.Origin]

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    switch origins[slot] {
    case nil: return try source.tensor(for: slot)
    case .same(let origin): return try source.tensor(for: origin)
    case .kernel(let origin, let map, let inner, let outputs):
      let factors = try map.coefficients(channels: outputs, from: source).factors
      let tensor = try source.tensor(for: origin)
      var values = tensor.floats()
      tensor.bytes.letGo()
      var place = 0
      while place < values.count {
        for factor in factors {
          for index in place..<place + inner { values[index] = Float(Double(values[index]) * factor) }
          place += inner
        }
      }
      return StoredTensor(shape: slot.shape, values: values)
    case .bias(let origin, let map, let outputs):
      let (factors, shifts) = try map.coefficients(channels: outputs, from: source)
      let bias = try origin.map { try source.tensor(for: $0).doubles() }
      return StoredTensor(
        shape: slot.shape, values: (0..<outputs).map { Float((bias?[$0] ?? 0) * factors[$0] + shifts[$0]) })
    case .factors(let map, let channels):
      return StoredTensor(
        shape: slot.shape,
        values: try map.coefficients(channels: channels, from: source).factors.map { Float($0) })
    case .shifts(let map, let channels):
      return StoredTensor(
        shape: slot.shape,
        values: try map.coefficients(channels: channels, from: source).shifts.map { Float($0) })
    case .filled(let value):
      return StoredTensor(
        shape: slot.shape, values: [Float](repeating: value, count: slot.shape.elementCount))
    }
  }

  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    origins[slot] == nil ? try source.quantizedTensor(for: slot) : nil
  }
}

extension Node {
  /// Whether a factor and a shift of each channel can become a part of the layer before it.
  fileprivate var isFoldable: Bool {
    switch operation {
    case .batchNormalization, .layerScale, .channelAffine: true
    default: false
    }
  }
}

extension ZooGraph.Operation {
  /// The same layer with a bias, where it is linear in its weights and has no activation.
  fileprivate var withBias: Operation? {
    guard endActivation == .linear else { return nil }
    switch self {
    case .convolution(var layer):
      layer.useBias = true
      return .convolution(layer)
    case .depthwiseConvolution(var layer):
      layer.useBias = true
      return .depthwiseConvolution(layer)
    case .separableConvolution(var layer):
      layer.useBias = true
      return .separableConvolution(layer)
    case .transposedConvolution(var layer):
      layer.useBias = true
      return .transposedConvolution(layer)
    case .dense(var layer):
      layer.useBias = true
      return .dense(layer)
    default: return nil
    }
  }
}
