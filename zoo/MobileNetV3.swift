import ZooGraph
import ZooSystem
import ZooTensor

/// MobileNet, version 3 (Howard and others 2019, tables 1 and 2): inverted residuals, some with squeeze and
/// excitation, and a classifier of two 1x1 convolutions.
///
/// The network takes pixels (0…255), unless ``scalesPixels`` is off.
package struct MobileNetV3: NetworkDefinition {
  /// Which table.
  package enum Size: String, Hashable, Sendable {
    case large, small
  }

  package var size: Size
  /// The width multiplier; filters are rounded to multiples of 8.
  package var alpha: Double
  /// Without squeeze and excitation, 5x5 windows and hard swish.
  package var isMinimalistic: Bool
  /// Whether pixels are scaled to -1…1 in the network; off where Keras was told
  /// `include_preprocessing=False`.
  package var scalesPixels = true
  package var convention = MobileNet.Convention.keras

  package init(_ size: Size, alpha: Double = 1, isMinimalistic: Bool = false) {
    self.size = size
    self.alpha = alpha
    self.isMinimalistic = isMinimalistic
  }

  /// A row of a table: how often channels are widened, filters, whether the window is 5x5, stride, whether it
  /// has squeeze and excitation, whether its activation is hard swish.
  typealias Row = (
    expansion: Double, filters: Int, isWide: Bool, stride: Int, squeezes: Bool, swishes: Bool
  )

  private static let large: [Row] = [
    (1, 16, false, 1, false, false), (4, 24, false, 2, false, false), (3, 24, false, 1, false, false),
    (3, 40, true, 2, true, false), (3, 40, true, 1, true, false), (3, 40, true, 1, true, false),
    (6, 80, false, 2, false, true), (2.5, 80, false, 1, false, true), (2.3, 80, false, 1, false, true),
    (2.3, 80, false, 1, false, true), (6, 112, false, 1, true, true), (6, 112, false, 1, true, true),
    (6, 160, true, 2, true, true), (6, 160, true, 1, true, true), (6, 160, true, 1, true, true),
  ]
  private static let small: [Row] = [
    (1, 16, false, 2, true, false), (72.0 / 16, 24, false, 2, false, false),
    (88.0 / 24, 24, false, 1, false, false), (4, 40, true, 2, true, true), (6, 40, true, 1, true, true),
    (6, 40, true, 1, true, true), (3, 48, true, 1, true, true), (3, 48, true, 1, true, true),
    (6, 96, true, 2, true, true), (6, 96, true, 1, true, true), (6, 96, true, 1, true, true),
  ]
  var rows: [Row] { size == .large ? MobileNetV3.large : MobileNetV3.small }

  static let stemFilters = 16

  func filters(_ count: Int) -> Int { roundedFilters(Double(count) * alpha) }
  /// Of the last block.
  var blockFilters: Int { filters(size == .large ? 160 : 96) }
  /// Of the last convolution before pooling.
  var lastFilters: Int { roundedFilters(Double(blockFilters * 6)) }
  /// Between the two convolutions of the classifier.
  var hiddenFilters: Int {
    let count = size == .large ? 1280 : 1024
    return alpha > 1 ? roundedFilters(Double(count) * alpha) : count
  }
  private var activation: Activation { isMinimalistic ? .relu : .hardSilu }

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    guard alpha > 0, alpha <= 64 else {
      throw ZooError.invalidNetwork(layer: "", "MobileNet's alpha is \(alpha)")
    }
    var x = image
    if scalesPixels { x = g.add(.rescaling(Rescaling(scale: [1 / 127.5], offset: [-1])), x) }
    if convention.isSymmetric { x = g.add("conv_pad", .zeroPadding(Edges(all: 1)), x) }
    x = g.convolution(
      "conv", x, filters: MobileNetV3.stemFilters, kernel: 3, stride: 2,
      padding: convention.isSymmetric ? .valid : .same, useBias: false)
    x = normalized(&g, "conv", x, activation)
    var channels = MobileNetV3.stemFilters
    for (id, row) in rows.enumerated() {
      x = invertedResidual(&g, id: id, x, from: channels, row)
      channels = filters(row.filters)
    }
    x = g.convolution(
      "conv_1", x, filters: lastFilters, kernel: 1, stride: 1, padding: .same, useBias: false)
    x = normalized(&g, "conv_1", x, activation)
    switch head {
    case .classifier(let classes, let activation):
      x = g.add(.globalAveragePooling(keepDimensions: true), x)
      x = g.convolution(
        "conv_2", x, filters: hiddenFilters, kernel: 1, stride: 1, padding: .same, useBias: true)
      x = g.add(.activation(self.activation), x)
      x = g.add("dropout", .identity(layer: "Dropout"), x)
      x = g.convolution("logits", x, filters: classes, kernel: 1, stride: 1, padding: .same, useBias: true)
      x = g.add(.flatten, x)
      return g.add("predictions", .activation(activation), x)
    case .features(.none):
      return x
    case .features(.avg):
      return g.add("avg_pool", .globalAveragePooling(keepDimensions: false), x)
    case .features(.max):
      return g.add("max_pool", .globalMaxPooling(keepDimensions: false), x)
    }
  }

  private func invertedResidual(
    _ g: inout GraphBuilder, id: Int, _ input: Value, from channels: Int, _ row: Row
  ) -> Value {
    let name = id == 0 ? "expanded_conv" : "expanded_conv_\(id)"
    let activation = row.swishes ? self.activation : .relu
    let wide = roundedFilters(Double(channels) * row.expansion)
    var x = input
    if id > 0 {
      x = g.convolution(
        "\(name)_expand", x, filters: wide, kernel: 1, stride: 1, padding: .same, useBias: false)
      x = normalized(&g, "\(name)_expand", x, activation)
    }
    x = g.paddedDepthwiseConvolution(
      "\(name)_depthwise", pad: "\(name)_depthwise_pad", x, kernel: row.isWide && !isMinimalistic ? 5 : 3,
      stride: row.stride, isSymmetric: convention.isSymmetric)
    x = normalized(&g, "\(name)_depthwise", x, activation)
    if row.squeezes, !isMinimalistic { x = squeezeAndExcitation(&g, name, x, channels: wide) }
    x = g.convolution(
      "\(name)_project", x, filters: filters(row.filters), kernel: 1, stride: 1, padding: .same,
      useBias: false)
    x = g.batchNormalization("\(name)_project_bn", x, epsilon: convention.epsilon)
    return row.stride == 1 && channels == filters(row.filters)
      ? g.add("\(name)_add", .add, input, x) : x
  }

  /// Scales channels by what two 1x1 convolutions make of their means, with relu6(x + 3) / 6 for a sigmoid.
  private func squeezeAndExcitation(
    _ g: inout GraphBuilder, _ name: String, _ x: Value, channels: Int
  ) -> Value {
    let name = "\(name)_squeeze_excite"
    var means = g.add("\(name)_avg_pool", .globalAveragePooling(keepDimensions: true), x)
    means = g.convolution(
      "\(name)_conv", means, filters: roundedFilters(Double(channels) * 0.25), kernel: 1, stride: 1,
      padding: .same, useBias: true)
    means = g.add("\(name)_relu", .activation(.relu), means)
    means = g.convolution(
      "\(name)_conv_1", means, filters: channels, kernel: 1, stride: 1, padding: .same, useBias: true)
    means = g.add("\(name)_shift", .rescaling(Rescaling(scale: [1], offset: [3])), means)
    means = g.add("\(name)_relu6", .activation(.relu6), means)
    means = g.add("\(name)_sixth", .rescaling(Rescaling(scale: [1.0 / 6], offset: [0])), means)
    return g.add("\(name)_mul", .merge(.multiply), x, means)
  }

  private func normalized(
    _ g: inout GraphBuilder, _ name: String, _ x: Value, _ activation: Activation
  ) -> Value {
    let x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
    return g.add("\(name)_activation", .activation(activation), x)
  }

  package var summary: String {
    "alpha \(alpha)" + (isMinimalistic ? ", minimalistic" : "")
      + (scalesPixels ? "" : ", \(PixelScaling.off)")
      + (convention == .keras ? "" : ", as \(convention.name)")
  }

  package var published: any NetworkDefinition { PixelScaling.with(self) { $0.scalesPixels = true } }
}

