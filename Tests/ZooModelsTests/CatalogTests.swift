import Testing
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor

/// Hints as a weight file gives them for `graph`.
func hints(_ graph: Graph, names: Bool = true, rename: (String) -> String = { $0 }) -> [TensorHint] {
  graph.weightSlots.map {
    TensorHint(
      layer: names ? rename($0.layer) : nil, variable: names ? $0.role.rawValue : nil, shape: $0.shape)
  }
}

@Suite struct CatalogTests {
  static let members: [(String, any NetworkDefinition, InputShape, Head)] = [
    ("vgg16", VGG.vgg16, InputShape(224, 224), .imageNet),
    ("vgg19", VGG.vgg19, InputShape(224, 224), .features(.none)),
    (
      "vgg16", VGG(depths: [2, 2, 3, 3, 3], width: 8, denseWidth: 32), InputShape(64, 64),
      .classifier(classes: 5, activation: .softmax)
    ),
    ("vgg16", VGG(depths: [1, 1, 2, 2, 2], width: 4), InputShape(224, 224), .features(.none)),
    ("resnet50", ResNet.resNet50, InputShape(224, 224), .imageNet),
    (
      "resnet50", ResNet(depths: [1, 2, 1, 1], width: 8), InputShape(224, 224, channels: 1),
      .classifier(classes: 10, activation: .softmax)
    ),
    ("resnet50", ResNet.resNet50, InputShape(224, 224), .features(.none)),
    ("mobilenet", MobileNet(), InputShape(224, 224), .imageNet),
    ("mobilenet", MobileNet(alpha: 0.25), InputShape(224, 224), .features(.none)),
    (
      "mobilenet", MobileNet(alpha: 0.25), InputShape(224, 224, channels: 1),
      .classifier(classes: 256, activation: .softmax)
    ),
    (
      "mobilenet", MobileNet(alpha: 0.35), InputShape(224, 224), .classifier(classes: 2, activation: .softmax)
    ),
    ("nasnetmobile", NASNet.mobile, InputShape(224, 224), .imageNet),
    ("nasnetmobile", NASNet.mobile, InputShape(224, 224), .features(.none)),
    (
      "nasnetmobile",
      NASNet(penultimateFilters: 192, numBlocks: 1, stemBlockFilters: 8, skipReduction: true),
      InputShape(224, 224), .classifier(classes: 7, activation: .softmax)
    ),
  ]

  @Test("the member is found from names, and from shapes alone in any order", arguments: members.indices)
  func findsTheMember(index: Int) throws {
    let (name, definition, input, head) = Self.members[index]
    let graph = try definition.graph(input: input, head: head)
    for found in [
      Catalog.candidates(for: hints(graph)).first,
      Catalog.candidates(for: hints(graph, names: false)).first,
      Catalog.candidates(for: hints(graph, names: false).reversed()).first,
    ] {
      let best = try #require(found)
      #expect(best.isExact && best.unusedCount == 0)
      #expect(best.variant.architecture == name)
      #expect(best.variant.head == head)
      #expect(best.variant.input == input)
      #expect(try best.variant.graph() == graph, "\(best.explanation)")
    }
  }

  @Test func olderResNetNamesMeanTheOlderEpsilon() throws {
    let graph = try ResNet.resNet50.graph(input: InputShape(224, 224), head: .imageNet)
    let older = hints(graph) { name in
      switch name {
      case "conv1_conv": return "conv1"
      case "conv1_bn": return "bn_conv1"
      case "predictions": return "fc1000"
      default:
        let parts = name.split(separator: "_")
        let letter = Character(UnicodeScalar(UInt8(96 + (Int(parts[1].dropFirst(5)) ?? 0))))
        let branch = ["1", "2a", "2b", "2c"][Int(parts[2]) ?? 0]
        return "\(parts[3] == "conv" ? "res" : "bn")\(parts[0].dropFirst(4))\(letter)_branch\(branch)"
      }
    }
    let best = try #require(Catalog.candidates(for: older).first)
    #expect(best.nameAgreement == 1)
    #expect(best.variant.definition as? ResNet == ResNet(depths: [3, 4, 6, 3], convention: .keras2015))
    let architecture = try #require(Catalog.architecture(named: "ResNet-50"))
    #expect(architecture.layer(named: "res4f_branch2c", in: graph) == "conv4_block6_3_conv")
    #expect(architecture.layer(named: "bn5a_branch1", in: graph) == "conv5_block1_0_bn")
  }

