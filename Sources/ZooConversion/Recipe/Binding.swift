import ZooGraph
import ZooKeras
import ZooModels
import ZooTensor
import ZooWeightFiles

/// Which tensor of a weight file fills which slot of a graph, and why.
package struct Binding: Sendable {
  /// One tensor in one slot.
  package struct Assignment: Sendable {
    package let slot: WeightSlot
    package let entry: TensorEntry
    package let transform: LayoutTransform
    /// What the match rests on.
    package let evidence: Evidence
    /// What else speaks for it.
    package internal(set) var witnesses: Set<Witness>
    /// How many other slots have this one's shape: where there are some, the shape does not settle the match.
    package let alike: Int
  }

  /// What says that a tensor belongs to a slot; the shape has to fit in any case.
  package enum Evidence: String, Sendable {
    case name = "layer and weight name"
    case layerAndIndex = "layer name and position among its weights"
    case storeOrder = "position in the Keras 3 store, counted per class in the order of the layers"
    case position = "position in the order of get_weights()"
    case layerPosition = "position in the order of layers and of each layer's weights"
    case arrayOrder = "position in the archive, because its names are not those of layers"
  }

  /// One for every slot of the graph, in its order.
  package internal(set) var assignments: [Assignment]
  /// The file's tensors that no slot takes.
  package let unused: [TensorEntry]
  /// How kernels are stored in the file.
  package var kernelOrder = KernelOrder.tensorFlow

  /// Whether nothing but an order that no format promises tells tensors of one shape apart.
  package var isAmbiguous: Bool { assignments.contains { $0.evidence == .arrayOrder && $0.alike > 0 } }

  mutating func add(_ witness: Witness, where isConcerned: (Assignment) -> Bool = { _ in true }) {
    for index in assignments.indices where isConcerned(assignments[index]) {
      assignments[index].witnesses.insert(witness)
    }
  }
}

/// Why a file's tensors do not fill a graph.
package struct BindingFailure: Error {
  /// The slots without a tensor.
  package var missing: [WeightSlot] = []
  /// Tensors whose shape is not that of the slot that their name says.
  package var mismatches: [(entry: TensorEntry, slot: WeightSlot)] = []
  /// Slots that two tensors claim.
  package var conflicts: [(slot: WeightSlot, entries: [TensorEntry])] = []
  /// Where names and order disagree, in words.
  package var disagreement: String?
  /// How many slots were filled, to tell near misses from strangers.
  package var filled = 0

  /// The first problem in words.
  package var explanation: String {
    if let (entry, slot) = mismatches.first {
      return "tensor '\(entry.name)' has the shape \(entry.shape), '\(slot.name)' needs \(slot.shape)"
        + more(mismatches.count - 1, "more shapes differ")
    }
    if let (slot, entries) = conflicts.first {
      return "\(entries.count) tensors match '\(slot.name)': "
        + entries.map { "'\($0.name)'" }.joined(separator: ", ")
    }
    if let slot = missing.first {
      return "no tensor for '\(slot.name)' of shape \(slot.shape)"
        + more(missing.count - 1, "more are missing")
    }
    return disagreement ?? "nothing fits"
  }

  private func more(_ count: Int, _ words: String) -> String { count > 0 ? "; \(count) \(words)" : "" }
}

