import ZooGraph
import ZooSystem
import ZooTensor

/// DenseNet (Huang and others 2016, table 1, DenseNet-BC): a 7x7 stem and four dense blocks, in which every
/// layer reads the outputs of all layers before it; between them, transitions halve channels and size.
package struct DenseNet: NetworkDefinition {
  /// Layers of each dense block.
  package var depths: [Int]
  /// Filters of the stem.
  package var stemFilters: Int
  /// Channels that one layer adds.
  package var growth: Int
  /// Of every batch normalization: Keras' 1.001e-5, or 1e-5 in torchvision and timm.
  package var epsilon: Double

  package init(
    depths: [Int], stemFilters: Int = DenseNet.stemFilters, growth: Int = DenseNet.growth,
    epsilon: Double = DenseNet.epsilon
  ) {
    self.depths = depths
    self.stemFilters = stemFilters
    self.growth = growth
    self.epsilon = epsilon
  }

  static let members: [(layers: Int, depths: [Int])] = [
    (121, [6, 12, 24, 16]), (169, [6, 12, 32, 32]), (201, [6, 12, 48, 32]),
  ]

  package static let stemFilters = 64
  package static let growth = 32
  package static let epsilon = 1.001e-5

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    guard (1...8).contains(depths.count), depths.allSatisfy({ (1...1000).contains($0) }) else {
      throw ZooError.invalidNetwork(layer: "", "DenseNet's depths are \(depths)")
    }
    var x = g.add(.zeroPadding(Edges(all: 3)), image)
    x = g.convolution(
      "conv1_conv", x, filters: stemFilters, kernel: 7, stride: 2, padding: .valid, useBias: false)
    x = normalizedReLU(&g, "conv1", x)
    x = g.add(.zeroPadding(Edges(all: 1)), x)
    x = g.maxPooling("pool1", x, window: 3, stride: 2, padding: .valid)
    var channels = stemFilters
    for (i, count) in depths.enumerated() {
      if i > 0 {
        channels /= 2
        x = transition(&g, "pool\(i + 1)", x, filters: channels)
      }
      for j in 0..<count { x = denseLayer(&g, "conv\(i + 2)_block\(j + 1)", x) }
      channels += count * growth
    }
    x = g.batchNormalization("bn", x, epsilon: epsilon)
    x = g.add("relu", .activation(.relu), x)
    return g.denseHead(head, x)
  }

  /// A bottleneck of four times the growth, and what it adds beside its input.
  private func denseLayer(_ g: inout GraphBuilder, _ name: String, _ input: Value) -> Value {
    var x = normalizedReLU(&g, "\(name)_0", input)
    x = g.convolution(
      "\(name)_1_conv", x, filters: 4 * growth, kernel: 1, stride: 1, padding: .valid,
      useBias: false)
    x = normalizedReLU(&g, "\(name)_1", x)
    x = g.convolution(
      "\(name)_2_conv", x, filters: growth, kernel: 3, stride: 1, padding: .same, useBias: false)
    return g.add("\(name)_concat", .concatenate, input, x)
  }

  private func transition(_ g: inout GraphBuilder, _ name: String, _ x: Value, filters: Int) -> Value {
    let x = g.convolution(
      "\(name)_conv", normalizedReLU(&g, name, x), filters: filters, kernel: 1, stride: 1, padding: .valid,
      useBias: false)
    return g.averagePooling("\(name)_pool", x, window: 2, stride: 2, padding: .valid)
  }

  private func normalizedReLU(_ g: inout GraphBuilder, _ name: String, _ x: Value) -> Value {
    let x = g.batchNormalization("\(name)_bn", x, epsilon: epsilon)
    return g.add("\(name)_relu", .activation(.relu), x)
  }

  /// Channels of the last feature map.
  var features: Int {
    depths.enumerated().reduce(stemFilters) { channels, block in
      (block.offset == 0 ? channels : channels / 2) + block.element * growth
    }
  }

  package var memberName: String? {
    let isUsual = growth == DenseNet.growth && stemFilters == DenseNet.stemFilters
    if let member = DenseNet.members.first(where: { $0.depths == depths }), isUsual {
      return "densenet\(member.layers)"
    }
    return (depths, growth, stemFilters) == ([6, 12, 36, 24], 48, 96) ? "densenet161" : nil
  }

  package var summary: String {
    [
      DenseNet.members.contains { $0.depths == depths }
        ? nil : "depths \(depths.map(String.init).joined(separator: "-"))",
      growth == DenseNet.growth ? nil : "growth \(growth)",
      epsilon == DenseNet.epsilon ? nil : "epsilon \(epsilon)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

// MARK: Finding the member

extension DenseNet {
  /// Every layer has a 3x3 kernel; names tell which block it is in, else the published networks are tried.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard let channels = inventory.imageChannels(window: 7, filters: stemFilters) else { return [] }
    let layers = inventory.count([3, 3, 4 * growth, growth])
    let named = depths(fromNames: inventory.layerNames)
    let candidates = named.map { [$0] } ?? members.map(\.depths)
    return candidates.filter { $0.reduce(0, +) == layers }.flatMap { depths in
      let network = DenseNet(depths: depths)
      return inventory.guesses(
        network, rows: network.features, channels: channels,
        reason: "depths \(depths) from the " + (named == nil ? "number of 3x3 kernels" : "layer names"))
    }
  }

  /// The number of layers of each block, where they are named.
  private static func depths(fromNames names: Set<String>) -> [Int]? {
    var depths: [Int] = []
    for name in names {
      let last = name.split(separator: "/").last ?? ""
      let parts = last.split(separator: "_")
      guard parts.count == 4, parts[2] == "2", parts[3] == "conv", parts[0].hasPrefix("conv"),
        parts[1].hasPrefix("block"), let block = Int(parts[0].dropFirst(4)),
        let layer = Int(parts[1].dropFirst(5)), (2...9).contains(block), (1...1000).contains(layer)
      else { continue }
      while depths.count < block - 1 { depths.append(0) }
      depths[block - 2] = max(depths[block - 2], layer)
    }
    return depths.isEmpty || depths.contains(0) ? nil : depths
  }

  /// Keras before 2.4 writes `conv1/conv`, `conv1/bn` and `fc1000`.
  static func currentLayerName(_ name: String) -> String? {
    switch name {
    case "conv1/conv": "conv1_conv"
    case "conv1/bn": "conv1_bn"
    case "fc1000": "predictions"
    default: nil
    }
  }
}

// MARK: Catalogue

extension Architecture {
  package static let denseNets = [
    denseNet(
      121, accuracy: (75.0, 92.3), top: ("9d60b8095a5708f2dcce2bca79d332c7", nil),
      noTop: ("30ee3e1110167f948a6b9946edeeb738", 29_084_464)),
    denseNet(
      169, accuracy: (76.2, 93.2), top: ("d699b8f76981ab1b30698df4c175e90b", nil),
      noTop: ("b8c4d4c20dd625c148057b9ff1c1176b", 51_877_672)),
    denseNet(
      201, accuracy: (77.3, 93.6), top: ("1ceb130c1ea1b78c3bf6114dbdfd8807", nil),
      noTop: ("c13680b51ded0fb44dff2d8f86ac8bb1", 74_836_368)),
  ]

  private static func denseNet(
    _ layers: Int, accuracy: (Double, Double), top: PublishedFile.Facts, noTop: PublishedFile.Facts
  ) -> Architecture {
    let name = "densenet\(layers)"
    let definition = DenseNet(depths: DenseNet.members.first { $0.layers == layers }?.depths ?? [])
    return Architecture(
      name: name, family: "DenseNet", aliases: ["DenseNet-\(layers)"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .torch, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "BSD-3-Clause",
        citation: "Huang, Liu, van der Maaten, Weinberger: Densely Connected Convolutional Networks, 2016, "
          + "arXiv:1608.06993",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(224, 224), definition: definition,
      published: PublishedFile.pair(
        name, definition, 224, path: "densenet/\(name)\(PublishedFile.tensorFlow)", top: top, noTop: noTop),
      currentLayerName: DenseNet.currentLayerName,
      guesses: { inventory in
        DenseNet.guesses(inventory).filter {
          // Members without an architecture of their own belong to the smallest.
          let depths = ($0.definition as? DenseNet)?.depths
          return (DenseNet.members.first { $0.depths == depths }?.layers ?? 121) == layers
        }
      })
  }
}
