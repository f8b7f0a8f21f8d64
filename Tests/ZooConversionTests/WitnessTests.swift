import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// Names, order, shapes and bytes as witnesses of a match, and what happens where they disagree.
@Suite struct WitnessTests {
  private func binder(_ variant: Variant, trustsNames: Bool = false) throws -> Binder {
    var binder = Binder(
      graph: try variant.graph(),
      architecture: try #require(Catalog.architecture(named: variant.architecture)))
    binder.trustsNames = trustsNames
    return binder
  }

  private func named() throws -> [TensorEntry] {
    SmallNetworks.entries(of: try SmallNetworks.mobileNet.graph(), .named)
  }

  private func disagreement(_ file: MemoryFile, _ variant: Variant = SmallNetworks.mobileNet) throws -> String
  {
    let failure = try #require(throws: BindingFailure.self) { try binder(variant).bind(file) }
    #expect(throws: Never.self) { try binder(variant, trustsNames: true).bind(file) }
    return failure.explanation
  }

  @Test func everyWitnessIsNamed() throws {
    let graph = try SmallNetworks.mobileNet.graph()
    let expected: [(SmallNetworks.Naming, Set<Witness>)] = [
      (.named, [.names, .order, .shape]), (.storeWithNames, [.names, .order, .shape]),
      (.store, [.order, .shape]), (.positional, [.order, .shape]),
    ]
    for (naming, witnesses) in expected {
      let file = MemoryFile(
        layout: SmallNetworks.layout(naming), tensors: SmallNetworks.entries(of: graph, naming))
      let binding = try binder(SmallNetworks.mobileNet).bind(file)
      #expect(binding.assignments.allSatisfy { $0.witnesses == witnesses })
      let kernel = try #require(binding.assignments.first)
      #expect(kernel.slot.name == "conv1/kernel")
      #expect(kernel.alike == graph.weightSlots.count { $0.shape == kernel.slot.shape } - 1)
    }
  }

  /// Two layers of one shape that have exchanged their names.
  @Test func namesAgainstTheOrderOfLayers() throws {
    var entries = try named()
    let places = try ["conv_pw_8", "conv_pw_9"].map { layer in
      try #require(entries.firstIndex { $0.layer == layer })
    }
    entries.swapAt(places[0], places[1])
    let why = try disagreement(MemoryFile(layout: .legacyWeights, tensors: entries))
    #expect(why.contains("names and order disagree"))
    #expect(why.contains("layer 'conv_pw_8_bn' before 'conv_pw_8'"), "\(why)")
    // In a dictionary, order means nothing.
    let binding = try binder(SmallNetworks.mobileNet).bind(MemoryFile(layout: .namedArrays, tensors: entries))
    #expect(binding.assignments.allSatisfy { $0.witnesses == [.names, .shape] })
  }

  @Test func namesAgainstTheOrderWithinALayer() throws {
    var entries = try named()
    let gamma = try #require(entries.firstIndex { $0.name == "conv1_bn/gamma" })
    entries.swapAt(gamma, gamma + 1)
    let why = try disagreement(MemoryFile(layout: .legacyWeights, tensors: entries))
    #expect(
      why.contains("in layer 'conv1_bn' the file has beta, gamma") && why.contains("Keras writes gamma, beta")
    )
  }

  @Test func namesAgainstNumbersInAStore() throws {
    let graph = try SmallNetworks.resNet.graph()
    let pair = ["conv2_block1_0_conv", "conv2_block1_3_conv"]
    let entries = SmallNetworks.entries(of: graph, .storeWithNames).map { entry in
      guard let index = pair.firstIndex(of: entry.layer ?? "") else { return entry }
      return TensorEntry(
        name: entry.name, shape: entry.shape, elementType: entry.elementType, layer: pair[1 - index],
        storeKey: entry.storeKey)
    }
    let why = try disagreement(MemoryFile(layout: .kerasStore, tensors: entries), SmallNetworks.resNet)
    #expect(why.contains("'conv2_block1_3_conv'") && why.contains("'conv2_block1_0_conv'"), "\(why)")
  }

  // MARK: Genuine files of Keras 2.1.3