// MARK: Finding the member

extension MobileNetV3 {
  /// The shapes of the 1x1 kernels that narrow.
  private var projections: [Shape] {
    var channels = MobileNetV3.stemFilters
    return rows.map { row in
      defer { channels = filters(row.filters) }
      return [1, 1, roundedFilters(Double(channels) * row.expansion), filters(row.filters)]
    }
  }

  /// Alphas may round to the same filters; the first usual one that does is taken.
  static func guesses(_ inventory: TensorInventory, of size: Size) -> [Guess] {
    guard let channels = inventory.imageChannels(window: 3, filters: stemFilters) else { return [] }
    let wide = inventory.kernels.contains { $0[0] == 5 && $0[3] == 1 }
    let found = usualMultipliers.lazy.map { MobileNetV3(size, alpha: $0, isMinimalistic: !wide) }.first {
      $0.projections.allSatisfy { inventory.count($0) > 0 }
        && inventory.count([1, 1, $0.blockFilters, $0.lastFilters]) > 0
    }
    guard let found else { return [] }
    let reason =
      "alpha \(found.alpha) from the \(found.blockFilters) filters of the last block, "
      + (wide ? "5x5 kernels" : "minimalistic for want of 5x5 kernels")
    var classes: [Int] = []
    for kernel in inventory.kernels
    where kernel[0] == 1 && kernel[2] == found.hiddenFilters && !classes.contains(kernel[3]) {
      classes.append(kernel[3])
    }
    let heads =
      classes.prefix(TensorInventory.headLimit).map { Head.classifier(classes: $0, activation: .softmax) }
      + [.features(.none)]
    return PixelScaling.candidates(inventory).flatMap { scaling in
      heads.map { head in
        Guess(
          definition: PixelScaling.with(found) { $0.scalesPixels = scaling.isOn }, head: head,
          channels: channels, conventions: WriterConventions(preprocessing: scaling.isOn ? nil : .tf),
          reason: "\(reason); \(scaling.reason)")
      }
    }
  }

