import Testing
import ZooGraph
import ZooModels

/// The definitions with torchvision's and timm's conventions have as many parameters as theirs.
@Suite struct PyTorchNetworkTests {
  private static let networks: [(String, any NetworkDefinition, Int)] = [
    ("resnet18", ResNet(depths: [2, 2, 2, 2], convention: .torchvision, block: .basic), 11_689_512),
    ("resnet34", ResNet(depths: [3, 4, 6, 3], convention: .torchvision, block: .basic), 21_797_672),
    ("resnet50", ResNet(depths: [3, 4, 6, 3], convention: .torchvision), 25_557_032),
    ("resnet101", ResNet(depths: [3, 4, 23, 3], convention: .torchvision), 44_549_160),
    ("resnet152", ResNet(depths: [3, 8, 36, 3], convention: .torchvision), 60_192_808),
    (
      "resnext50_32x4d", ResNet(depths: [3, 4, 6, 3], convention: .torchvision, innerWidth: 128, groups: 32),
      25_028_904
    ),
    (
      "resnext101_32x8d",
      ResNet(depths: [3, 4, 23, 3], convention: .torchvision, innerWidth: 256, groups: 32), 88_791_336
    ),
    (
      "resnext101_64x4d",
      ResNet(depths: [3, 4, 23, 3], convention: .torchvision, innerWidth: 256, groups: 64), 83_455_272
    ),
    (
      "wide_resnet50_2", ResNet(depths: [3, 4, 6, 3], convention: .torchvision, innerWidth: 128), 68_883_240
    ),
    ("vgg11", VGG(depths: [1, 1, 2, 2, 2]), 132_863_336),
    ("vgg11_bn", VGG(depths: [1, 1, 2, 2, 2], normEpsilon: 1e-5), 132_868_840),
    ("vgg13", VGG(depths: [2, 2, 2, 2, 2]), 133_047_848),
    ("vgg13_bn", VGG(depths: [2, 2, 2, 2, 2], normEpsilon: 1e-5), 133_053_736),
    ("vgg16", VGG.vgg16, 138_357_544),
    ("vgg16_bn", VGG(depths: VGG.vgg16.depths, normEpsilon: 1e-5), 138_365_992),
    ("vgg19_bn", VGG(depths: VGG.vgg19.depths, normEpsilon: 1e-5), 143_678_248),
    ("mobilenet", MobileNet(convention: .timm), 4_231_976),
    ("densenet121", DenseNet(depths: [6, 12, 24, 16], epsilon: 1e-5), 7_978_856),
    (
      "densenet161", DenseNet(depths: [6, 12, 36, 24], stemFilters: 96, growth: 48, epsilon: 1e-5), 28_681_000
    ),
    ("densenet201", DenseNet(depths: [6, 12, 48, 32], epsilon: 1e-5), 20_013_928),
    ("mobilenetv2", MobileNetV2(convention: .torchvision), 3_504_872),
    (
      "nasnetlarge",
      NASNet(
        penultimateFilters: 4032, numBlocks: 6, stemBlockFilters: 96, skipReduction: true, convention: .timm),
      88_753_150
    ),
  ]

  @Test func parametersAreCounted() throws {
    let families = ["resn": "resnet50", "vgg": "vgg16", "densenet": "densenet121"]
    for (name, definition, count) in Self.networks {
      let variant = Variant(
        architecture: families.first { name.contains($0.key) }?.value ?? name,
        definition: definition, input: InputShape(224, 224), head: .imageNet)
      #expect(variant.name == name)
      let slots = try variant.graph().weightSlots.filter(\.role.isTrainable)
      #expect(slots.reduce(0) { $0 + $1.shape.elementCount } == count, "\(name)")
    }
  }
}
