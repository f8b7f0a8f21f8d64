import ZooGraph
import ZooSystem
import ZooTensor

/// MobileNet, version 2 (Sandler and others 2018, table 2): inverted residuals, which widen few channels,
/// convolve each by itself and narrow them again without an activation.
package struct MobileNetV2: NetworkDefinition {
  /// The width multiplier; filters are rounded to multiples of 8.
  package var alpha: Double

  package var convention: MobileNet.Convention

  package init(alpha: Double = 1, convention: MobileNet.Convention = .keras) {
    self.alpha = alpha
    self.convention = convention
  }

  /// Per row of the table: how often channels are widened, filters, blocks and stride of the first.
  static let rows: [(expansion: Int, filters: Int, blocks: Int, stride: Int)] = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
  ]

  var stemFilters: Int { roundedFilters(32 * alpha) }
  /// Of the last convolution, which is never narrowed.
  var lastFilters: Int { alpha > 1 ? roundedFilters(1280 * alpha) : 1280 }
  /// The filters for `count` in the table.
  func filters(_ count: Int) -> Int { roundedFilters(Double(Int(Double(count) * alpha))) }

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    guard alpha > 0, alpha <= 64 else {
      throw ZooError.invalidNetwork(layer: "", "MobileNet's alpha is \(alpha)")
    }
    var x = image
    if convention.isSymmetric { x = g.add("Conv1_pad", .zeroPadding(Edges(all: 1)), x) }
    x = g.convolution(
      "Conv1", x, filters: stemFilters, kernel: 3, stride: 2,
      padding: convention.isSymmetric ? .valid : .same, useBias: false)
    x = g.batchNormalization("bn_Conv1", x, epsilon: convention.epsilon)
    x = g.add("Conv1_relu", .activation(.relu6), x)
    var id = 0
    var channels = stemFilters
    for row in MobileNetV2.rows {
      for block in 0..<row.blocks {
        x = invertedResidual(
          &g, id: id, x, from: channels, expansion: row.expansion, filters: filters(row.filters),
          stride: block == 0 ? row.stride : 1)
        id += 1
        channels = filters(row.filters)
      }
    }
    x = g.convolution(
      "Conv_1", x, filters: lastFilters, kernel: 1, stride: 1, padding: .valid, useBias: false)
    x = g.batchNormalization("Conv_1_bn", x, epsilon: convention.epsilon)
    x = g.add("out_relu", .activation(.relu6), x)
    switch head {
    case .classifier(let classes, let activation):
      x = g.add(.globalAveragePooling(keepDimensions: false), x)
      return g.dense("predictions", x, units: classes, activation: activation)
    case .features(let pooling):
      return g.globalPooling(pooling, x)
    }
  }

  private func invertedResidual(
    _ g: inout GraphBuilder, id: Int, _ input: Value, from channels: Int, expansion: Int, filters: Int,
    stride: Int
  ) -> Value {
    let name = id == 0 ? "expanded_conv" : "block_\(id)"
    var x = input
    if id > 0 {
      x = g.convolution(
        "\(name)_expand", x, filters: expansion * channels, kernel: 1, stride: 1, padding: .same,
        useBias: false)
      x = g.batchNormalization("\(name)_expand_BN", x, epsilon: convention.epsilon)
      x = g.add("\(name)_expand_relu", .activation(.relu6), x)
    }
    x = g.paddedDepthwiseConvolution(
      "\(name)_depthwise", pad: "\(name)_pad", x, kernel: 3, stride: stride,
      isSymmetric: convention.isSymmetric)
    x = g.batchNormalization("\(name)_depthwise_BN", x, epsilon: convention.epsilon)
    x = g.add("\(name)_depthwise_relu", .activation(.relu6), x)
    x = g.convolution(
      "\(name)_project", x, filters: filters, kernel: 1, stride: 1, padding: .same, useBias: false)
    x = g.batchNormalization("\(name)_project_BN", x, epsilon: convention.epsilon)
    return stride == 1 && channels == filters ? g.add("\(name)_add", .add, input, x) : x
  }

  package var summary: String {
    "alpha \(alpha)" + (convention == .keras ? "" : ", as \(convention.name)")
  }
}

