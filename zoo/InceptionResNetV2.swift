import ZooGraph
import ZooTensor

/// Inception-ResNet, version 2 (Szegedy and others 2016, figure 15): Inception modules whose scaled outputs
/// are added to their inputs.
package struct InceptionResNetV2: NetworkDefinition {
  /// Whether its norms have a gamma, as timm's have.
  package var scalesNorms: Bool

  package init(scalesNorms: Bool = false) { self.scalesNorms = scalesNorms }

  /// Filters of the last convolution.
  static let features = 1536

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    var x = g.inceptionStem(image, scalesNorms: scalesNorms)
    x = moduleA(&g, x)
    for i in 1...10 { x = block35(&g, x, "block35_\(i)") }
    x = reductionA(&g, x)
    for i in 1...20 { x = block17(&g, x, "block17_\(i)") }
    x = reductionB(&g, x)
    for i in 1...9 { x = block8(&g, x, "block8_\(i)", scale: 0.2, activation: .relu) }
    x = block8(&g, x, "block8_10", scale: 1, activation: .linear)
    x = unit(&g, x, InceptionResNetV2.features, 1, 1, name: "conv_7b")
    return g.denseHead(head, x, namesPooling: false)
  }

  private func moduleA(_ g: inout GraphBuilder, _ x: Value) -> Value {
    let one = unit(&g, x, 96, 1, 1)
    let five = unit(&g, unit(&g, x, 48, 1, 1), 64, 5, 5)
    let three = unit(&g, unit(&g, unit(&g, x, 64, 1, 1), 96, 3, 3), 96, 3, 3)
    let pool = unit(&g, g.inceptionAverage(x), 64, 1, 1)
    return g.add("mixed_5b", .concatenate, one, five, three, pool)
  }

  private func reductionA(_ g: inout GraphBuilder, _ x: Value) -> Value {
    let three = unit(&g, x, 384, 3, 3, stride: 2)
    let double = unit(&g, unit(&g, unit(&g, x, 256, 1, 1), 256, 3, 3), 384, 3, 3, stride: 2)
    return g.add("mixed_6a", .concatenate, three, double, g.inceptionMaximum(x))
  }

  private func reductionB(_ g: inout GraphBuilder, _ x: Value) -> Value {
    let first = unit(&g, unit(&g, x, 256, 1, 1), 384, 3, 3, stride: 2)
    let second = unit(&g, unit(&g, x, 256, 1, 1), 288, 3, 3, stride: 2)
    let double = unit(&g, unit(&g, unit(&g, x, 256, 1, 1), 288, 3, 3), 320, 3, 3, stride: 2)
    return g.add("mixed_7a", .concatenate, first, second, double, g.inceptionMaximum(x))
  }

  /// Figure 16, Inception-ResNet-A.
  private func block35(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
    let one = unit(&g, x, 32, 1, 1)
    let three = unit(&g, unit(&g, x, 32, 1, 1), 32, 3, 3)
    let double = unit(&g, unit(&g, unit(&g, x, 32, 1, 1), 48, 3, 3), 64, 3, 3)
    return residual(&g, x, [one, three, double], name, scale: 0.17, activation: .relu)
  }

  /// Figure 17, Inception-ResNet-B.
  private func block17(_ g: inout GraphBuilder, _ x: Value, _ name: String) -> Value {
    let one = unit(&g, x, 192, 1, 1)
    let seven = unit(&g, unit(&g, unit(&g, x, 128, 1, 1), 160, 1, 7), 192, 7, 1)
    return residual(&g, x, [one, seven], name, scale: 0.1, activation: .relu)
  }

  /// Figure 19, Inception-ResNet-C.
  private func block8(
    _ g: inout GraphBuilder, _ x: Value, _ name: String, scale: Double, activation: Activation
  ) -> Value {
    let one = unit(&g, x, 192, 1, 1)
    let three = unit(&g, unit(&g, unit(&g, x, 192, 1, 1), 224, 1, 3), 256, 3, 1)
    return residual(&g, x, [one, three], name, scale: scale, activation: activation)
  }

  private func unit(
    _ g: inout GraphBuilder, _ x: Value, _ filters: Int, _ height: Int, _ width: Int, stride: Int = 1,
    name: String? = nil
  ) -> Value {
    g.inception(x, filters, height, width, stride: stride, scalesNorm: scalesNorms, name: name)
  }

  /// The input plus the branches, brought to its channels and scaled.
  private func residual(
    _ g: inout GraphBuilder, _ input: Value, _ branches: [Value], _ name: String, scale: Double,
    activation: Activation
  ) -> Value {
    var x = g.add("\(name)_mixed", .concatenate, branches)
    x = g.convolution(
      "\(name)_conv", x, filters: g.shape(of: input)?.dimensions.last ?? 0, kernel: 1, stride: 1,
      padding: .same, useBias: true)
    x = g.add("\(name)_scaled", .rescaling(Rescaling(scale: [scale], offset: [0])), x)
    x = g.add("\(name)_add", .add, input, x)
    return activation == .linear ? x : g.add("\(name)_ac", .activation(activation), x)
  }

  package var summary: String { scalesNorms ? "as timm" : "" }
}

// MARK: Finding it

extension InceptionResNetV2 {
  /// It has twenty 7x1 kernels from 160 to 192 channels.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard inventory.count([7, 1, 160, 192]) == 20, inventory.count([3, 1, 224, 256]) == 10,
      let channels = inventory.imageChannels(window: 3, filters: 32)
    else { return [] }
    return inventory.guesses(
      InceptionResNetV2(), rows: features, channels: channels,
      reason: "twenty 7x1 kernels from 160 to 192 channels, ten 3x1 kernels from 224 to 256")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let inceptionResNetV2 = Architecture(
    name: "inceptionresnetv2", family: "Inception-ResNet",
    card: ModelCard(
      architecture: "inceptionresnetv2", variant: "", preprocessing: .tf,
      trainingData: "ImageNet (ILSVRC 2012)",
      licence: "Apache-2.0",
      citation:
        "Szegedy and others: Inception-v4, Inception-ResNet and the Impact of Residual Connections on "
        + "Learning, 2016, arXiv:1602.07261",
      accuracy: accuracyText(80.3, 95.3)),
    defaultInput: InputShape(299, 299), definition: InceptionResNetV2(),
    published: PublishedFile.pair(
      "inceptionresnetv2", InceptionResNetV2(), 299,
      path: "inception_resnet_v2/inception_resnet_v2\(PublishedFile.tensorFlow)",
      top: ("e693bd0210a403b3192acc6073ad2e96", nil), noTop: ("d19885ff4a710c122648d3b5c3b684e4", nil)),
    guesses: InceptionResNetV2.guesses)
}
