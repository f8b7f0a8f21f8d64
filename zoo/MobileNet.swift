import ZooGraph
import ZooSystem
import ZooTensor

/// MobileNet, version 1 (Howard and others 2017, table 1): a strided convolution, then thirteen pairs
/// of a 3x3 depthwise and a 1x1 convolution, each with batch normalization and ReLU6.
package struct MobileNet: NetworkDefinition {
  /// The width multiplier: a layer of f filters in the paper has the whole part of f * alpha.
  package var alpha: Double
  /// Depthwise outputs per input channel.
  package var depthMultiplier: Int

  package var convention: Convention

  package init(alpha: Double = 1, depthMultiplier: Int = 1, convention: Convention = .keras) {
    self.alpha = alpha
    self.depthMultiplier = depthMultiplier
    self.convention = convention
  }

  /// What differs between the programs that weights of the same network come from.
  package struct Convention: Hashable, Sendable {
    package let name: String
    /// Of every batch normalization.
    package let epsilon: Double
    /// Whether windows with a stride have a pixel of padding on each side, else at the bottom and right alone.
    let isSymmetric: Bool

    package static let keras = Convention(name: "keras", epsilon: 1e-3, isSymmetric: false)
    /// timm's `efficientnet.py`.
    package static let timm = Convention(name: "timm", epsilon: 1e-5, isSymmetric: true)
    /// Of timm's networks whose names begin with `tf_`, which came from TensorFlow.
    package static let timmTF = Convention(name: "timm-tf", epsilon: 1e-3, isSymmetric: false)
    /// torchvision's MobileNet V2.
    package static let torchvision = Convention(name: "torchvision", epsilon: 1e-5, isSymmetric: true)
    /// torchvision's MobileNet V3, and its largest EfficientNets.
    package static let torchvisionV3 = Convention(name: "torchvision", epsilon: 1e-3, isSymmetric: true)
  }

  /// Filters and stride of the thirteen blocks.
  static let blocks: [(filters: Int, stride: Int)] = [
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1),
    (512, 1), (1024, 2), (1024, 1),
  ]
  static let stemFilters = 32

  /// The number of filters for `count` in the paper.
  func filters(_ count: Int) -> Int { Int(Double(count) * alpha) }

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    guard alpha > 0, alpha <= 64 else {
      throw ZooError.invalidNetwork(layer: "", "MobileNet's alpha is \(alpha)")
    }
    var x = image
    if convention.isSymmetric { x = g.add("conv1_pad", .zeroPadding(Edges(all: 1)), x) }
    x = g.convolution(
      "conv1", x, filters: filters(MobileNet.stemFilters), kernel: 3, stride: 2,
      padding: convention.isSymmetric ? .valid : .same, useBias: false)
    x = normalizedReLU6(&g, "conv1", x)
    for (i, block) in MobileNet.blocks.enumerated() {
      x = depthwiseSeparable(&g, id: i + 1, x, filters: filters(block.filters), stride: block.stride)
    }
    switch head {
    case .classifier(let classes, let activation):
      x = g.add(.globalAveragePooling(keepDimensions: true), x)
      x = g.add("dropout", .identity(layer: "Dropout"), x)
      x = g.convolution(
        "conv_preds", x, filters: classes, kernel: 1, stride: 1, padding: .same, useBias: true)
      x = g.add("reshape_2", .reshape(target: [classes]), x)
      return g.add("predictions", .activation(activation), x)
    case .features(let pooling):
      return g.globalPooling(pooling, x)
    }
  }

  private func depthwiseSeparable(
    _ g: inout GraphBuilder, id: Int, _ input: Value, filters: Int, stride: Int
  ) -> Value {
    var x = input
    if stride > 1 {
      let edges = convention.isSymmetric ? Edges(all: 1) : Edges(top: 0, bottom: 1, left: 0, right: 1)
      x = g.add("conv_pad_\(id)", .zeroPadding(edges), x)
    }
    x = g.add(
      "conv_dw_\(id)",
      .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: depthMultiplier, kernel: Extent2D(3), strides: Extent2D(stride),
          padding: stride > 1 ? .valid : .same, useBias: false)), x)
    x = normalizedReLU6(&g, "conv_dw_\(id)", x)
    x = g.convolution(
      "conv_pw_\(id)", x, filters: filters, kernel: 1, stride: 1, padding: .same, useBias: false)
    return normalizedReLU6(&g, "conv_pw_\(id)", x)
  }

  private func normalizedReLU6(_ g: inout GraphBuilder, _ name: String, _ x: Value) -> Value {
    let x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
    return g.add("\(name)_relu", .activation(.relu6), x)
  }

  package var summary: String {
    "alpha \(alpha)" + (depthMultiplier == 1 ? "" : ", depth multiplier \(depthMultiplier)")
      + (convention == .keras ? "" : ", as \(convention.name)")
  }
}

// MARK: Finding the member

