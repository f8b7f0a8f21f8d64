import Testing
import ZooConversion
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A small member of each family, and files of its weights in every layout.
@Suite struct BinderTests {
  static let mobileNet = Variant(
    architecture: "mobilenet", definition: MobileNet(alpha: 1.0 / 32), input: InputShape(32, 32),
    head: .classifier(classes: 10, activation: .softmax))
  static let resNet = Variant(
    architecture: "resnet50", definition: ResNet.resNet50, input: InputShape(64, 64), head: .imageNet)
  static let vgg = Variant(
    architecture: "vgg16", definition: VGG.vgg16, input: InputShape(32, 32), head: .features(.none))

  enum Naming: CaseIterable {
    case named, storeWithNames, store, positional
  }

  static func entries(of graph: Graph, _ naming: Naming) -> [TensorEntry] {
    let places = Dictionary(uniqueKeysWithValues: graph.kerasLayerPlaces.map { ($0.node, $0) })
    var result: [TensorEntry] = []
    for index in graph.kerasOrder {
      let node = graph.nodes[index]
      for (variable, slot) in node.weights.enumerated() {
        let key = places[index].map {
          let className = node.operation.kerasClassName
          let number = Int($0.steps[0].group.dropFirst(className.count + 1))
          return StoreKey(container: "", className: className, ordinal: number ?? 0, variable: variable)
        }
        let entry =
          switch naming {
          case .named:
            TensorEntry(
              name: slot.name, shape: slot.shape, elementType: .float32, layer: slot.layer,
              variable: slot.role.rawValue)
          case .storeWithNames:
            TensorEntry(
              name: "s\(result.count)", shape: slot.shape, elementType: .float32, layer: slot.layer,
              storeKey: key)
          case .store:
            TensorEntry(name: "s\(result.count)", shape: slot.shape, elementType: .float32, storeKey: key)
          case .positional:
            TensorEntry(name: "arr_\(result.count)", shape: slot.shape, elementType: .float32)
          }
        result.append(entry)
      }
    }
    return result
  }

  static func layout(_ naming: Naming) -> WeightFileLayout {
    switch naming {
    case .named: .legacyWeights
    case .storeWithNames, .store: .kerasStore
    case .positional: .positionalArrays
    }
  }

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

  @Test(arguments: Naming.allCases, [mobileNet, resNet, vgg])
  func everySlotIsFilledOnceByItsTensor(naming: Naming, variant: Variant) throws {
    let (binder, graph) = try binder(variant)
    let entries = Self.entries(of: graph, naming)
    let binding = try binder.bind(MemoryFile(layout: Self.layout(naming), tensors: entries))
    #expect(binding.assignments.map(\.slot) == graph.weightSlots)
    #expect(Set(binding.assignments.map(\.entry)).count == graph.weightSlots.count)
    #expect(binding.unused.isEmpty)
    #expect(binding.assignments.allSatisfy { $0.transform == .none })
    // The entries were made in Keras' order of layers, which is the graph's.
    #expect(zip(entries, binding.assignments).allSatisfy { $0.0 == $0.1.entry })
  }

  /// Where tensors have names or places in the store, their order in the file is nothing.
  @Test(arguments: [Naming.named, .storeWithNames, .store], [mobileNet, resNet])
  func orderDoesNotMatter(naming: Naming, variant: Variant) throws {
    let (binder, graph) = try binder(variant)
    let entries = Self.entries(of: graph, naming)
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
    let (binder, graph) = try binder(Self.mobileNet)
    let expected: [(Naming, Binding.Evidence)] = [
      (.named, .name), (.storeWithNames, .layerAndIndex), (.store, .storeOrder), (.positional, .position),
    ]
    for (naming, evidence) in expected {
      let file = MemoryFile(layout: Self.layout(naming), tensors: Self.entries(of: graph, naming))
      #expect(try binder.bind(file).assignments.allSatisfy { $0.evidence == evidence })
    }
  }

  @Test func twoTensorsForOneSlotAreAConflict() throws {
    let (binder, graph) = try binder(Self.mobileNet)
    var entries = Self.entries(of: graph, .named)
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
    let (binder, graph) = try binder(Self.mobileNet)
    let failure = try failure(binder, Self.entries(of: graph, .named).filter { $0.name != name })
    #expect(failure.missing.map(\.name) == [name])
    #expect(failure.filled == graph.weightSlots.count - 1)
    #expect(failure.explanation.contains("no tensor for '\(name)'"))
  }