  /// Keras 2 writes `expanded_conv_1/expand/BatchNorm`, `Conv_1`, `Logits`.
  static func currentLayerName(_ name: String) -> String? {
    guard name.contains("/") || name.first?.isUppercase == true else { return nil }
    return name.replacing("/", with: "_").lowercased().replacing("batchnorm", with: "bn")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let mobileNetV3s = [
    mobileNetV3(
      .large, topOne: 75.6,
      files: [
        (
          1.0, false, nil,
          ("59e551e166be033d707958cf9e29a6a7", nil), ("07fb09a5933dd0c8eaafa16978110389", nil)
        ),
        (
          0.75, false, 73.3,
          ("765b44a33ad4005b3ac83185abf1d0eb", nil), ("40af19a13ebea4e2ee0c676887f69a2e", nil)
        ),
        (
          1.0, true, 72.3,
          ("675e7b876c45c57e9e63e6d90a36599c", nil), ("ec5221f64a2f6d1ef965a614bdae7973", nil)
        ),
      ]),
    mobileNetV3(
      .small, topOne: 68.1,
      files: [
        (
          1.0, false, nil,
          ("8768d4c2e7dee89b9d02b2d03d65d862", nil), ("d3e8ec802a04aa4fc771ee12a9a9b836", nil)
        ),
        (
          0.75, false, 65.4,
          ("cb65d4e5be93758266aa0a7f2c6708b7", nil), ("ebdb5cc8e0b497cd13a7c275d475c819", nil)
        ),
        (
          1.0, true, 61.9,
          ("99cd97fb2fcdad2bf028eb838de69e37", nil), ("cde8136e733e811080d9fcd8a252f7e4", nil)
        ),
      ]),
  ]

  private static func mobileNetV3(
    _ size: MobileNetV3.Size, topOne: Double,
    files: [(
      alpha: Double, isMinimalistic: Bool, topOne: Double?, top: PublishedFile.Facts,
      noTop: PublishedFile.Facts
    )]
  ) -> Architecture {
    let name = "mobilenetv3\(size.rawValue)"
    return Architecture(
      name: name, family: "MobileNet V3", aliases: ["MobileNet-V3-\(size.rawValue)"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .none, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "Apache-2.0",
        citation: "Howard and others: Searching for MobileNetV3, 2019, arXiv:1905.02244",
        accuracy: accuracyText(topOne)),
      defaultInput: InputShape(224, 224), definition: MobileNetV3(size),
      published: files.flatMap { file in
        PublishedFile.pair(
          name, MobileNetV3(size, alpha: file.alpha, isMinimalistic: file.isMinimalistic), 224,
          path: "mobilenet_v3/weights_mobilenet_v3_\(size.rawValue)"
            + "\(file.isMinimalistic ? "_minimalistic" : "")_224_\(file.alpha)_float",
          suffix: "_no_top_v2", top: file.top, noTop: file.noTop, topOne: file.topOne)
      },
      currentLayerName: MobileNetV3.currentLayerName, writers: PixelScaling.writers,
      guesses: { MobileNetV3.guesses($0, of: size) })
  }
}