extension MobileNet {
  /// The 3x3 kernel with more outputs per channel than the others is the stem's; in the narrowest members
  /// it has no more, and each may be it. Its filters give alpha to a 32nd only, the widest 1x1 kernels to
  /// a 1024th.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    let windows = inventory.kernels.filter { $0[0] == 3 && $0[1] == 3 }
    guard let multiplier = windows.map({ $0[3] }).min() else { return [] }
    let stems = windows.first { $0[3] != multiplier }.map { [$0] } ?? Set(windows).sorted { $0[2] < $1[2] }
    return stems.prefix(16).flatMap { guesses(inventory, stem: $0, multiplier: multiplier) }
  }

  private static func guesses(_ inventory: TensorInventory, stem: Shape, multiplier: Int) -> [Guess] {
    guard inventory.count([3, 3, stem[3], multiplier]) > 0 else { return [] }
    let pointwise = inventory.kernels.filter { $0[0] == 1 && $0[1] == 1 }
    var guesses: [Guess] = []
    var tried: Set<Double> = []
    for widest in Set(pointwise.map { $0[2] }).sorted(by: >).prefix(4) {
      let exact = Double(widest) / 1024
      let rounded = [100.0, 20].map { (exact * $0).rounded(.up) / $0 }
      guard
        let alpha = ([1, 0.75, 0.5, 0.25] + rounded + [exact]).first(where: {
          let member = MobileNet(alpha: $0)
          return $0 <= 64 && member.filters(1024) == widest && member.filters(stemFilters) == stem[3]
        }), tried.insert(alpha).inserted
      else { continue }
      let definition = MobileNet(alpha: alpha, depthMultiplier: multiplier)
      let reason =
        "alpha \(alpha) from the \(stem[3]) filters of the first kernel and the \(widest) of the last"
      var classes: [Int] = []
      for kernel in pointwise where kernel[2] == widest && !classes.contains(kernel[3]) {
        classes.append(kernel[3])
      }
      for count in classes.prefix(TensorInventory.headLimit) {
        guesses.append(
          Guess(
            definition: definition, head: .classifier(classes: count, activation: .softmax),
            channels: stem[2],
            reason: reason))
      }
      guesses.append(
        Guess(definition: definition, head: .features(.none), channels: stem[2], reason: reason))
    }
    return guesses
  }
}

// MARK: Catalogue

extension Architecture {
  package static let mobileNet: Architecture = {
    let name = "mobilenet"
    // Keras publishes no hashes of these files; other public code has some.
    let hashes = [
      "mobilenet_1_0_224_tf.h5": ["03394917f9a9ea3362f46332a5b6a215"],
      "mobilenet_1_0_224_tf_no_top.h5": ["725ccbd03d61d7ced5b5c4cd17e7d527"],
      "mobilenet_2_5_224_tf_no_top.h5": [
        "f313cee49f5d33dfb06f2b255c4adb64",
        "dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf",
      ],
    ]
    let bytes = [
      "mobilenet_1_0_224_tf.h5": 17_225_924, "mobilenet_1_0_224_tf_no_top.h5": 17_225_924,
      "mobilenet_2_5_224_tf_no_top.h5": 2_108_140,
    ]
    // As Keras' documentation states it; for the network of alpha 1 and 224x224, the card has a later figure.
    let topOne = [
      "7_5_224": 68.4, "5_0_224": 63.7, "2_5_224": 50.6, "1_0_192": 69.1, "1_0_160": 67.2, "1_0_128": 64.4,
    ]
    var published: [PublishedFile] = []
    for (text, alpha) in [("1_0", 1), ("7_5", 0.75), ("5_0", 0.5), ("2_5", 0.25)] {
      for size in [224, 192, 160, 128] {
        for (suffix, head) in [("", Head.imageNet), ("_no_top", .features(.none))] {
          let file = "mobilenet_\(text)_\(size)_tf\(suffix).h5"
          published.append(
            PublishedFile(
              address: "\(PublishedFile.kerasApplications)mobilenet/\(file)",
              hashes: (hashes[file] ?? []).map(PublishedFile.Hash.init), bytes: bytes[file],
              variant: Variant(
                architecture: name, definition: MobileNet(alpha: alpha), input: InputShape(size, size),
                head: head),
              topOne: head == .imageNet ? topOne["\(text)_\(size)"] : nil))
        }
      }
    }
    return Architecture(
      name: name, family: "MobileNet", aliases: ["MobileNetV1"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .tf, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "Apache-2.0",
        citation: "Howard and others: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
          + "Applications, 2017, arXiv:1704.04861",
        accuracy: "70.4 % top-1, 89.5 % top-5 on ImageNet's validation images"),
      defaultInput: InputShape(224, 224), definition: MobileNet(), published: published,
      currentLayerName: { $0 == "act_softmax" ? "predictions" : nil }, writers: [],
      guesses: MobileNet.guesses)
  }()
}
