import ZooGraph
import ZooSystem
import ZooTensor

/// EfficientNet (Tan and Le 2019, table 1): inverted residuals with squeeze and excitation, of which width,
/// depth and image size grow together.
///
/// The network takes pixels (0…255) and normalizes them itself, by a mean and variance among its weights.
package struct EfficientNet: NetworkDefinition {
  package var width: Double
  package var depth: Double
  /// Whether Keras divides by the root of the deviation a second time. It does so with the published weights,
  /// which have the deviation where a variance belongs; a network that begins without weights lacks it.
  package var dividesTwice: Bool
  /// Networks of other programs than Keras take pixels that are normalized already.
  package var convention = MobileNet.Convention.keras

  package init(width: Double, depth: Double, dividesTwice: Bool = true) {
    self.width = width
    self.depth = depth
    self.dividesTwice = dividesTwice
  }

  /// Per row of the table: window, how often channels are widened, filters, blocks and stride of the first.
  static let rows: [(window: Int, expansion: Int, filters: Int, blocks: Int, stride: Int)] = [
    (3, 1, 16, 1, 1), (3, 6, 24, 2, 2), (5, 6, 40, 2, 2), (3, 6, 80, 3, 2), (5, 6, 112, 3, 1),
    (5, 6, 192, 4, 2), (3, 6, 320, 1, 1),
  ]
  /// Keras' least deviation of a Normalization.
  static let leastDeviation = 1e-7

  func filters(_ count: Int) -> Int { roundedFilters(Double(count) * width) }
  func blocks(_ count: Int) -> Int { Int((Double(count) * depth).rounded(.up)) }

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    guard width > 0, width <= 16, depth > 0, depth <= 8 else {
      throw ZooError.invalidNetwork(layer: "", "EfficientNet's width is \(width), its depth \(depth)")
    }
    var x = convention == .keras ? scaled(&g, image) : image
    let edges = convention.isSymmetric ? Edges(all: 1) : g.stridePadding(x, window: 3)
    x = g.add("stem_conv_pad", .zeroPadding(edges), x)
    x = g.convolution(
      "stem_conv", x, filters: filters(32), kernel: 3, stride: 2, padding: .valid, useBias: false)
    x = normalizedSiLU(&g, "stem", x)
    var channels = filters(32)
    for (i, row) in EfficientNet.rows.enumerated() {
      for j in 0..<blocks(row.blocks) {
        x = invertedResidual(
          &g, g.blockName(i, j), x, from: channels, expansion: row.expansion, filters: filters(row.filters),
          window: row.window, stride: j == 0 ? row.stride : 1)
        channels = filters(row.filters)
      }
    }
    x = g.convolution(
      "top_conv", x, filters: filters(1280), kernel: 1, stride: 1, padding: .same, useBias: false)
    x = normalizedSiLU(&g, "top", x)
    return g.denseHead(head, x, dropout: "top_dropout")
  }

  /// Keras' scaling of pixels.
  private func scaled(_ g: inout GraphBuilder, _ image: Value) -> Value {
    var x = g.add(.rescaling(Rescaling(scale: [1.0 / 255], offset: [0])), image)
    x = g.add(
      .normalization(
        Normalization(perChannel: true, inverted: false, epsilon: EfficientNet.leastDeviation)), x)
    if dividesTwice {
      let scale = Rescaling.imageNetDeviation.map { 1 / $0.squareRoot() }
      x = g.add(.rescaling(Rescaling(scale: scale, offset: [0])), x)
    }
    return x
  }

  private func invertedResidual(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, from channels: Int, expansion: Int,
    filters: Int, window: Int, stride: Int
  ) -> Value {
    var x = input
    if expansion > 1 {
      x = g.convolution(
        "\(name)_expand_conv", x, filters: expansion * channels, kernel: 1, stride: 1, padding: .same,
        useBias: false)
      x = normalizedSiLU(&g, "\(name)_expand", x)
    }
    x = g.paddedDepthwiseConvolution(
      "\(name)_dwconv", pad: "\(name)_dwconv_pad", x, kernel: window, stride: stride,
      isSymmetric: convention.isSymmetric)
    x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
    x = g.add("\(name)_activation", .activation(.silu), x)
    x = g.squeezeAndExcitation(name, x, from: channels, channels: expansion * channels)
    x = g.convolution(
      "\(name)_project_conv", x, filters: filters, kernel: 1, stride: 1, padding: .same, useBias: false)
    x = g.batchNormalization("\(name)_project_bn", x, epsilon: convention.epsilon)
    guard stride == 1, channels == filters else { return x }
    x = g.add("\(name)_drop", .identity(layer: "Dropout"), x)
    return g.add("\(name)_add", .add, x, input)
  }

  private func normalizedSiLU(_ g: inout GraphBuilder, _ name: String, _ x: Value) -> Value {
    let x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
    return g.add("\(name)_activation", .activation(.silu), x)
  }

  package var summary: String {
    convention != .keras
      ? "as \(convention.name), epsilon \(convention.epsilon)" : dividesTwice ? "" : "as keras-scratch"
  }
}

