import Testing
import ZooConversion
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

@Suite struct BinderTests {
  private func binder(_ variant: Variant) throws -> (Binder, Graph) {
    let graph = try variant.graph()
    return (
      Binder(graph: graph, architecture: try #require(Catalog.architecture(named: variant.architecture))),
      graph
    )
  }

  private func failure(_ binder: Binder, _ entries: [TensorEntry]) throws -> BindingFailure {
    try #require(throws: BindingFailure.self) {
      try binder.bind(MemoryFile(layout: .legacyWeights, tensors: entries))
    }
  }

  @Test(
    arguments: SmallNetworks.Naming.allCases,
    [SmallNetworks.mobileNet, SmallNetworks.resNet, SmallNetworks.vgg])
  func everySlotIsFilledOnceByItsTensor(naming: SmallNetworks.Naming, variant: Variant) throws {
    let (binder, graph) = try binder(variant)
    let entries = SmallNetworks.entries(of: graph, naming)
    let binding = try binder.bind(MemoryFile(layout: SmallNetworks.layout(naming), tensors: entries))
    #expect(binding.assignments.map(\.slot) == graph.weightSlots)
    #expect(Set(binding.assignments.map(\.entry)).count == graph.weightSlots.count)
    #expect(binding.unused.isEmpty)
    #expect(binding.assignments.allSatisfy { $0.transform == .none })
    // The entries were made in Keras' order of layers, which is the graph's.
    #expect(zip(entries, binding.assignments).allSatisfy { $0.0 == $0.1.entry })
  }

  /// Where tensors have names or places in the store, their order in the file is nothing.
  @Test(
    arguments: [SmallNetworks.Naming.named, .storeWithNames, .store],
    [SmallNetworks.mobileNet, SmallNetworks.resNet])
  func orderDoesNotMatter(naming: SmallNetworks.Naming, variant: Variant) throws {
    let (binder, graph) = try binder(variant)
    let entries = SmallNetworks.entries(of: graph, naming)
    var random = SplitMix(seed: 5)
    // Keras' older HDF5 promises an order, a dictionary of arrays does not.
    let layout = naming == .named ? WeightFileLayout.namedArrays : .kerasStore
    let sorted = try binder.bind(MemoryFile(layout: layout, tensors: entries))
    for _ in 0..<5 {
      let shuffled = try binder.bind(
        MemoryFile(layout: layout, tensors: entries.shuffled(using: &random)))
      #expect(shuffled.assignments.map(\.entry) == sorted.assignments.map(\.entry))
    }
  }

