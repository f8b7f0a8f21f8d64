import ZooGraph
import ZooSystem
import ZooTensor

/// ConvNeXt (Liu and others 2022, table 9): four stages of blocks with a 7x7 depthwise convolution, layer
/// normalization and two dense layers at every pixel.
///
/// The network takes pixels (0…255), unless ``scalesPixels`` is off.
package struct ConvNeXt: NetworkDefinition {
  /// `tiny`, …: what Keras calls it.
  package let member: String
  /// Blocks per stage.
  package let depths: [Int]
  /// Channels of the first stage; they double per stage.
  package let width: Int
  /// Whether colours are normalized in the network; off where Keras was told `include_preprocessing=False`.
  package var scalesPixels = true

  package static let tiny = ConvNeXt(member: "tiny", depths: [3, 3, 9, 3], width: 96)
  package static let small = ConvNeXt(member: "small", depths: [3, 3, 27, 3], width: 96)
  package static let base = ConvNeXt(member: "base", depths: [3, 3, 27, 3], width: 128)
  package static let large = ConvNeXt(member: "large", depths: [3, 3, 27, 3], width: 192)
  package static let xlarge = ConvNeXt(member: "xlarge", depths: [3, 3, 27, 3], width: 256)

  static let epsilon = 1e-6

  /// What all layers' names begin with.
  var prefix: String { "convnext_\(member)" }
  /// Channels of the last stage.
  var features: Int { width << (depths.count - 1) }

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    var x = image
    if scalesPixels, g.shape(of: image)?.dimensions.last == 3 {
      x = g.add("\(prefix)_prestem_normalization", .rescaling(.imageNet(mostValue: 255)), x)
    }
    for (stage, count) in depths.enumerated() {
      x = stage == 0 ? stem(&g, x) : downsampling(&g, x, index: stage - 1, filters: width << stage)
      for block in 0..<count {
        x = self.block(&g, "\(prefix)_stage_\(stage)_block_\(block)", x, channels: width << stage)
      }
    }
    switch head {
    case .classifier(let classes, let activation):
      x = g.add("\(prefix)_head_gap", .globalAveragePooling(keepDimensions: false), x)
      x = normalized(&g, "\(prefix)_head_layernorm", x)
      return g.dense("\(prefix)_head_dense", x, units: classes, activation: activation)
    case .features(let pooling):
      return normalized(&g, "layer_normalization", g.globalPooling(pooling, x))
    }
  }

  private func stem(_ g: inout GraphBuilder, _ x: Value) -> Value {
    let x = g.convolution(
      "\(prefix)_stem_conv", x, filters: width, kernel: 4, stride: 4, padding: .valid, useBias: true)
    return normalized(&g, "\(prefix)_stem_layernorm", x)
  }

  private func downsampling(_ g: inout GraphBuilder, _ x: Value, index: Int, filters: Int) -> Value {
    let x = normalized(&g, "\(prefix)_downsampling_layernorm_\(index)", x)
    return g.convolution(
      "\(prefix)_downsampling_conv_\(index)", x, filters: filters, kernel: 2, stride: 2, padding: .valid,
      useBias: true)
  }

  private func block(_ g: inout GraphBuilder, _ name: String, _ input: Value, channels: Int) -> Value {
    var x = g.add(
      "\(name)_depthwise_conv",
      .convolution(
        Convolution(
          filters: channels, kernel: Extent2D(7), strides: .one, padding: .same, groups: channels,
          useBias: true)), input)
    x = normalized(&g, "\(name)_layernorm", x)
    x = g.dense("\(name)_pointwise_conv_1", x, units: 4 * channels, activation: .linear)
    x = g.add("\(name)_gelu", .activation(.gelu(approximate: false)), x)
    x = g.dense("\(name)_pointwise_conv_2", x, units: channels, activation: .linear)
    x = g.add("\(name)_layer_scale", .layerScale, x)
    x = g.add("\(name)_identity", .identity(layer: "StochasticDepth"), x)
    return g.add("\(name)_add", .add, input, x)
  }

  private func normalized(_ g: inout GraphBuilder, _ name: String, _ x: Value) -> Value {
    g.add(name, .layerNormalization(LayerNormalization(epsilon: ConvNeXt.epsilon)), x)
  }

  package var summary: String { scalesPixels ? "" : PixelScaling.off }

  package var published: any NetworkDefinition { PixelScaling.with(self) { $0.scalesPixels = true } }
}

// MARK: In Keras' files