/// Fills the slots of a graph from a weight file: every slot exactly once, by the best evidence that
/// the file's layout offers.
package struct Binder {
  private let graph: Graph
  /// The node indices in the order of Keras' `model.layers`.
  private let layerOrder: [Int]
  /// Where Keras 3's store keeps each node.
  private let nodesByStorePath: [String: Node]
  /// The graph's name for a layer that the file may call otherwise.
  private let layerName: (String) -> String?
  /// Whether the file lists its layers in exactly ``layerOrder``, as a file with its own configuration does.
  private let orderIsExact: Bool
  /// Whether tensors stay where their names say although the order of the file says otherwise.
  package var trustsNames = false
  package var kernelOrder = KernelOrder.tensorFlow

  /// A binder for a network of the catalogue, whose layers older files call by other names.
  package init(graph: Graph, architecture: Architecture) {
    self.graph = graph
    layerOrder = graph.kerasOrder
    nodesByStorePath = Self.nodes(of: graph, at: graph.kerasLayerPlaces)
    layerName = { architecture.layer(named: $0, in: graph) }
    orderIsExact = false
  }

  /// A binder for a network with the file's own layer names.
  package init(network: KerasNetwork) {
    let graph = network.graph
    self.graph = graph
    layerOrder = network.layerOrder.map(\.node)
    nodesByStorePath = Dictionary(
      network.layerOrder.map { ($0.storePath, graph.nodes[$0.node]) }, uniquingKeysWith: { first, _ in first }
    )
    layerName = { $0 }
    orderIsExact = true
  }

  /// A binder for a network whose layers the file calls as the graph does, or has at `places` of Keras' store;
  /// where there are none, at those of a Keras model with the graph's layers.
  init(graph: Graph, places: [KerasPlace]) {
    let all = places.isEmpty ? graph.kerasLayerPlaces : places
    self.graph = graph
    layerOrder = all.map(\.node)
    nodesByStorePath = Self.nodes(of: graph, at: all)
    layerName = { $0 }
    orderIsExact = false
  }

  private static func nodes(of graph: Graph, at places: [KerasPlace]) -> [String: Node] {
    Dictionary(
      places.map { ($0.storePath, graph.nodes[$0.node]) }, uniquingKeysWith: { first, _ in first })
  }

  /// A binder for tensors that bear the names of the graph's own slots.
  init(graph: Graph) {
    self.graph = graph
    layerOrder = []
    nodesByStorePath = [:]
    layerName = { $0 }
    orderIsExact = false
  }

  /// Matches all tensors of a file.
  package func bind(_ file: some WeightFile) throws(BindingFailure) -> Binding {
    try bind(file.tensors, layout: file.layout)
  }

  func bind(_ entries: [TensorEntry], layout: WeightFileLayout) throws(BindingFailure) -> Binding {
    var claims: [WeightSlot: [(TensorEntry, Binding.Evidence)]] = [:]
    var unused: [TensorEntry] = []
    for (entry, claim) in zip(entries, self.claims(of: entries, layout: layout)) {
      if let (slot, evidence) = claim {
        claims[slot, default: []].append((entry, evidence))
      } else {
        unused.append(entry)
      }
    }
    var binding = try settle(claims, unused: unused)
    binding.kernelOrder = kernelOrder
    switch order(of: binding, among: entries, layout: layout) {
    case .silent: break
    case .agrees(let slots): binding.add(.order) { slots.contains($0.slot) }
    case .contradicts(let why):
      guard trustsNames else {
        var failure = BindingFailure()
        failure.filled = binding.assignments.count
        failure.disagreement = why
        throw failure
      }
    }
    return binding
  }

  private func settle(
    _ claims: [WeightSlot: [(TensorEntry, Binding.Evidence)]], unused: [TensorEntry]
  ) throws(BindingFailure) -> Binding {
    var failure = BindingFailure()
    var assignments: [Binding.Assignment] = []
    let slots = graph.weightSlots
    let counts = slots.reduce(into: [Shape: Int]()) { $0[$1.shape, default: 0] += 1 }
    for slot in slots {
      let claimants = claims[slot] ?? []
      guard let (entry, evidence) = claimants.first else {
        failure.missing.append(slot)
        continue
      }
      guard claimants.count == 1 else {
        failure.conflicts.append((slot, claimants.map(\.0)))
        continue
      }
      guard let node = graph.node(named: slot.layer),
        let transform = LayoutTransform(entry.shape, to: slot, of: node, in: graph, order: kernelOrder)
      else {
        failure.mismatches.append((entry, slot))
        continue
      }
      assignments.append(
        .init(
          slot: slot, entry: entry, transform: transform, evidence: evidence, witnesses: evidence.witnesses,
          alike: counts[slot.shape, default: 1] - 1))
    }
    failure.filled = assignments.count
    guard failure.missing.isEmpty, failure.mismatches.isEmpty, failure.conflicts.isEmpty else {
      throw failure
    }
    return Binding(assignments: assignments, unused: unused)
  }

  /// The slot that each tensor belongs to as the file has it, or nil for one that the graph lacks.
  private func claims(
    of entries: [TensorEntry], layout: WeightFileLayout
  ) -> [(WeightSlot, Binding.Evidence)?] {
    switch layout {
    case .legacyWeights, .legacyModel:
      return entries.map { (slot(byNameOf: $0) ?? slot(byScopeOf: $0)).map { ($0, .name) } }
    case .zoo:
      return entries.map { slot(byNameOf: $0).map { ($0, .name) } }
    case .namedArrays, .safetensors:
      let named = entries.map { slot(byNameOf: $0) }
      guard named.contains(where: { $0 != nil }) else {
        return claims(byPositionOf: entries, .arrayOrder)
      }
      return named.map { $0.map { ($0, .name) } }
    case .kerasStore, .kerasArchive, .kerasShards:
      return entries.map { entry in
        guard let key = entry.storeKey else { return slot(byNameOf: entry).map { ($0, .name) } }
        if let layer = entry.layer {
          return (node(at: key, named: layer) ?? node(named: layer))?.weights.element(at: key.variable)
            .map { ($0, .layerAndIndex) }
        }
        return nodesByStorePath[key.layerPath]?.weights.element(at: key.variable).map { ($0, .storeOrder) }
      }
    case .positionalArrays:
      return claims(byPositionOf: entries, .position)
    case .numberedLayers:
      return claims(byLayerOf: entries)
    }
  }

  private func claims(
    byPositionOf entries: [TensorEntry], _ evidence: Binding.Evidence
  ) -> [(WeightSlot, Binding.Evidence)?] {
    let slots = layerOrder.flatMap { graph.nodes[$0].weights }
    return entries.indices.map { slots.element(at: $0).map { ($0, evidence) } }
  }

  /// The layers with weights, one after the other, must have as many weights as the graph's.
  private func claims(byLayerOf entries: [TensorEntry]) -> [(WeightSlot, Binding.Evidence)?] {
    let nodes = layerOrder.map { graph.nodes[$0] }.filter { !$0.weights.isEmpty }
    let counts = Dictionary(grouping: entries, by: \.storeKey?.ordinal).mapValues(\.count)
    var places: [Int: Int] = [:]
    return entries.map { entry in
      guard let key = entry.storeKey else { return nil }
      let place = places[key.ordinal] ?? places.count
      places[key.ordinal] = place
      guard let node = nodes.element(at: place), counts[key.ordinal] == node.weights.count else { return nil }
      return node.weights.element(at: key.variable).map { ($0, .layerPosition) }
    }
  }

  private func slot(byNameOf entry: TensorEntry) -> WeightSlot? {
    guard let layer = entry.layer,
      let node = entry.container.flatMap({ graph.node(named: "\($0)/\(layer)") }) ?? node(named: layer)
    else { return nil }
    return slot(of: node, entry)
  }

  /// What the file lists as a layer may be a model with one layer inside, whose name is in the weight's alone.
  private func slot(byScopeOf entry: TensorEntry) -> WeightSlot? {
    guard entry.container == nil, let scope = entry.name.split(separator: "/").dropLast().last,
      let node = node(named: String(scope))
    else { return nil }
    return slot(of: node, entry)
  }

  private func slot(of node: Node, _ entry: TensorEntry) -> WeightSlot? {
    guard let variable = entry.variable else { return nil }
    if let slot = node.weights.first(where: { $0.role.rawValue == variable }) { return slot }
    // Keras' LayerScale gives its only weight no name.
    if case .layerScale = node.operation, variable.hasPrefix("variable") { return node.weights.first }
    // Keras 3 calls the kernel of a depthwise layer just 'kernel'.
    guard variable == WeightRole.kernel.rawValue, case .depthwiseConvolution = node.operation else {
      return nil
    }
    return node.weights.first { $0.role == .depthwiseKernel }
  }

  /// The node at a place in the store, where it has this name, whatever models it is nested in.
  private func node(at key: StoreKey, named name: String) -> Node? {
    guard let node = nodesByStorePath[key.layerPath] else { return nil }
    return node.name == name || node.name.hasSuffix("/" + name) ? node : nil
  }

  private func node(named name: String) -> Node? { layerName(name).flatMap { graph.node(named: $0) } }
}

// MARK: - Order

extension Binder {
  /// What the order of the tensors in a file says about their match by name.
  private enum Order {
    case silent
    case agrees(Set<WeightSlot>)
    case contradicts(String)
  }

  private func order(of binding: Binding, among entries: [TensorEntry], layout: WeightFileLayout) -> Order {
    switch layout {
    case .legacyWeights, .legacyModel: orderOfLayers(binding, among: entries, mayContradict: true)
    case .namedArrays, .safetensors: orderOfLayers(binding, among: entries, mayContradict: false)
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
    let named = binding.assignments.filter { $0.evidence == .name }
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
    for assignment in binding.assignments where assignment.evidence == .layerAndIndex {
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

extension Array {
  fileprivate func element(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
