import ZooGraph
import ZooWeightFiles

extension Binder {
  /// What the order of the tensors in a file says about their match by name.
  enum Order {
    case silent
    case agrees(Set<WeightSlot>)
    case contradicts(String)
  }

  func order(of binding: Binding, among entries: [TensorEntry], layout: WeightFileLayout) -> Order {
    switch layout {
    case .legacyWeights, .legacyModel: orderOfLayers(binding, among: entries, mayContradict: true)
    case .namedArrays, .safetensors, .pyTorch: orderOfLayers(binding, among: entries, mayContradict: false)
    case .kerasStore, .kerasArchive, .kerasShards: orderInStore(binding)
    case .positionalArrays, .numberedLayers, .zoo: .silent
    }
  }

  /// Keras lists layers in the order of `model.layers`. Of a whole model that order is known exactly; of
  /// other files it depends on the writer's version in which order branches come, but never does a layer
  /// stand before one that it reads. Within a layer, the order of weights is always the same.
  ///
  /// Layers of nested models are left out: what was frozen when the file was written changes their order.
  private func orderOfLayers(
    _ binding: Binding, among entries: [TensorEntry], mayContradict: Bool
  ) -> Order {
    // A kernel with a low-rank update is frozen, and stands behind the bias.
    let updated = Set(binding.assignments.filter { $0.update != nil }.map(\.slot.layer))
    let named = binding.assignments.filter { $0.rule == .name && !updated.contains($0.slot.layer) }
    let slots = Dictionary(named.map { ($0.entry, $0.slot) }, uniquingKeysWith: { first, _ in first })
    let matched = entries.filter { $0.container == nil }.compactMap { entry in slots[entry] }
    var layers: [String] = []
    for slot in matched where layers.last != slot.layer { layers.append(slot.layer) }
    let found = Set(layers)
    let expected = layerOrder.map { graph.nodes[$0] }.filter { found.contains($0.name) }

    let byLayer = Dictionary(grouping: matched, by: \.layer)
    for node in expected {
      let places = byLayer[node.name] ?? []
      guard mayContradict, places != node.weights.filter({ places.contains($0) }) else { continue }
      return .contradicts(
        "names and order disagree: in layer '\(node.name)' the file has "
          + places.map(\.role.rawValue).joined(separator: ", ") + ", Keras writes "
          + node.weights.map(\.role.rawValue).joined(separator: ", "))
    }
    let all = Set(matched)
    if layers == expected.map(\.name), matched == expected.flatMap(\.weights).filter(all.contains) {
      return .agrees(all)
    }
    guard mayContradict else { return .silent }
    if orderIsExact {
      let (here, there) = zip(layers, expected.map(\.name)).first { $0 != $1 } ?? ("", "")
      return .contradicts(
        "names and order disagree: the file has layer '\(here)' where the configuration has '\(there)'")
    }
    return firstAheadOfItsInput(layers).map { layer, input in
      .contradicts(
        "names and order disagree: the file has layer '\(layer)' before '\(input)', from which it gets its input"
      )
    } ?? .silent
  }

  /// The first layer that `layers` lists before one that it depends on, with the latter.
  private func firstAheadOfItsInput(_ layers: [String]) -> (layer: String, input: String)? {
    let places = Dictionary(
      layers.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    // Of every node, the layer that stands last in the file of all that it depends on, itself included.
    var last: [(place: Int, name: String)?] = []
    for node in graph.nodes {
      let input = node.inputs.compactMap { last[$0.index] }.max { $0.place < $1.place }
      let own = places[node.name].map { (place: $0, name: node.name) }
      if let own, let input, own.place < input.place { return (own.name, input.name) }
      last.append(own ?? input)
    }
    return nil
  }

  /// A store has both a name and a number for every layer.
  private func orderInStore(_ binding: Binding) -> Order {
    var agreeing: Set<WeightSlot> = []
    for assignment in binding.assignments where assignment.rule == .layerAndIndex {
      guard let key = assignment.entry.storeKey else { continue }
      let byOrder = nodesByStorePath[key.layerPath]
      if byOrder?.name == assignment.slot.layer {
        agreeing.insert(assignment.slot)
      } else if orderIsExact || binding.unused.isEmpty, let byOrder {
        return .contradicts(
          "names and order disagree: '\(assignment.entry.name)' is named '\(assignment.slot.layer)', "
            + "but its number is that of '\(byOrder.name)'")
      }
    }
    return .agrees(agreeing)
  }
}
