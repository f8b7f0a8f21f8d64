import ZooGraph
import ZooKeras
import ZooModels
import ZooTensor
import ZooWeightFiles

/// Fills the slots of a graph from a weight file: every slot exactly once, by the best rule that
/// the file's layout offers.
package struct Binder {
  let graph: Graph
  /// The node indices in the order of Keras' `model.layers`.
  let layerOrder: [Int]
  /// Where Keras 3's store keeps each node.
  let nodesByStorePath: [String: Node]
  /// The graph's name for a layer that the file may call otherwise.
  private let layerName: (String) -> String?
  /// By node and role: the weights that the file has with other axes than the graph.
  private var storedAxes: [String: [WeightRole: StoredAxes]] = [:]
  /// Whether the file lists its layers in exactly ``layerOrder``, as a file with its own configuration does.
  let orderIsExact: Bool
  /// Whether tensors stay where their names say although the order of the file says otherwise.
  package var trustsNames = false
  package var kernelLayout = KernelLayout.tensorFlow
  /// By the layer's name, what its low-rank update is multiplied by; none where no configuration says it.
  private var updateFactors: [String: Double] = [:]

  /// A binder for a network of the catalogue, whose layers older files call by other names.
  ///
  /// - Parameters:
  ///   - places: where Keras' model of it keeps the layers; by default as one flat model.
  ///   - numbering: of the automatic names in the file.
  package init(
    graph: Graph, architecture: Architecture, places: [KerasPlace]? = nil,
    numbering: AutomaticNames = AutomaticNames()
  ) {
    let places = places ?? graph.kerasLayerPlaces
    self.graph = graph
    layerOrder = places.map(\.node)
    nodesByStorePath = Self.nodes(of: graph, at: places)
    layerName = { architecture.layer(named: $0, in: graph, numbering: numbering) }
    orderIsExact = false
  }

  /// A binder for a network with the file's own layer names.
  package init(network: KerasNetwork) {
    let graph = network.graph
    self.graph = graph
    layerOrder = network.layerOrder.map(\.node)
    storedAxes = network.storedAxes
    nodesByStorePath = Dictionary(
      network.layerOrder.map { ($0.storePath, graph.nodes[$0.node]) }, uniquingKeysWith: { first, _ in first }
    )
    // A layer of several nodes has its weights in one that does not have its name alone.
    var weighted: [String: String] = [:]
    for place in network.layerOrder {
      let name = graph.nodes[place.node].name
      guard !graph.nodes[place.node].weights.isEmpty, name != place.layer, !name.hasSuffix("/" + place.layer),
        let end = name.lastIndex(of: "/")
      else { continue }
      weighted[String(name[..<end])] = name
    }
    let names = weighted
    layerName = { names[$0] ?? $0 }
    orderIsExact = true
    updateFactors = network.updateFactors
  }

  /// A binder for a network whose layers the file calls as the graph does, or has at `places` of Keras'
  /// store; where there are none, at those of a Keras model with the graph's layers.
  init(graph: Graph, places: [KerasPlace]) {
    let all = places.isEmpty ? graph.kerasLayerPlaces : places
    self.graph = graph
    layerOrder = all.map(\.node)
    nodesByStorePath = Self.nodes(of: graph, at: all)
    layerName = { $0 }
    orderIsExact = false
  }

  /// A binder for a network whose layers a file calls as `layerNames` says, by the file's names.
  init(graph: Graph, layerNames: [String: String]) {
    self.graph = graph
    layerOrder = graph.kerasOrder
    nodesByStorePath = [:]
    layerName = { layerNames[$0] }
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
    var claims: [WeightSlot: [(TensorEntry, Binding.MatchRule)]] = [:]
    var unused: [TensorEntry] = []
    for (entry, claim) in zip(entries, self.claims(of: entries, layout: layout)) {
      if let (slot, rule) = claim {
        claims[slot, default: []].append((entry, rule))
      } else {
        unused.append(entry)
      }
    }
    var binding = try settle(claims, unused: unused)
    binding.kernelLayout = kernelLayout
    binding.assignScales()
    binding.assignUpdates(factors: updateFactors)
    if let adapter = binding.unused.first(where: { $0.variable?.hasPrefix("lora_") == true }) {
      var failure = BindingFailure()
      failure.filled = binding.assignments.count
      failure.disagreement =
        "'\(adapter.name)' is part of an update of its layer's kernel (LoRA), but the configuration does not say "
        + "so or the shapes do not fit; a .keras file has the sum"
      throw failure
    }
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
    _ claims: [WeightSlot: [(TensorEntry, Binding.MatchRule)]], unused: [TensorEntry]
  ) throws(BindingFailure) -> Binding {
    var failure = BindingFailure()
    var assignments: [Binding.Assignment] = []
    let slots = graph.weightSlots
    let counts = slots.reduce(into: [Shape: Int]()) { $0[$1.shape, default: 0] += 1 }
    for slot in slots {
      let claimants = claims[slot] ?? []
      guard let (entry, rule) = claimants.first else {
        failure.missing.append(slot)
        continue
      }
      guard claimants.count == 1 else {
        failure.conflicts.append((slot, claimants.map(\.0)))
        continue
      }
      guard let node = graph.node(named: slot.layer),
        let transform = transform(entry.shape, to: slot, of: node)
      else {
        failure.mismatches.append((entry, slot))
        continue
      }
      assignments.append(
        .init(
          slot: slot, entry: entry, transform: transform, rule: rule, witnesses: rule.witnesses,
          alike: counts[slot.shape, default: 1] - 1))
    }
    failure.filled = assignments.count
    guard failure.missing.isEmpty, failure.mismatches.isEmpty, failure.conflicts.isEmpty else {
      throw failure
    }
    return Binding(assignments: assignments, unused: unused)
  }

  private func transform(_ source: Shape, to slot: WeightSlot, of node: Node) -> LayoutTransform? {
    if let stored = storedAxes[slot.layer]?[slot.role] {
      return LayoutTransform(source, stored: stored, to: slot)
    }
    return LayoutTransform(source, to: slot, of: node, in: graph, order: kernelLayout)
  }

  /// The slot that each tensor belongs to as the file has it, or nil for one that the graph lacks.
  private func claims(
    of entries: [TensorEntry], layout: WeightFileLayout
  ) -> [(WeightSlot, Binding.MatchRule)?] {
    switch layout {
    case .legacyWeights, .legacyModel:
      return entries.map { (slot(byNameOf: $0) ?? slot(byScopeOf: $0)).map { ($0, .name) } }
    case .zoo:
      return entries.map { slot(byNameOf: $0).map { ($0, .name) } }
    case .namedArrays, .safetensors, .pyTorch:
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
    byPositionOf entries: [TensorEntry], _ rule: Binding.MatchRule
  ) -> [(WeightSlot, Binding.MatchRule)?] {
    let slots = layerOrder.flatMap { graph.nodes[$0].weights }
    var place = 0
    return entries.map { entry in
      guard !entry.isCounter else { return nil }
      defer { place += 1 }
      return slots.element(at: place).map { ($0, rule) }
    }
  }

  /// The layers with weights, one after the other, must have as many weights as the graph's.
  private func claims(byLayerOf entries: [TensorEntry]) -> [(WeightSlot, Binding.MatchRule)?] {
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
      let node = entry.container.flatMap({ node(named: "\($0)/\(layer)") }) ?? node(named: layer)
    else { return nil }
    return slot(of: node, entry)
  }

  /// What the file lists as a layer may be a model with one layer inside, whose name is in the weight's
  /// alone.
  private func slot(byScopeOf entry: TensorEntry) -> WeightSlot? {
    guard entry.container == nil, let scope = entry.name.split(separator: "/").dropLast().last,
      let node = node(named: String(scope))
    else { return nil }
    return slot(of: node, entry)
  }

  private func slot(of node: Node, _ entry: TensorEntry) -> WeightSlot? {
    guard let variable = entry.variable else { return nil }
    if let slot = node.weights.first(where: { $0.role.rawValue == variable }) { return slot }
    // Keras' LayerScale gives its only weight no name, its RMSNormalization another one.
    if case .layerScale = node.operation,
      variable.lowercased().hasPrefix("variable") || ["scale", "layer_scale"].contains(variable)
    {
      return node.weights.first
    }
    // PyTorch calls kernels and scales weights, and shifts biases.
    if variable == "weight" {
      if entry.layer?.split(separator: ".").last?.hasPrefix("pointwise") == true,
        let slot = node.weights.first(where: { $0.role == .pointwiseKernel })
      {
        return slot
      }
      return node.weights.first { [.kernel, .depthwiseKernel, .gamma].contains($0.role) }
    }
    if variable == "bias" { return node.weights.first { $0.role == .beta } }
    // Keras' ResNeXt is made of depthwise convolutions.
    if variable == WeightRole.depthwiseKernel.rawValue, case .convolution(let c) = node.operation,
      c.groups > 1
    {
      return node.weights.first { $0.role == .kernel }
    }
    // Keras 3 calls the kernel of a depthwise layer just 'kernel'.
    guard variable == WeightRole.kernel.rawValue, case .depthwiseConvolution = node.operation else {
      return nil
    }
    return node.weights.first { $0.role == .depthwiseKernel }
  }

  /// The node at a place in the store, where it has this name, whatever models it is nested in.
  private func node(at key: StoreKey, named name: String) -> Node? {
    guard let node = nodesByStorePath[key.layerPath] else { return nil }
    let own = layerName(name) ?? name
    return node.name == own || node.name.hasSuffix("/" + own) ? node : nil
  }

  private func node(named name: String) -> Node? { layerName(name).flatMap { graph.node(named: $0) } }
}

extension Array {
  fileprivate func element(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}

extension TensorEntry {
  /// Whether it is one whole number: what a Normalization has counted, which is no weight.
  var isCounter: Bool { shape.elementCount == 1 && !elementType.isFloatingPoint }
}
