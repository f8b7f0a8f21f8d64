import ZooGraph
import ZooTensor
import ZooWeightFiles

/// A layer of a compared file, for files that say neither which network they hold nor call weights alike.
struct ComparedLayer {
  let name: String
  /// Layers of the same sequence stand in the order of the model's; nil where that is not told.
  let sequence: String?
  /// In Keras' order of a layer's weights.
  let tensors: [ComparedModel.Tensor]

  var shapes: [Shape] { tensors.map(\.shape) }
}

extension ComparedModel {
  /// The layers of the file in its order; nil where a tensor belongs to none, or its place in its layer is not told.
  var layers: [ComparedLayer]? {
    var names: [String] = []
    var members: [String: [TensorEntry]] = [:]
    for entry in file.tensors {
      let place = entry.storeKey.map { "\($0.container)/\($0.className)_\($0.ordinal)" }
      guard
        let name = entry.layer.map({ [entry.container, $0].compactMap(\.self).joined(separator: "/") })
          ?? place ?? unplaced(entry)
      else { return nil }
      if members[name] == nil { names.append(name) }
      members[name, default: []].append(entry)
    }
    var layers: [ComparedLayer] = []
    for name in names {
      guard let entries = members[name].flatMap(inOrder) else { return nil }
      layers.append(
        ComparedLayer(name: name, sequence: entries.first.flatMap(sequence), tensors: entries.map(tensor)))
    }
    return layers
  }

  /// A tensor that Keras keeps for no layer is compared under its own name.
  private func unplaced(_ entry: TensorEntry) -> String? {
    switch file.layout {
    case .legacyWeights, .legacyModel, .numberedLayers, .kerasStore, .kerasArchive, .kerasShards: entry.name
    case .namedArrays, .positionalArrays, .safetensors, .pyTorch, .zoo: nil
    }
  }

  /// The weights of one layer as Keras orders them: as the file does, or by what they are.
  private func inOrder(_ entries: [TensorEntry]) -> [TensorEntry]? {
    switch file.layout {
    case .legacyWeights, .legacyModel, .numberedLayers, .kerasStore, .kerasArchive, .kerasShards:
      return entries
    case .namedArrays, .positionalArrays, .safetensors, .pyTorch, .zoo:
      let ranks = entries.compactMap { entry in
        WeightRole.allCases.firstIndex { $0.rawValue == entry.variable }.map { (rank: $0, entry) }
      }
      guard ranks.count == entries.count else { return nil }
      return ranks.sorted { $0.rank < $1.rank }.map(\.1)
    }
  }

  private func sequence(_ entry: TensorEntry) -> String? {
    switch file.layout {
    // In models inside the model, what was frozen comes last.
    case .legacyWeights, .legacyModel: entry.container == nil ? "" : nil
    case .numberedLayers: ""
    case .kerasStore, .kerasArchive, .kerasShards:
      entry.storeKey.map { "\($0.container)/\($0.className)" }
    case .namedArrays, .positionalArrays, .safetensors, .pyTorch, .zoo: nil
    }
  }
}

/// Which layers of two files are the same one.
struct LayerMatching {
  var pairs: [(ComparedLayer, ComparedLayer)] = []
  /// Layers that could be each other's, in words.
  var ambiguous: [String] = []

  /// By their names.
  init(byName first: [ComparedLayer], _ second: [ComparedLayer]) {
    let named = Dictionary(second.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    pairs = first.compactMap { layer in named[layer.name].map { (layer, $0) } }
  }

  /// By their order among the layers of the same shapes; nil where the files have layers of different shapes.
  init?(byOrder first: [ComparedLayer], _ second: [ComparedLayer]) {
    let others = Dictionary(grouping: second, by: \.shapes)
    let groups = Dictionary(grouping: first, by: \.shapes)
    guard groups.mapValues(\.count) == others.mapValues(\.count) else { return nil }
    var done: Set<[Shape]> = []
    for layer in first where done.insert(layer.shapes).inserted {
      let (here, there) = (groups[layer.shapes] ?? [], others[layer.shapes] ?? [])
      if here.count == 1 || Self.isOrdered(here) && Self.isOrdered(there) {
        pairs += zip(here, there)
      } else {
        let list = { (layers: [ComparedLayer]) in layers.map { "'\($0.name)'" }.joined(separator: ", ") }
        ambiguous.append(
          "\(list(here)) and \(list(there)) have weights of the same shapes, and the files do not determine their order"
        )
      }
    }
  }

  private static func isOrdered(_ layers: [ComparedLayer]) -> Bool {
    layers.allSatisfy { $0.sequence != nil } && Set(layers.map(\.sequence)).count == 1
  }
}
