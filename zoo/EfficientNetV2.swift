import ZooGraph
import ZooSystem
import ZooTensor

/// EfficientNet, version 2 (Tan and Le 2021, table 4): the early blocks widen by one 3x3 convolution in place
/// of a 1x1 and a depthwise one.
///
/// The network takes pixels (0…255), unless ``scalesPixels`` is off.
package struct EfficientNetV2: NetworkDefinition {
  /// A row of the table.
  package struct Row: Hashable, Sendable {
    /// Whether one 3x3 convolution widens, without squeeze and excitation.
    let isFused: Bool
    /// How often channels are widened.
    let expansion: Int
    let filters: Int
    let blocks: Int
    /// Of the first block.
    let stride: Int

    init(_ isFused: Bool, _ expansion: Int, _ filters: Int, _ blocks: Int, _ stride: Int) {
      self.isFused = isFused
      self.expansion = expansion
      self.filters = filters
      self.blocks = blocks
      self.stride = stride
    }
  }

  /// `b0`, …: what Keras calls it.
  package let member: String
  package let stem: Int
  package let rows: [Row]
  package let width: Double
  package let depth: Double
  /// Whether pixels are normalized in the network; off where Keras was told `include_preprocessing=False`.
  package var scalesPixels = true
  package var convention = MobileNet.Convention.keras

  private static let base = [
    Row(true, 1, 16, 1, 1), Row(true, 4, 32, 2, 2), Row(true, 4, 48, 2, 2), Row(false, 4, 96, 3, 2),
    Row(false, 6, 112, 5, 1), Row(false, 6, 192, 8, 2),
  ]

  package static let b0 = EfficientNetV2(member: "b0", stem: 32, rows: base, width: 1, depth: 1)
  package static let b1 = EfficientNetV2(member: "b1", stem: 32, rows: base, width: 1, depth: 1.1)
  package static let b2 = EfficientNetV2(member: "b2", stem: 32, rows: base, width: 1.1, depth: 1.2)
  package static let b3 = EfficientNetV2(member: "b3", stem: 32, rows: base, width: 1.2, depth: 1.4)
  package static let s = EfficientNetV2(
    member: "s", stem: 24,
    rows: [
      Row(true, 1, 24, 2, 1), Row(true, 4, 48, 4, 2), Row(true, 4, 64, 4, 2), Row(false, 4, 128, 6, 2),
      Row(false, 6, 160, 9, 1), Row(false, 6, 256, 15, 2),
    ], width: 1, depth: 1)
  package static let m = EfficientNetV2(
    member: "m", stem: 24,
    rows: [
      Row(true, 1, 24, 3, 1), Row(true, 4, 48, 5, 2), Row(true, 4, 80, 5, 2), Row(false, 4, 160, 7, 2),
      Row(false, 6, 176, 14, 1), Row(false, 6, 304, 18, 2), Row(false, 6, 512, 5, 1),
    ], width: 1, depth: 1)
  package static let l = EfficientNetV2(
    member: "l", stem: 32,
    rows: [
      Row(true, 1, 32, 4, 1), Row(true, 4, 64, 7, 2), Row(true, 4, 96, 7, 2), Row(false, 4, 192, 10, 2),
      Row(false, 6, 224, 19, 1), Row(false, 6, 384, 25, 2), Row(false, 6, 640, 7, 1),
    ], width: 1, depth: 1)

  func filters(_ count: Int) -> Int { roundedFilters(Double(count) * width, keepsNineTenths: false) }
  func blocks(_ row: Row) -> Int { Int((Double(row.blocks) * depth).rounded(.up)) }

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    var x = scalesPixels ? scaled(&g, image) : image
    x = g.convolution(
      "stem_conv", x, filters: filters(stem), kernel: 3, stride: 2, padding: padding(stride: 2),
      useBias: false)
    x = normalizedSiLU(&g, "stem", x)
    var channels = filters(stem)
    for (i, row) in rows.enumerated() {
      for j in 0..<blocks(row) {
        let stride = j == 0 ? row.stride : 1
        let name = g.blockName(i, j)
        let input = x
        x =
          row.isFused
          ? fused(&g, name, x, from: channels, row, stride: stride)
          : inverted(&g, name, x, from: channels, row, stride: stride)
        if stride == 1, channels == filters(row.filters) {
          x = g.add("\(name)_drop", .identity(layer: "Dropout"), x)
          x = g.add("\(name)_add", .add, x, input)
        }
        channels = filters(row.filters)
      }
    }
    x = g.convolution(
      "top_conv", x, filters: filters(1280), kernel: 1, stride: 1, padding: .same, useBias: false)
    x = normalizedSiLU(&g, "top", x)
    return g.denseHead(head, x, dropout: "top_dropout")
  }

  /// B0 to B3 normalize colours as version 1 was meant to, the others scale to -1…1.
  private func scaled(_ g: inout GraphBuilder, _ image: Value) -> Value {
    guard member.hasPrefix("b"), g.shape(of: image)?.dimensions.last == 3 else {
      return g.add(.rescaling(Rescaling(scale: [1.0 / 128], offset: [-1])), image)
    }
    let x = g.add(.rescaling(Rescaling(scale: [1.0 / 255], offset: [0])), image)
    return g.add("normalization", .rescaling(.imageNet(mostValue: 1)), x)
  }

  /// Of a 3x3 window.
  private func padding(stride: Int) -> Padding {
    convention.isSymmetric && stride > 1 ? .explicit(Edges(all: 1)) : .same
  }

  private func fused(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, from channels: Int, _ row: Row, stride: Int
  ) -> Value {
    var x = input
    if row.expansion > 1 {
      x = g.convolution(
        "\(name)_expand_conv", x, filters: row.expansion * channels, kernel: 3, stride: stride,
        padding: padding(stride: stride), useBias: false)
      x = normalizedSiLU(&g, "\(name)_expand", x)
    }
    let projectedStride = row.expansion > 1 ? 1 : stride
    x = g.convolution(
      "\(name)_project_conv", x, filters: filters(row.filters), kernel: row.expansion > 1 ? 1 : 3,
      stride: projectedStride, padding: padding(stride: projectedStride), useBias: false)
    return row.expansion > 1
      ? g.batchNormalization("\(name)_project_bn", x, epsilon: convention.epsilon)
      : normalizedSiLU(&g, "\(name)_project", x)
  }

  private func inverted(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, from channels: Int, _ row: Row, stride: Int
  ) -> Value {
    let wide = row.expansion * channels
    var x = g.convolution(
      "\(name)_expand_conv", input, filters: wide, kernel: 1, stride: 1, padding: .same, useBias: false)
    x = normalizedSiLU(&g, "\(name)_expand", x)
    x = g.depthwiseConvolution(
      "\(name)_dwconv2", x, kernel: 3, stride: stride, padding: padding(stride: stride))
    x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
    x = g.add("\(name)_activation", .activation(.silu), x)
    x = g.squeezeAndExcitation(name, x, from: channels, channels: wide)
    x = g.convolution(
      "\(name)_project_conv", x, filters: filters(row.filters), kernel: 1, stride: 1, padding: .same,
      useBias: false)
    return g.batchNormalization("\(name)_project_bn", x, epsilon: convention.epsilon)
  }

  private func normalizedSiLU(_ g: inout GraphBuilder, _ name: String, _ x: Value) -> Value {
    let x = g.batchNormalization("\(name)_bn", x, epsilon: convention.epsilon)
    return g.add("\(name)_activation", .activation(.silu), x)
  }

  package var summary: String {
    convention != .keras
      ? "as \(convention.name), epsilon \(convention.epsilon)" : scalesPixels ? "" : PixelScaling.off
  }

  package var published: any NetworkDefinition { PixelScaling.with(self) { $0.scalesPixels = true } }
}

