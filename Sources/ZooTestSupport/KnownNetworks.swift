import ZooGraph
import ZooModels
import ZooTensor

/// A network of the catalogue that tests take in one place or another.
package struct KnownNetwork: Sendable {
  /// The catalogue's name of its architecture.
  package let architecture: String
  package let definition: any NetworkDefinition
  package let input: InputShape
  package let head: Head
  /// The name of its files in `Fixtures/architectures`, where genuine Keras has described it.
  package let fixture: String?

  package init(
    _ architecture: String, _ definition: any NetworkDefinition, _ input: InputShape, _ head: Head,
    fixture: String? = nil
  ) {
    self.architecture = architecture
    self.definition = definition
    self.input = input
    self.head = head
    self.fixture = fixture
  }

  package func graph() throws -> Graph { try definition.graph(input: input, head: head) }
}

extension KnownNetwork {
  /// Members of every family: published ones, and others in depth, width, channels, classes and head.
  package static let all: [KnownNetwork] = [
    KnownNetwork("vgg16", VGG.vgg16, InputShape(224, 224), .imageNet, fixture: "vgg16"),
    KnownNetwork("vgg19", VGG.vgg19, InputShape(224, 224), .imageNet, fixture: "vgg19"),
    KnownNetwork("vgg19", VGG.vgg19, InputShape(224, 224), .features(.none)),
    KnownNetwork(
      "vgg16", VGG.vgg16, InputShape(64, 96), .features(.max), fixture: "vgg16-notop-max-64x96"),
    KnownNetwork(
      "vgg16", VGG(depths: [2, 2, 3, 3, 3], width: 8, denseWidth: 32), InputShape(64, 64),
      .classifier(classes: 5, activation: .softmax)),
    KnownNetwork(
      "vgg16", VGG(depths: [1, 1, 2, 2, 2], width: 4), InputShape(224, 224), .features(.none)),
    KnownNetwork("resnet50", ResNet.resNet50, InputShape(224, 224), .imageNet, fixture: "resnet50"),
    KnownNetwork("resnet50", ResNet.resNet50, InputShape(224, 224), .features(.none)),
    KnownNetwork(
      "resnet50", ResNet.resNet50, InputShape(97, 97), .features(.max), fixture: "resnet50-notop-max-97"),
    KnownNetwork(
      "resnet50", ResNet(depths: [1, 2, 1, 1], width: 8), InputShape(224, 224, channels: 1),
      .classifier(classes: 10, activation: .softmax)),
    KnownNetwork("mobilenet", MobileNet(), InputShape(224, 224), .imageNet, fixture: "mobilenet"),
    KnownNetwork(
      "mobilenet", MobileNet(alpha: 0.5), InputShape(160, 160),
      .classifier(classes: 10, activation: .softmax),
      fixture: "mobilenet-050-160"),
    KnownNetwork(
      "mobilenet", MobileNet(alpha: 0.35), InputShape(129, 129, channels: 1), .features(.avg),
      fixture: "mobilenet-035-notop-avg-129"),
    KnownNetwork("mobilenet", MobileNet(alpha: 0.25), InputShape(224, 224), .features(.none)),
    KnownNetwork(
      "mobilenet", MobileNet(alpha: 0.25), InputShape(224, 224, channels: 1),
      .classifier(classes: 256, activation: .softmax)),
    KnownNetwork(
      "mobilenet", MobileNet(alpha: 0.35), InputShape(224, 224), .classifier(classes: 2, activation: .softmax)
    ),
    KnownNetwork("nasnetmobile", NASNet.mobile, InputShape(224, 224), .imageNet, fixture: "nasnetmobile"),
    KnownNetwork("nasnetmobile", NASNet.mobile, InputShape(225, 225), .imageNet, fixture: "nasnetmobile-225"),
    KnownNetwork("nasnetmobile", NASNet.mobile, InputShape(224, 224), .features(.none)),
    KnownNetwork(
      "nasnetmobile", NASNet.mobile, InputShape(331, 262), .features(.avg),
      fixture: "nasnetmobile-notop-avg-331x262"),
    KnownNetwork(
      "nasnetmobile", narrowNASNet, InputShape(96, 96), .classifier(classes: 7, activation: .softmax),
      fixture: "nasnet-narrow-skipping"),
    KnownNetwork(
      "nasnetmobile", narrowNASNet, InputShape(224, 224), .classifier(classes: 7, activation: .softmax)),
  ]

  private static let narrowNASNet = NASNet(
    penultimateFilters: 192, numBlocks: 1, stemBlockFilters: 8, skipReduction: true)

  /// Those that genuine Keras has described.
  package static let described = all.filter { $0.fixture != nil }

  /// The one whose files in `Fixtures/architectures` have this name.
  package static func described(as fixture: String) -> KnownNetwork? { all.first { $0.fixture == fixture } }

  /// Those whose input size and head follow from their weights: a convolution's weights fit any size, which
  /// then counts as the architecture's own, and pooling has no weights.
  package static let evident = all.filter { network in
    let hasTypicalSize = network.input.height == 224 && network.input.width == 224
    switch network.head {
    case .classifier: return hasTypicalSize || network.definition is VGG
    case .features(let pooling): return hasTypicalSize && pooling == .none
    }
  }
}