extension ConvNeXt {
  /// The stem and each downsampling is a model inside Keras' model.
  package func places(in graph: Graph) -> [KerasPlace] {
    var counts: [String: Int] = [:]
    func group(_ className: String, in model: String) -> String {
      let count = counts["\(model)/\(className)", default: 0]
      counts["\(model)/\(className)"] = count + 1
      return count == 0 ? className : "\(className)_\(count)"
    }
    var groups: [String: String] = [:]
    return graph.kerasOrder.map { index in
      let node = graph.nodes[index]
      let className = node.operation.kerasClassName
      let model: String? =
        node.name.hasPrefix("\(prefix)_stem_")
        ? "\(prefix)_stem"
        : node.name.hasPrefix("\(prefix)_downsampling_")
          ? "\(prefix)_downsampling_block_\(node.name.last.map(String.init) ?? "")" : nil
      guard let model else {
        let step = KerasPlace.Step(name: node.name, group: group(className, in: ""))
        return KerasPlace(node: index, steps: [step], isTrainable: true)
      }
      let outer = groups[model] ?? group("sequential", in: "")
      groups[model] = outer
      return KerasPlace(
        node: index,
        steps: [
          .init(name: model, group: outer), .init(name: node.name, group: group(className, in: model)),
        ], isTrainable: true)
    }
  }

  /// What Keras names after the model's own name is here named after the member.
  func currentLayerName(_ name: String) -> String? {
    for part in ["_stem_", "_downsampling_", "_stage_", "_head_"] {
      guard let range = name.ranges(of: part).first else { continue }
      return prefix + name[range.lowerBound...]
    }
    return nil
  }
}

// MARK: Finding the member

extension ConvNeXt {
  /// Whether the tensors are those of `member`, up to the head.
  static func guesses(_ inventory: TensorInventory, of member: ConvNeXt) -> [Guess] {
    guard let channels = inventory.imageChannels(window: 4, filters: member.width),
      inventory.count([7, 7, 1, member.width << 2]) == member.depths[2]
    else { return [] }
    return PixelScaling.candidates(inventory).flatMap { scaling in
      // Nothing scales pictures of other channels.
      let isOn = scaling.isOn || channels != 3
      return inventory.guesses(
        PixelScaling.with(member) { $0.scalesPixels = isOn }, rows: member.features, channels: channels,
        conventions: WriterConventions(preprocessing: isOn ? nil : .torch),
        reason:
          "width \(member.width) from the 4x4 kernel, \(member.depths[2]) blocks of the third stage from "
          + "its 7x7 kernels; \(scaling.reason)")
    }
  }
}

// MARK: Catalogue

extension Architecture {
  package static let convNeXts = [
    convNeXt(
      .tiny, topOne: 81.3,
      top: ("8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff", nil),
      noTop: ("d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1", 111_650_432)),
    convNeXt(
      .small, topOne: 82.3,
      top: ("ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c", nil),
      noTop: ("6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab", 198_551_472)),
    convNeXt(
      .base, topOne: 85.3,
      top: ("52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6", nil),
      noTop: ("40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45", 350_926_856)),
    convNeXt(
      .large, topOne: 86.3,
      top: ("070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6", nil),
      noTop: ("96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd", 785_596_384)),
    convNeXt(
      .xlarge, topOne: 86.7,
      top: ("c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee", nil),
      noTop: ("de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05", 1_393_257_616)),
  ]

  private static func convNeXt(
    _ definition: ConvNeXt, topOne: Double, top: PublishedFile.Facts, noTop: PublishedFile.Facts
  ) -> Architecture {
    let name = "convnext\(definition.member)"
    return Architecture(
      name: name, family: "ConvNeXt", aliases: ["ConvNeXt-\(definition.member)"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .none,
        trainingData: definition.width > 96
          ? "ImageNet-21k, then ImageNet (ILSVRC 2012)" : "ImageNet (ILSVRC 2012)",
        licence: "MIT (Facebook)",
        citation: "Liu and others: A ConvNet for the 2020s, 2022, arXiv:2201.03545",
        accuracy: accuracyText(topOne)),
      defaultInput: InputShape(224, 224), definition: definition,
      published: PublishedFile.pair(
        name, definition, 224, path: "convnext/\(definition.prefix)", top: top, noTop: noTop),
      currentLayerName: { definition.currentLayerName($0) }, writers: PixelScaling.writers,
      guesses: { ConvNeXt.guesses($0, of: definition) })
  }
}
