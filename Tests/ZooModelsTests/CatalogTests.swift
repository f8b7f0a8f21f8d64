import Testing
import ZooGraph
import ZooModels

@Suite struct CatalogTests {
  @Test func namesOfOtherSessionsAndWritersAreUnderstood() throws {
    let mobileNet = try MobileNet().graph(input: InputShape(224, 224), head: .imageNet)
    let vgg = try VGG.vgg16.graph(input: InputShape(224, 224), head: .imageNet)
    let resNet = try ResNet.resNet50.graph(input: InputShape(224, 224), head: .imageNet)
    let nasNet = try NASNet.mobile.graph(input: InputShape(224, 224), head: .imageNet)
    #expect(Architecture.mobileNet.layer(named: "model/conv_dw_1_1", in: mobileNet) == "conv_dw_1")
    #expect(Architecture.mobileNet.layer(named: "conv_dw_1", in: mobileNet) == "conv_dw_1")
    #expect(Architecture.mobileNet.layer(named: "conv_dw_99", in: mobileNet) == nil)
    #expect(Architecture.vgg16.layer(named: "conv3_2", in: vgg) == "block3_conv2")
    #expect(Architecture.vgg16.layer(named: "fc8", in: vgg) == "predictions")
    let architecture = try #require(Catalog.architecture(named: "ResNet-50"))
    #expect(architecture.layer(named: "res4f_branch2c", in: resNet) == "conv4_block6_3_conv")
    #expect(architecture.layer(named: "bn5a_branch1", in: resNet) == "conv5_block1_0_bn")
    #expect(
      Architecture.nasNetMobile.layer(named: "separable_conv_2_bn_reduction_1_stem_1", in: nasNet)
        == "separable_conv_2_bn_reduction_right1_stem_1")
  }

  @Test func namesOfKeras2AreUnderstood() throws {
    func layer(_ name: String, of architecture: String) throws -> String? {
      let known = try #require(Catalog.architecture(named: architecture))
      return known.layer(
        named: name, in: try known.definition.graph(input: known.defaultInput, head: .imageNet))
    }
    #expect(
      try layer("expanded_conv_1/expand/BatchNorm", of: "mobilenetv3small") == "expanded_conv_1_expand_bn")
    #expect(
      try layer("expanded_conv/squeeze_excite/Conv_1", of: "mobilenetv3small")
        == "expanded_conv_squeeze_excite_conv_1")
    #expect(try layer("Conv/BatchNorm", of: "mobilenetv3large") == "conv_bn")
    #expect(try layer("Logits", of: "mobilenetv3large") == "logits")
    #expect(try layer("Logits", of: "mobilenetv2") == "predictions")
    #expect(try layer("conv1/bn", of: "densenet121") == "conv1_bn")
    #expect(try layer("fc1000", of: "densenet201") == "predictions")
    #expect(try layer("probs", of: "resnet152v2") == "predictions")
    #expect(
      try layer("mine_stage_2_block_8_layernorm", of: "convnexttiny")
        == "convnext_tiny_stage_2_block_8_layernorm")
  }

  @Test func onlyTheOrderOfAutomaticNumbersMatters() throws {
    let known = try #require(Catalog.architecture(named: "inceptionv3"))
    let graph = try known.definition.graph(input: known.defaultInput, head: .imageNet)
    let numbering = AutomaticNames(of: (0..<94).map { "model/conv2d_\($0 + 95)" } + ["batch_normalization_3"])
    func layer(_ name: String) -> String? { known.layer(named: name, in: graph, numbering: numbering) }
    #expect(layer("conv2d_95") == "conv2d")
    #expect(layer("model/conv2d_100") == "conv2d_5")
    #expect(layer("conv2d_188") == "conv2d_93")
    #expect(layer("batch_normalization_3") == "batch_normalization")
    #expect(layer("mixed9") == "mixed9" && layer("predictions") == "predictions")
    // Names that a person gave stay.
    let vgg = try VGG.vgg16.graph(input: InputShape(224, 224), head: .imageNet)
    #expect(Architecture.vgg16.layer(named: "conv2d_95", in: vgg, numbering: numbering) == nil)
  }

  @Test func membersOfFamiliesHaveTheirOwnNames() {
    func name(_ architecture: String, _ definition: any NetworkDefinition) -> String {
      Variant(
        architecture: architecture, definition: definition, input: InputShape(224, 224), head: .imageNet
      ).card(published: false).architecture
    }
    #expect(name("nasnetmobile", NASNet.mobile) == "nasnetmobile")
    #expect(name("nasnetmobile", NASNet.large) == "nasnetlarge")
    #expect(name("nasnetmobile", NASNet(penultimateFilters: 96)) == "nasnetmobile")
    #expect(name("resnet50", ResNet.resNet50) == "resnet50")
    #expect(name("resnet50", ResNet(depths: [3, 4, 23, 3])) == "resnet101")
    #expect(name("resnet50", ResNet(depths: [3, 8, 36, 3])) == "resnet152")
    #expect(name("resnet50", ResNet(depths: [1, 1], width: 2)) == "resnet50")
    #expect(name("mobilenet", MobileNet(alpha: 0.25)) == "mobilenet")
  }

  @Test func cardsAndPublishedFiles() throws {
    // Keras' 164, and two older ones of ResNet-50.
    let published = Catalog.architectures.flatMap(\.published)
    #expect(published.count == 166)
    #expect(Set(published.map(\.address)).count == published.count)
    #expect(published.flatMap(\.hashes).count == Set(published.flatMap(\.hashes)).count)
    #expect(published.count { $0.hashes.isEmpty } == 71)
    for file in published where file.variant.head == .imageNet {
      // Numbers of single precision, and what lists them.
      guard let bytes = file.bytes else { continue }
      let weights = try 4 * file.variant.graph().parameterCount
      #expect(bytes > weights && bytes < weights + 5_000_000, "\(file.address)")
    }
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
