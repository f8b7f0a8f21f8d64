import ZooGraph
import ZooTensor

/// Xception (Chollet 2016, figure 5): separable convolutions in an entry, a middle and an exit flow, with
/// residual connections around nearly all.
package struct Xception: NetworkDefinition {
  package var convention: MobileNet.Convention

  package init(convention: MobileNet.Convention = .keras) { self.convention = convention }

  /// Filters of the exit flow's last convolution.
  static let features = 2048

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    // Entry flow.
    var x = image
    for (name, filters, stride) in [("block1_conv1", 32, 2), ("block1_conv2", 64, 1)] {
      x = g.convolution(name, x, filters: filters, kernel: 3, stride: stride, padding: .valid, useBias: false)
      x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
      x = g.add("\(name)_act", .activation(.relu), x)
    }
    x = narrowing(&g, "block2", x, filters: (128, 128), beginsWithReLU: false)
    x = narrowing(&g, "block3", x, filters: (256, 256))
    x = narrowing(&g, "block4", x, filters: (728, 728))
    // Middle flow.
    for block in 5...12 {
      let input = x
      for j in 1...3 { x = separable(&g, "block\(block)_sepconv\(j)", x, filters: 728) }
      x = g.add(.add, x, input)
    }
    // Exit flow.
    x = narrowing(&g, "block13", x, filters: (728, 1024))
    for (name, filters) in [("block14_sepconv1", 1536), ("block14_sepconv2", Xception.features)] {
      x = separable(&g, name, x, filters: filters, beginsWithReLU: false)
      x = g.add("\(name)_act", .activation(.relu), x)
    }
    return g.denseHead(head, x, namesPooling: false)
  }

  /// Two separable convolutions and a maximum that halves the size, beside a strided 1x1 convolution.
  private func narrowing(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, filters: (Int, Int), beginsWithReLU: Bool = true
  ) -> Value {
    var shortcut = g.add(
      .convolution(
        Convolution(
          filters: filters.1, kernel: .one, strides: Extent2D(2), padding: .same, useBias: false)), input)
    shortcut = g.add(.batchNormalization(BatchNormalization(epsilon: convention.epsilon)), shortcut)
    var x = separable(&g, "\(name)_sepconv1", input, filters: filters.0, beginsWithReLU: beginsWithReLU)
    x = separable(&g, "\(name)_sepconv2", x, filters: filters.1)
    x = g.maxPooling(
      "\(name)_pool", x, window: 3, stride: 2,
      padding: convention.isSymmetric ? .explicit(Edges(all: 1)) : .same)
    return g.add(.add, x, shortcut)
  }

  private func separable(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, filters: Int, beginsWithReLU: Bool = true
  ) -> Value {
    var x = input
    if beginsWithReLU { x = g.add("\(name)_act", .activation(.relu), x) }
    x = g.add(
      name,
      .separableConvolution(
        SeparableConvolution(
          filters: filters, kernel: Extent2D(3), strides: .one, padding: .same, useBias: false)), x)
    return g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
  }

  package var summary: String { convention == .keras ? "" : "as \(convention.name)" }
}

// MARK: Finding it

extension Xception {
  /// It has 26 depthwise kernels for 728 channels.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard inventory.count([3, 3, 728, 1]) == 27 || inventory.count([3, 3, 728, 1]) == 26,
      let channels = inventory.imageChannels(window: 3, filters: 32)
    else { return [] }
    return inventory.guesses(
      Xception(), rows: features, channels: channels,
      reason: "\(inventory.count([3, 3, 728, 1])) depthwise kernels for 728 channels")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let xception = Architecture(
    name: "xception", family: "Xception",
    card: ModelCard(
      architecture: "xception", variant: "", preprocessing: .tf, trainingData: "ImageNet (ILSVRC 2012)",
      licence: "MIT",
      citation:
        "Chollet: Xception: Deep Learning with Depthwise Separable Convolutions, 2016, arXiv:1610.02357",
      accuracy: accuracyText(79.0, 94.5)),
    defaultInput: InputShape(299, 299), definition: Xception(),
    published: PublishedFile.pair(
      "xception", Xception(), 299, path: "xception/xception\(PublishedFile.tensorFlow)",
      top: ("0a58e3b7378bc2990ea3b43d5981f1f6", nil), noTop: ("b0042744bf5b25fce3cb969f33bebb97", nil)),
    guesses: Xception.guesses)
}