  @Test func namesOfOtherSessionsAndWritersAreUnderstood() throws {
    let mobileNet = try MobileNet().graph(input: InputShape(224, 224), head: .imageNet)
    let vgg = try VGG.vgg16.graph(input: InputShape(224, 224), head: .imageNet)
    let nasNet = try NASNet.mobile.graph(input: InputShape(224, 224), head: .imageNet)
    #expect(Architecture.mobileNet.layer(named: "model/conv_dw_1_1", in: mobileNet) == "conv_dw_1")
    #expect(Architecture.mobileNet.layer(named: "conv_dw_1", in: mobileNet) == "conv_dw_1")
    #expect(Architecture.mobileNet.layer(named: "conv_dw_99", in: mobileNet) == nil)
    #expect(Architecture.vgg16.layer(named: "conv3_2", in: vgg) == "block3_conv2")
    #expect(Architecture.vgg16.layer(named: "fc8", in: vgg) == "predictions")
    #expect(
      Architecture.nasNetMobile.layer(named: "separable_conv_2_bn_reduction_1_stem_1", in: nasNet)
        == "separable_conv_2_bn_reduction_right1_stem_1")
  }

  @Test func aBackboneAmongForeignTensorsIsFoundByName() throws {
    let graph = try MobileNet(alpha: 0.25).graph(input: InputShape(224, 224), head: .features(.none))
    let foreign = [TensorHint(layer: "head", variable: "kernel", shape: [1, 1, 256, 8])]
    let best = try #require(Catalog.candidates(for: hints(graph) + foreign).first)
    #expect(!best.isExact && best.unusedCount == 1)
    #expect(best.variant.head == .features(.none))
    #expect(Catalog.candidates(for: hints(graph, names: false) + foreign).isEmpty)
  }

  @Test func inputSizeIsTheCallersElseTheWeightsElseTheDefault() throws {
    let vgg = VGG(depths: [2, 2, 3, 3, 3], width: 4, denseWidth: 16)
    let graph = try vgg.graph(input: InputShape(64, 96), head: .classifier(classes: 3, activation: .softmax))
    #expect(Catalog.candidates(for: hints(graph)).isEmpty)
    let best = try #require(Catalog.candidates(for: hints(graph), Circumstances(inputSize: (64, 96))).first)
    #expect(best.variant.input == InputShape(64, 96))
    #expect(Catalog.candidates(for: hints(graph), Circumstances(inputSize: (224, 224))).isEmpty)
  }

  @Test func whatDoesNotFitIsSaid() throws {
    let graph = try MobileNet().graph(input: InputShape(224, 224), head: .imageNet)
    var tensors = hints(graph)
    tensors.removeLast()
    #expect(Catalog.candidates(for: tensors).isEmpty)
    let short = #expect(throws: ZooError.self) {
      try Catalog.candidate(architecture: "mobilenet", for: tensors)
    }
    #expect(short?.why.contains("1 of 137 weights") == true, "\(short?.why ?? "")")
    let wrong = #expect(throws: ZooError.self) {
      try Catalog.candidate(architecture: "vgg16", for: hints(graph))
    }
    #expect(wrong?.location == "architecture 'vgg16'")
    #expect(wrong?.why.contains("block1_conv1/kernel (3x3x3x64)") == true, "\(wrong?.why ?? "")")
    let unknown = #expect(throws: ZooError.self) {
      try Catalog.candidate(architecture: "alexnet", for: [])
    }
    #expect(unknown?.description.contains("mobilenet") == true)
    #expect(Catalog.candidates(for: []).isEmpty)
  }

  @Test func cardsAndPublishedFiles() throws {
    #expect(Catalog.architectures.flatMap(\.published).count == 2 + 2 + 4 + 32 + 2)
    let file = try #require(Catalog.published(hash: .md5("a7b3fe01876f51b976af0dea6bc144eb")))
    #expect(file.variant.definition as? ResNet == ResNet(depths: [3, 4, 6, 3], convention: .keras2015))
    let real = try #require(
      Catalog.published(hash: .sha256("dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf")))
    #expect(real.fileName == "mobilenet_2_5_224_tf_no_top.h5")
    #expect(real.variant.description == "alpha 0.25, 224x224, without top")
    for architecture in Catalog.architectures {
      let variant = Variant(
        architecture: architecture.name, definition: architecture.definition,
        input: architecture.defaultInput,
        head: .imageNet)
      #expect(variant.card(published: true).accuracy != nil)
      #expect(variant.card(published: false).licence == nil)
      #expect(Catalog.architecture(named: architecture.name.uppercased())?.name == architecture.name)
    }
  }

  @Test func imageNetLabels() {
    #expect(ImageNetLabels.classes.count == 1000)
    #expect(ImageNetLabels.classes[0] == ("n01440764", "tench"))
    #expect(ImageNetLabels.classes[999] == ("n15075141", "toilet_tissue"))
    #expect(Set(ImageNetLabels.classes.map(\.wordNetID)).count == 1000)
  }
}