// MARK: Finding the member

extension MobileNetV2 {
  /// Alphas may round to the same filters; the first usual one that does is taken.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    let found = usualMultipliers.lazy.map { MobileNetV2(alpha: $0) }.first { member in
      let wide = 6 * member.filters(160)
      return inventory.count([1, 1, member.filters(320), member.lastFilters]) > 0
        && inventory.count([1, 1, wide, member.filters(160)]) >= 2
        && inventory.count([1, 1, 6 * member.filters(24), member.filters(24)]) > 0
        && inventory.count([1, 1, 6 * member.filters(64), member.filters(96)]) > 0
        && inventory.imageChannels(window: 3, filters: member.stemFilters) != nil
    }
    guard let found, let channels = inventory.imageChannels(window: 3, filters: found.stemFilters) else {
      return []
    }
    return inventory.guesses(
      found, rows: found.lastFilters, channels: channels,
      reason: "alpha \(found.alpha) from the \(found.stemFilters) filters of the first kernel and the "
        + "\(found.filters(320)) that the last reads")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let mobileNetV2: Architecture = {
    let name = "mobilenetv2"
    // Sizes with top-1 as Keras' code states it; for the largest of alpha 1, the card has a later figure.
    let members: [(alpha: Double, sizes: [(Int, Double?)])] = [
      (1, [(224, nil), (192, 70.7), (160, 68.8), (128, 65.3), (96, 60.3)]),
      (1.4, [(224, 75)]), (1.3, [(224, 74.4)]),
      (0.75, [(224, 69.8), (192, 68.7), (160, 66.4), (128, 63.2), (96, 58.8)]),
      (0.5, [(224, 65.4), (192, 63.9), (160, 61), (128, 57.7), (96, 51.2)]),
      (0.35, [(224, 60.3), (192, 58.2), (160, 55.7), (128, 50.8), (96, 45.5)]),
    ]
    // Keras publishes no hashes of these files; other public code has some.
    let hashes = [
      "1.0_224.h5": [
        "321911b381f6fd09b744356f6796ee18",
        "3e195a2857356cfc092cbbb460beb2a5bce279015d7792598b8d3d9e451902e3",
      ],
      "1.0_224_no_top.h5": ["f1a68526548f7541cda07e19ba6c85f4"],
    ]
    let bytes = ["1.0_224_no_top.h5": 9_406_464, "1.0_160_no_top.h5": 9_406_464]
    var published: [PublishedFile] = []
    for (alpha, sizes) in members {
      for (size, topOne) in sizes {
        for (suffix, head) in [("", Head.imageNet), ("_no_top", .features(.none))] {
          let file = "\(alpha)_\(size)\(suffix).h5"
          published.append(
            PublishedFile(
              address: PublishedFile.kerasApplications
                + "mobilenet_v2/mobilenet_v2\(PublishedFile.tensorFlow)_\(file)",
              hashes: (hashes[file] ?? []).map(PublishedFile.Hash.init), bytes: bytes[file],
              variant: Variant(
                architecture: name, definition: MobileNetV2(alpha: alpha), input: InputShape(size, size),
                head: head),
              topOne: head == .imageNet ? topOne : nil))
        }
      }
    }
    return Architecture(
      name: name, family: "MobileNet V2", aliases: ["MobileNet-V2"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .tf, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "Apache-2.0",
        citation: "Sandler and others: MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018, "
          + "arXiv:1801.04381",
        accuracy: accuracyText(71.3, 90.1)),
      defaultInput: InputShape(224, 224), definition: MobileNetV2(), published: published,
      currentLayerName: { $0 == "Logits" ? "predictions" : nil }, guesses: MobileNetV2.guesses)
  }()
}