extension GraphBuilder {
  /// `block1a` for the first block of the first row.
  func blockName(_ row: Int, _ block: Int) -> String {
    let letter = Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(min(block, 25))))
    return "block\(row + 1)\(letter)"
  }

  /// Scales `channels` channels by what two 1x1 convolutions make of their means, with a quarter as many
  /// filters between as the block reads.
  mutating func squeezeAndExcitation(_ name: String, _ x: Value, from read: Int, channels: Int) -> Value {
    var means = add("\(name)_se_squeeze", .globalAveragePooling(keepDimensions: false), x)
    means = add("\(name)_se_reshape", .reshape(target: [1, 1, channels]), means)
    means = convolution(
      "\(name)_se_reduce", means, filters: max(1, read / 4), kernel: 1, stride: 1, padding: .same,
      useBias: true, activation: .silu)
    means = convolution(
      "\(name)_se_expand", means, filters: channels, kernel: 1, stride: 1, padding: .same, useBias: true,
      activation: .sigmoid)
    return add("\(name)_se_excite", .merge(.multiply), x, means)
  }
}

// MARK: Finding the member

extension EfficientNet {
  /// Who began the training: with the published weights or from nothing.
  static let writers = ["keras-imagenet", "keras-scratch"]

  /// Whether the tensors are those of `member`, up to the head.
  static func guesses(_ inventory: TensorInventory, of member: EfficientNet) -> [Guess] {
    let features = member.filters(1280)
    // The blocks with the widest 5x5 windows; the first one of their row reads fewer channels.
    let widest = inventory.count([5, 5, 6 * member.filters(192), 1])
    guard let channels = inventory.imageChannels(window: 3, filters: member.filters(32)),
      inventory.count([1, 1, member.filters(320), features]) > 0, inventory.count([channels]) >= 2,
      widest == member.blocks(4) - 1
    else { return [] }
    return scalings(inventory, channels: channels).flatMap { dividesTwice, reason in
      inventory.guesses(
        EfficientNet(width: member.width, depth: member.depth, dividesTwice: dividesTwice), rows: features,
        channels: channels,
        reason:
          "width \(member.width) from the \(features) filters of the last kernel, depth \(member.depth) "
          + "from its \(widest) widest 5x5 kernels; pixels are scaled as "
          + "\(dividesTwice ? "with the published weights" : "without published weights"), \(reason)")
    }
  }

