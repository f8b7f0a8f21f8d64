import ZooGraph
import ZooSystem
import ZooTensor

/// ResNet, version 2 with bottlenecks (He and others 2016, figure 1b): normalization and ReLU come before
/// convolutions, so that nothing but sums stands between input and output.
///
/// As in Keras, a stack has its stride on its last block.
package struct ResNetV2: NetworkDefinition {
  /// Blocks per stack, at least two.
  package var depths: [Int]
  /// Filters of the stem and of the first stack's bottleneck; they double per stack.
  package var width: Int

  package init(depths: [Int], width: Int = 64) {
    self.depths = depths
    self.width = width
  }

  static let members: [(layers: Int, depths: [Int])] = [
    (50, [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3]),
  ]

  static let epsilon = 1.001e-5

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    guard (1...8).contains(depths.count), depths.allSatisfy({ (2...1000).contains($0) }),
      (1...1 << 16).contains(width)
    else { throw ZooError.invalidNetwork(layer: "", "ResNet's depths are \(depths), its width \(width)") }
    var x = g.add("conv1_pad", .zeroPadding(Edges(all: 3)), image)
    x = g.convolution(
      "conv1_conv", x, filters: width, kernel: 7, stride: 2, padding: .valid, useBias: true)
    x = g.add("pool1_pad", .zeroPadding(Edges(all: 1)), x)
    x = g.maxPooling("pool1_pool", x, window: 3, stride: 2, padding: .valid)
    for (i, count) in depths.enumerated() {
      for j in 0..<count {
        x = bottleneck(
          &g, "conv\(i + 2)_block\(j + 1)", x, filters: width << i,
          stride: j == count - 1 && i < depths.count - 1 ? 2 : 1, projects: j == 0)
      }
    }
    x = normalizedReLU(&g, "post", x)
    return g.denseHead(head, x)
  }

  private func bottleneck(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, filters: Int, stride: Int, projects: Bool
  ) -> Value {
    let ready = normalizedReLU(&g, "\(name)_preact", input)
    var shortcut = input
    if projects {
      shortcut = g.convolution(
        "\(name)_0_conv", ready, filters: 4 * filters, kernel: 1, stride: stride, padding: .valid,
        useBias: true)
    } else if stride > 1 {
      shortcut = g.add(
        .maxPooling(Pooling(window: .one, strides: Extent2D(stride), padding: .valid)), input)
    }
    var x = g.convolution(
      "\(name)_1_conv", ready, filters: filters, kernel: 1, stride: 1, padding: .valid, useBias: false)
    x = normalizedReLU(&g, "\(name)_1", x)
    x = g.add("\(name)_2_pad", .zeroPadding(Edges(all: 1)), x)
    x = g.convolution(
      "\(name)_2_conv", x, filters: filters, kernel: 3, stride: stride, padding: .valid, useBias: false)
    x = normalizedReLU(&g, "\(name)_2", x)
    x = g.convolution(
      "\(name)_3_conv", x, filters: 4 * filters, kernel: 1, stride: 1, padding: .valid, useBias: true)
    return g.add("\(name)_out", .add, shortcut, x)
  }

  private func normalizedReLU(_ g: inout GraphBuilder, _ name: String, _ x: Value) -> Value {
    let x = g.batchNormalization("\(name)_bn", x, epsilon: ResNetV2.epsilon)
    return g.add("\(name)_relu", .activation(.relu), x)
  }

  package var summary: String {
    [
      ResNetV2.members.contains { $0.depths == depths }
        ? nil : "depths \(depths.map(String.init).joined(separator: "-"))",
      width == 64 ? nil : "width \(width)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

// MARK: Finding the member

extension ResNetV2 {
  /// Kernels are those of version 1, whose blocks have more vectors.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard let (stem, depths) = inventory.residualStacks(), let blocks = depths.last else { return [] }
    let rows = 4 * stem[3] << (depths.count - 1)
    guard inventory.count([rows]) < 5 * (blocks + 1) else { return [] }
    return inventory.guesses(
      ResNetV2(depths: depths, width: stem[3]), rows: rows, channels: stem[2],
      reason: "width \(stem[3]) from the 7x7 kernel, depths \(depths) from the number of 3x3 kernels")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let resNetV2s = [
    resNetV2(
      50, accuracy: (76.0, 93.0), top: ("3ef43a0b657b3be2300d5770ece849e0", nil),
      noTop: ("fac2f116257151a9d068a22e544a4917", 94_668_760)),
    resNetV2(
      101, accuracy: (77.2, 93.8), top: ("6343647c601c52e1368623803854d971", nil),
      noTop: ("c0ed64b8031c3730f411d2eb4eea35b5", 171_317_808)),
    resNetV2(
      152, accuracy: (78.0, 94.2), top: ("a49b44d1979771252814e80f8ec446f9", nil),
      noTop: ("ed17cf2e0169df9d443503ef94b23b33", 234_545_216)),
  ]

  private static func resNetV2(
    _ layers: Int, accuracy: (Double, Double), top: PublishedFile.Facts, noTop: PublishedFile.Facts
  ) -> Architecture {
    let name = "resnet\(layers)v2"
    let definition = ResNetV2(depths: ResNetV2.members.first { $0.layers == layers }?.depths ?? [])
    return Architecture(
      name: name, family: "ResNet V2", aliases: ["ResNet-\(layers)-V2"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .tf, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "BSD (Facebook)",
        citation: "He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks, 2016, arXiv:1603.05027",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(224, 224), definition: definition,
      published: PublishedFile.pair(
        name, definition, 224, path: "resnet/\(name)\(PublishedFile.tensorFlow)", top: top, noTop: noTop),
      currentLayerName: { $0 == "probs" ? "predictions" : nil },
      guesses: { inventory in
        ResNetV2.guesses(inventory).filter {
          // Members without an architecture of their own belong to the smallest.
          let depths = ($0.definition as? ResNetV2)?.depths
          return (ResNetV2.members.first { $0.depths == depths }?.layers ?? 50) == layers
        }
      })
  }
}