// MARK: Finding the member

extension EfficientNetV2 {
  /// Whether the tensors are those of `member`, up to the head.
  static func guesses(_ inventory: TensorInventory, of member: EfficientNetV2) -> [Guess] {
    guard let last = member.rows.last,
      let channels = inventory.imageChannels(window: 3, filters: member.filters(member.stem))
    else { return [] }
    let features = member.filters(1280)
    let wide = last.expansion * member.filters(last.filters)
    guard inventory.count([1, 1, member.filters(last.filters), features]) > 0,
      inventory.count([3, 3, wide, 1]) == member.blocks(last) - 1
    else { return [] }
    return PixelScaling.candidates(inventory).flatMap { scaling in
      inventory.guesses(
        PixelScaling.with(member) { $0.scalesPixels = scaling.isOn }, rows: features, channels: channels,
        conventions: WriterConventions(preprocessing: scaling.isOn ? nil : .tf),
        reason: "\(features) features and \(member.blocks(last)) last blocks from the kernels; "
          + scaling.reason)
    }
  }
}

// MARK: Catalogue

extension Architecture {
  package static let efficientNetV2s = [
    efficientNetV2(
      .b0, 224, accuracy: (78.7, 94.3),
      top: ("21ecbf6da12460d5c40bb2f29ceb2188", nil),
      noTop: ("893217f2bb855e2983157299931e43ff", 24_274_472)),
    efficientNetV2(
      .b1, 240, accuracy: (79.8, 95.0),
      top: ("069f0534ff22adf035c89e2d9547a9dc", nil),
      noTop: ("0e80663031ca32d657f9caa404b6ec37", 28_456_008)),
    efficientNetV2(
      .b2, 260, accuracy: (80.5, 95.1),
      top: ("424e49f28180edbde1e94797771950a7", nil),
      noTop: ("1dfe2e7a5d45b6632553a8961ea609eb", 35_839_040)),
    efficientNetV2(
      .b3, 300, accuracy: (82.0, 95.8),
      top: ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", nil),
      noTop: ("f6abf7b5849ac99a89b50dd3fd532856", 52_606_240)),
    efficientNetV2(
      .s, 384, accuracy: (83.9, 96.7),
      top: ("e1d88a8495beba45748fedd0cecbe016", nil),
      noTop: ("af0682fb74e8c54910f2d4393339c070", 82_420_632)),
    efficientNetV2(
      .m, 480, accuracy: (85.3, 97.4),
      top: ("a3bf6aa3276309f4fc6a34aa114c95cd", nil),
      noTop: ("1b8dc055df72dde80d614482840fe342", 214_201_816)),
    efficientNetV2(
      .l, 480, accuracy: (85.7, 97.5),
      top: ("27e6d408b53c7ebc868fefa357689935", nil),
      noTop: ("b0b66b5c863aef5b46e8608fe1711615", 473_176_280)),
  ]

  private static func efficientNetV2(
    _ definition: EfficientNetV2, _ size: Int, accuracy: (Double, Double), top: PublishedFile.Facts,
    noTop: PublishedFile.Facts
  ) -> Architecture {
    let name = "efficientnetv2\(definition.member)"
    return Architecture(
      name: name, family: "EfficientNet V2",
      aliases: ["EfficientNet-V2-\(definition.member.uppercased())"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .none, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "Apache-2.0",
        citation: "Tan, Le: EfficientNetV2: Smaller Models and Faster Training, 2021, arXiv:2104.00298",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(size, size), definition: definition,
      published: PublishedFile.pair(
        name, definition, size, path: "efficientnet_v2/efficientnetv2-\(definition.member)", top: top,
        noTop: noTop),
      writers: PixelScaling.writers, guesses: { EfficientNetV2.guesses($0, of: definition) })
  }
}