  /// How pixels may be scaled, and what says so: a person, or the layers that the file lists.
  private static func scalings(
    _ inventory: TensorInventory, channels: Int
  ) -> [(dividesTwice: Bool, reason: String)] {
    if channels != 3 { return [(false, "as its \(channels) channels are not those of pictures")] }
    if let writer = inventory.context.writer { return [(writer != writers[1], "as stated")] }
    if inventory.context.isDescribed { return [(true, "as given"), (false, "as given")] }
    // Keras 2 multiplies by a function, which is a layer too.
    func scales(_ layer: String) -> Bool { layer.hasPrefix("rescaling") || layer.hasPrefix("tf.math.") }
    guard inventory.lists(scales) == true else {
      return [(true, "assumed (see --writer for \(writers[1]))")]
    }
    let count = inventory.context.layers.count(where: scales)
    return [(count > 1, "by the \(count) layers that scale them, which the file lists")]
  }
}

// MARK: Catalogue

extension Architecture {
  package static let efficientNets = [
    efficientNet(
      "b0", EfficientNet(width: 1.0, depth: 1.0), 224, accuracy: (77.1, 93.3),
      top: ("902e53a9f72be733fc0bcb005b3ebbac", nil),
      noTop: ("50bc09e76180e00e4465e1a485ddc09d", 16_705_208)),
    efficientNet(
      "b1", EfficientNet(width: 1.0, depth: 1.1), 240, accuracy: (79.1, 94.4),
      top: ("1d254153d4ab51201f1646940f018540", nil),
      noTop: ("74c4e6b3e1f6a1eea24c589628592432", 27_018_416)),
    efficientNet(
      "b2", EfficientNet(width: 1.1, depth: 1.2), 260, accuracy: (80.1, 94.9),
      top: ("b15cce36ff4dcbd00b6dd88e7857a6ad", nil),
      noTop: ("111f8e2ac8aa800a7a99e3239f7bfb39", 31_790_344)),
    efficientNet(
      "b3", EfficientNet(width: 1.2, depth: 1.4), 300, accuracy: (81.6, 95.7),
      top: ("ffd1fdc53d0ce67064dc6a9c7960ede0", nil),
      noTop: ("af6d107764bb5b1abb91932881670226", 43_941_136)),
    efficientNet(
      "b4", EfficientNet(width: 1.4, depth: 1.8), 380, accuracy: (82.9, 96.4),
      top: ("18c95ad55216b8f92d7e70b3a046e2fc", nil),
      noTop: ("ebc24e6d6c33eaebbd558eafbeedf1ba", 71_686_520)),
    efficientNet(
      "b5", EfficientNet(width: 1.6, depth: 2.2), 456, accuracy: (83.6, 96.7),
      top: ("ace28f2a6363774853a83a0b21b9421a", nil),
      noTop: ("38879255a25d3c92d5e44e04ae6cec6f", 115_263_384)),
    efficientNet(
      "b6", EfficientNet(width: 1.8, depth: 2.6), 528, accuracy: (84.0, 96.8),
      top: ("165f6e37dce68623721b423839de8be5", nil),
      noTop: ("9ecce42647a20130c1f39a5d4cb75743", 165_234_480)),
    efficientNet(
      "b7", EfficientNet(width: 2.0, depth: 3.1), 600, accuracy: (84.3, 97.0),
      top: ("8c03f828fec3ef71311cd463b6759d99", nil),
      noTop: ("cbcfe4450ddf6f3ad90b1b398090fe4a", 258_076_736)),
  ]

  private static func efficientNet(
    _ member: String, _ definition: EfficientNet, _ size: Int, accuracy: (Double, Double),
    top: PublishedFile.Facts, noTop: PublishedFile.Facts
  ) -> Architecture {
    let name = "efficientnet\(member)"
    return Architecture(
      name: name, family: "EfficientNet", aliases: ["EfficientNet-\(member.uppercased())"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .none, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "Apache-2.0",
        citation: "Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019, "
          + "arXiv:1905.11946",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(size, size), definition: definition,
      published: PublishedFile.pair(
        name, definition, size, path: "https://storage.googleapis.com/keras-applications/\(name)", top: top,
        noTop: noTop),
      writers: EfficientNet.writers, guesses: { EfficientNet.guesses($0, of: definition) })
  }
}