  @Test func bothShapesOfAMisfitAreNamed() throws {
    let (binder, graph) = try binder(Self.mobileNet)
    let entries = Self.entries(of: graph, .named).map { entry in
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
    let (binder, graph) = try binder(Self.mobileNet)
    let extra = ["conv_dw_14/depthwise_kernel", "conv1/bias", "optimizer/iterations"].map { name in
      TensorEntry(
        name: name, shape: [1], elementType: .float32, layer: String(name.prefix { $0 != "/" }),
        variable: name.split(separator: "/").last.map(String.init))
    }
    let binding = try binder.bind(
      MemoryFile(layout: .legacyWeights, tensors: extra + Self.entries(of: graph, .named)))
    #expect(binding.unused == extra)
  }

  @Test func positionsBeyondTheLastAreLeftOverAndTooFewAreMissing() throws {
    let (binder, graph) = try binder(Self.mobileNet)
    let entries = Self.entries(of: graph, .positional)
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
    let (binder, graph) = try binder(Self.resNet)
    let entries = Self.entries(of: graph, .named).map { entry in
      let layer = entry.layer.map(Self.olderResNetName) ?? ""
      return TensorEntry(
        name: "\(layer)/\(entry.variable ?? "")", shape: entry.shape, elementType: .float32, layer: layer,
        variable: entry.variable)
    }
    #expect(entries.contains { $0.layer == "res2a_branch2a" })
    #expect(entries.contains { $0.layer == "bn5c_branch2c" })
    #expect(entries.contains { $0.layer == "res4a_branch1" })
    let binding = try binder.bind(MemoryFile(layout: .legacyWeights, tensors: entries))
    #expect(zip(entries, binding.assignments).allSatisfy { $0.0 == $0.1.entry })
    #expect(binding.assignments.allSatisfy { Self.olderResNetName($0.slot.layer) == $0.entry.layer })
  }

  /// `conv2_block1_0_conv` is `res2a_branch1`, `conv2_block1_1_bn` is `bn2a_branch2a`.
  static func olderResNetName(_ name: String) -> String {
    switch name {
    case "conv1_conv": return "conv1"
    case "conv1_bn": return "bn_conv1"
    case "predictions": return "fc1000"
    default: break
    }
    let parts = name.split(separator: "_")
    guard parts.count == 4, let stage = parts[0].last, let block = Int(parts[1].dropFirst(5)),
      let place = Int(parts[2])
    else { return name }
    let letters = Array("abcdef")
    let branch = place == 0 ? "1" : "2\(letters[place - 1])"
    return "\(parts[3] == "bn" ? "bn" : "res")\(stage)\(letters[block - 1])_branch\(branch)"
  }

  /// A classifier's kernel as a matrix where the network has a 1x1 convolution.
  @Test func unitAxesAreAddedAndDropped() throws {
    let (binder, graph) = try binder(Self.mobileNet)
    let entries = Self.entries(of: graph, .named).map { entry in
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
    let (binder, graph) = try binder(Self.mobileNet)
    let entries = Self.entries(of: graph, .named).map { entry in
      guard entry.name == "conv_preds/kernel" else { return entry }
      return TensorEntry(
        name: entry.name, shape: [10, 32], elementType: .float32, layer: entry.layer, variable: entry.variable
      )
    }
    #expect(try failure(binder, entries).mismatches.count == 1)
  }

  @Test func integersAreNoWeights() throws {
    let (binder, graph) = try binder(Self.mobileNet)
    var file = MemoryFile(layout: .legacyWeights, tensors: Self.entries(of: graph, .named))
    file.values["conv1/kernel"] = StoredTensor(
      shape: [3, 3, 3, 1], elementType: .uint8, bytes: ByteSlice(HeapBytes([UInt8](repeating: 1, count: 27))))
    let weights = BoundWeights(file: file, binding: try binder.bind(file))
    let slot = try #require(graph.weightSlots.first)
    let error = try #require(throws: ZooError.self) { try weights.tensor(for: slot) }
    #expect(error.what == "unsupported tensor")
  }
}