  private func keras213(_ network: String) throws -> MemoryFile {
    let archive = try NumPyArchive(path: fixture("dialects/keras213.names.npz"))
    let bytes = try #require(try archive.array(named: network)).floats().map { UInt8($0) }
    var entries: [TensorEntry] = []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t")
      for field in fields.dropFirst() {
        let parts = field.split(separator: " ")
        let extents = parts[1].split(separator: "x").compactMap { Int($0) }
        entries.append(
          TensorEntry(
            name: "\(fields[0])/\(parts[0])", shape: Shape(extents), elementType: .float32,
            layer: String(fields[0]),
            variable: parts[0].split(separator: "/").last.map { String($0.dropLast(2)) }))
      }
    }
    return MemoryFile(layout: .legacyWeights, writer: "keras 2.1.3", tensors: entries)
  }

  /// What the layers of the published networks were called, and the order in which they were written.
  @Test(arguments: [("mobilenet", 137), ("nasnetmobile", 1126), ("resnet50", 320)])
  func olderNamesFillEverySlot(network: String, count: Int) throws {
    let recipe = try Recipe(file: keras213(network))
    #expect(recipe.card.architecture == network)
    #expect(recipe.binding.assignments.count == count && recipe.binding.unused.isEmpty)
    #expect(recipe.binding.assignments.allSatisfy { $0.witnesses.isSuperset(of: [.names, .shape]) })
    if network == "resnet50" {
      #expect(recipe.explanation.contains("older published file"))
      #expect(recipe.binding.assignments.allSatisfy { $0.witnesses.contains(.order) })
      #expect(recipe.graph.node(named: "pool1_pad") == nil)
    }
  }

  @Test func olderNamesWithAPaddedPoolingAreOfTheLaterCode() throws {
    struct Listed: WeightFile {
      var base: MemoryFile
      var path: String { base.path }
      var layout: WeightFileLayout { base.layout }
      var writer: String? { base.writer }
      var tensors: [TensorEntry] { base.tensors }
      var ignored: [(name: String, reason: String)] { [] }
      var modelConfiguration: JSONValue? { nil }
      var layerNames: [String] { ["pool1_pad"] }
      func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor { try base.read(entry) }
    }
    let recipe = try Recipe(file: Listed(base: keras213("resnet50")))
    #expect(recipe.graph.node(named: "pool1_pad") != nil)
    #expect(recipe.card.variant.contains("keras-2018, epsilon 0.001"))
    #expect(recipe.labels.count == 1000)
  }

  // MARK: Hashes

  @Test func bothHashesAreOfAllBytes() throws {
    try withFolder { folder in
      let paths = ["a", "b"].map { folder.appending(path: $0).path }
      try Data("ab".utf8).write(to: URL(filePath: paths[0]))
      try Data("c".utf8).write(to: URL(filePath: paths[1]))
      let hashes = SourceHashes(files: try paths.map { path throws(ZooError) in try MappedFile(path: path) })
      #expect(hashes.md5 == "900150983cd24fb0d6963f7d28e17f72")
      #expect(
        hashes.checksum.hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      #expect(hashes.byteCount == 3)
    }
  }

  /// The hash decides even where the names would say otherwise.
  @Test func aPublishedFileIsKnownByItsHash() throws {
    let path = fixture("models/resnet.k2w.h5")
    var options = RecipeOptions()
    options.hashes = SourceHashes(files: [try MappedFile(path: path)])
    options.published = { hash in
      guard case .md5("7e2e66c5860acaee982e13d79b72428c") = hash else { return nil }
      return PublishedFile(
        address: "https://example.org/resnet_old.h5", hashes: [hash],
        variant: Variant(
          architecture: "resnet50",
          definition: ResNet(depths: [2, 2, 1], width: 4, convention: .keras2018), input: InputShape(40, 33),
          head: .classifier(classes: 10, activation: .softmax)))
    }
    let recipe = try Recipe(path: path, options: options)
    #expect(recipe.publishedFile?.fileName == "resnet_old.h5")
    #expect(recipe.explanation.hasPrefix("published as resnet_old.h5, by its MD5"))
    #expect(recipe.binding.assignments.allSatisfy { $0.witnesses.isSuperset(of: [.hash, .names, .shape]) })
    guard case .batchNormalization(let norm) = try #require(recipe.graph.node(named: "conv1_bn")).operation
    else { throw ZooError(.missing, what: "no batch norm", at: "conv1_bn", "") }
    #expect(norm.epsilon == 1e-3)
    let unknown = try Recipe(path: path)
    #expect(unknown.publishedFile == nil && unknown.explanation.contains("1.001e-05"))
  }
}