  @Test func whatEachMatchRestsOnIsSaid() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let expected: [(SmallNetworks.Naming, Binding.MatchRule)] = [
      (.named, .name), (.storeWithNames, .layerAndIndex), (.store, .storeOrder), (.positional, .position),
    ]
    for (naming, rule) in expected {
      let file = MemoryFile(
        layout: SmallNetworks.layout(naming), tensors: SmallNetworks.entries(of: graph, naming))
      #expect(try binder.bind(file).assignments.allSatisfy { $0.rule == rule })
    }
  }

  @Test func twoTensorsForOneSlotAreAConflict() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    var entries = SmallNetworks.entries(of: graph, .named)
    entries.append(
      TensorEntry(
        name: "copy", shape: entries[0].shape, elementType: .float32, layer: "conv1", variable: "kernel"))
    let failure = try failure(binder, entries)
    #expect(failure.conflicts.map(\.slot.name) == ["conv1/kernel"])
    #expect(failure.missing.isEmpty && failure.mismatches.isEmpty)
    #expect(failure.explanation == "2 tensors match 'conv1/kernel': 'conv1/kernel', 'copy'")
  }

  @Test(arguments: ["conv1/kernel", "conv_pw_7_bn/moving_mean", "conv_preds/bias"])
  func aMissingTensorIsNamed(name: String) throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let failure = try failure(binder, SmallNetworks.entries(of: graph, .named).filter { $0.name != name })
    #expect(failure.missing.map(\.name) == [name])
    #expect(failure.filled == graph.weightSlots.count - 1)
    #expect(failure.explanation.contains("no tensor for '\(name)'"))
  }

  @Test func bothShapesOfAMisfitAreNamed() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let entries = SmallNetworks.entries(of: graph, .named).map { entry in
      guard entry.name == "conv_pw_3/kernel" else { return entry }
      return TensorEntry(
        name: entry.name, shape: [1, 1, 7, 9], elementType: .float32, layer: entry.layer,
        variable: entry.variable)
    }
    let failure = try failure(binder, entries)
    #expect(failure.mismatches.map(\.slot.name) == ["conv_pw_3/kernel"])
    #expect(
      failure.explanation
        == "tensor 'conv_pw_3/kernel' has the shape 1x1x7x9, 'conv_pw_3/kernel' needs 1x1x4x4")
  }

  @Test func whatTheNetworkLacksIsLeftOver() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let extra = [
      ("conv_dw_14", "depthwise_kernel"), ("conv1", "bias"), ("optimizer", "iterations"),
    ].map { (layer: String, variable: String) in
      TensorEntry(
        name: "\(layer)/\(variable)", shape: [1], elementType: .float32, layer: layer, variable: variable)
    }
    let binding = try binder.bind(
      MemoryFile(layout: .legacyWeights, tensors: extra + SmallNetworks.entries(of: graph, .named)))
    #expect(binding.unused == extra)
  }

  @Test func positionsBeyondTheLastAreLeftOverAndTooFewAreMissing() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let entries = SmallNetworks.entries(of: graph, .positional)
    let extra = TensorEntry(name: "arr_\(entries.count)", shape: [3], elementType: .float32)
    let binding = try binder.bind(MemoryFile(layout: .positionalArrays, tensors: entries + [extra]))
    #expect(binding.unused == [extra])
    let failure = try #require(throws: BindingFailure.self) {
      try binder.bind(MemoryFile(layout: .positionalArrays, tensors: entries.dropLast()))
    }
    #expect(failure.missing.map(\.name) == ["conv_preds/bias"])
  }

  /// The names that ResNet-50's layers had in the older files.
  @Test func olderNamesFindTheirLayers() throws {
    let (binder, graph) = try binder(SmallNetworks.resNet)
    let entries = SmallNetworks.entries(of: graph, .named).map { entry in
      let layer = entry.layer.map(SmallNetworks.olderResNetName) ?? ""
      return TensorEntry(
        name: "\(layer)/\(entry.variable ?? "")", shape: entry.shape, elementType: .float32, layer: layer,
        variable: entry.variable)
    }
    #expect(entries.contains { $0.layer == "res2a_branch2a" })
    #expect(entries.contains { $0.layer == "bn5c_branch2c" })
    #expect(entries.contains { $0.layer == "res4a_branch1" })
    let binding = try binder.bind(MemoryFile(layout: .legacyWeights, tensors: entries))
    #expect(zip(entries, binding.assignments).allSatisfy { $0.0 == $0.1.entry })
    #expect(binding.assignments.allSatisfy { SmallNetworks.olderResNetName($0.slot.layer) == $0.entry.layer })
  }

  /// A classifier's kernel as a matrix where the network has a 1x1 convolution.
  @Test func unitAxesAreAddedAndDropped() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let entries = SmallNetworks.entries(of: graph, .named).map { entry in
      guard entry.name == "conv_preds/kernel" else { return entry }
      return TensorEntry(
        name: entry.name, shape: [32, 10], elementType: .float32, layer: entry.layer, variable: entry.variable
      )
    }
    let values = (0..<320).map { Float($0) }
    var file = MemoryFile(layout: .legacyWeights, tensors: entries)
    file.values["conv_preds/kernel"] = StoredTensor(shape: [32, 10], values: values)
    let binding = try binder.bind(file)
    let slot = try #require(graph.weightSlots.first { $0.name == "conv_preds/kernel" })
    #expect(binding.assignments.filter { $0.transform == .unitAxes }.map(\.slot) == [slot])
    let tensor = try BoundWeights(file: file, binding: binding).tensor(for: slot)
    #expect(tensor.shape == [1, 1, 32, 10])
    #expect(tensor.floats() == values)
  }

  @Test func axesOfOtherExtentsAreNoUnitAxes() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    let entries = SmallNetworks.entries(of: graph, .named).map { entry in
      guard entry.name == "conv_preds/kernel" else { return entry }
      return TensorEntry(
        name: entry.name, shape: [10, 32], elementType: .float32, layer: entry.layer, variable: entry.variable
      )
    }
    #expect(try failure(binder, entries).mismatches.count == 1)
  }

  @Test func integersAreNoWeights() throws {
    let (binder, graph) = try binder(SmallNetworks.mobileNet)
    var file = MemoryFile(layout: .legacyWeights, tensors: SmallNetworks.entries(of: graph, .named))
    file.values["conv1/kernel"] = StoredTensor(
      shape: [3, 3, 3, 1], elementType: .uint8, bytes: ByteSlice(HeapBytes([UInt8](repeating: 1, count: 27))))
    let weights = BoundWeights(file: file, binding: try binder.bind(file))
    let slot = try #require(graph.weightSlots.first)
    let error = try #require(throws: ZooError.self) { try weights.tensor(for: slot) }
    #expect(error.code == .unsupported && error.what == "unsupported tensor")
  }
}
