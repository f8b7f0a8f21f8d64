import ZooTensor

extension MobileNetV3 {
  /// torchvision's `features.N.block.M` and timm's `blocks.S.B.conv_pw`, `conv_dw`, `se`, `conv_pwl`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    let isTimms = tensors.weight("conv_stem", rank: 4) != nil
    let stem = isTimms ? "conv_stem" : "features.0.0"
    guard let reads = tensors.weight(stem, rank: 4), reads[0] == stemFilters,
      let blocks = isTimms ? timmBlocks(tensors) : torchvisionBlocks(tensors),
      let size = [Size.large, .small].first(where: { MobileNetV3($0).rows.count == blocks.paths.count })
    else { return nil }
    let filters = blocks.paths.compactMap { path in
      path.first { $0.part == "project" }.flatMap { tensors.weight($0.module, rank: 4)?[0] }
    }
    let isMinimalistic = !blocks.paths.joined().contains { $0.part == "squeeze_excite_conv" }
    let found = usualMultipliers.lazy.map { MobileNetV3(size, alpha: $0, isMinimalistic: isMinimalistic) }
      .first { member in member.rows.map { member.filters($0.filters) } == filters }
    guard var definition = found else { return nil }
    definition.scalesPixels = false
    definition.convention = !isTimms ? .torchvisionV3 : tensors.isFromTensorFlow ? .timmTF : .timm

    var layers = [
      stem: "conv", isTimms ? "bn1" : "features.0.1": "conv_bn", blocks.last.0: "conv_1",
      blocks.last.1: "conv_1_bn", isTimms ? "conv_head" : "classifier.0": "conv_2",
    ]
    for (id, path) in blocks.paths.enumerated() {
      let name = id == 0 ? "expanded_conv" : "expanded_conv_\(id)"
      for (module, part) in path { layers[module] = "\(name)_\(part)" }
    }
    let (head, module) = TorchGuess.head(
      tensors, [isTimms ? "classifier" : "classifier.3"], rows: definition.hiddenFilters)
    if let module { layers[module] = "logits" }
    return TorchGuess(
      architecture: "mobilenetv3\(size.rawValue)", definition: definition, head: head, channels: reads[1],
      conventions: WriterConventions(
        preprocessing: tensors.isFromTensorFlow ? .tf : .torch,
        pixels: TorchGuess.usualPixels(isTimms && !tensors.isFromTensorFlow ? "bicubic" : "bilinear")),
      layers: layers,
      reason:
        "\(isTimms ? "timm" : "torchvision")'s names, with alpha \(definition.alpha) from the filters of its "
        + "\(filters.count) blocks; \(definition.convention.explanation)")
  }

  private typealias Blocks = (paths: [[(module: String, part: String)]], last: (String, String))

  private static func timmBlocks(_ tensors: TorchTensors) -> Blocks? {
    guard let stages = tensors.count(behind: "blocks."), (2...16).contains(stages),
      tensors.weight("blocks.\(stages - 1).0.conv", rank: 4) != nil,
      let paths = TorchGuess.timmBlocks(tensors, stages: stages - 1, norms: "_bn")
    else { return nil }
    let named = paths.map { path in
      path.map { part in
        (
          module: part.module,
          part: part.part == "se_reduce"
            ? "squeeze_excite_conv" : part.part == "se_expand" ? "squeeze_excite_conv_1" : part.part
        )
      }
    }
    return (named, ("blocks.\(stages - 1).0.conv", "blocks.\(stages - 1).0.bn1"))
  }

  private static func torchvisionBlocks(_ tensors: TorchTensors) -> Blocks? {
    guard let count = tensors.count(behind: "features."), (3...64).contains(count),
      tensors.weight("features.\(count - 1).0", rank: 4) != nil
    else { return nil }
    var paths: [[(module: String, part: String)]] = []
    for place in 1..<count - 1 {
      let here = "features.\(place).block"
      guard let parts = tensors.count(behind: "\(here)."), (2...4).contains(parts) else { return nil }
      var path: [(module: String, part: String)] = []
      let squeeze = (0..<parts).first { tensors.weight("\(here).\($0).fc1", rank: 4) != nil }
      let windows = (0..<parts).filter { $0 != squeeze }
      let names = windows.count == 3 ? ["expand", "depthwise", "project"] : ["depthwise", "project"]
      guard windows.count == names.count else { return nil }
      for (number, name) in zip(windows, names) {
        path += [("\(here).\(number).0", name), ("\(here).\(number).1", "\(name)_bn")]
      }
      if let squeeze {
        path += [
          ("\(here).\(squeeze).fc1", "squeeze_excite_conv"),
          ("\(here).\(squeeze).fc2", "squeeze_excite_conv_1"),
        ]
      }
      paths.append(path)
    }
    return (paths, ("features.\(count - 1).0", "features.\(count - 1).1"))
  }
}

extension TorchGuess {
  /// The modules of each of timm's inverted residuals (`blocks.S.B`) with what they are; nil where a block is
  /// another one.
  ///
  /// - Parameter norms: what the names of norms end with, behind those of their convolutions.
  static func timmBlocks(
    _ tensors: TorchTensors, stages: Int, norms: String
  ) -> [[(module: String, part: String)]]? {
    var paths: [[(module: String, part: String)]] = []
    for stage in 0..<stages {
      guard let count = tensors.count(behind: "blocks.\(stage)."), (1...100).contains(count) else {
        return nil
      }
      for block in 0..<count {
        let here = "blocks.\(stage).\(block)"
        guard tensors.weight("\(here).conv_dw", rank: 4) != nil,
          tensors.weight("\(here).conv_pw", rank: 4) != nil
        else { return nil }
        let isNarrow = tensors.weight("\(here).conv_pwl", rank: 4) == nil
        let parts =
          isNarrow
          ? [("conv_dw", "bn1", "depthwise"), ("conv_pw", "bn2", "project")]
          : [
            ("conv_pw", "bn1", "expand"), ("conv_dw", "bn2", "depthwise"), ("conv_pwl", "bn3", "project"),
          ]
        var path: [(module: String, part: String)] = []
        for (kernel, norm, name) in parts {
          path += [("\(here).\(kernel)", name), ("\(here).\(norm)", "\(name)\(norms)")]
        }
        if tensors.weight("\(here).se.conv_reduce", rank: 4) != nil {
          path += [("\(here).se.conv_reduce", "se_reduce"), ("\(here).se.conv_expand", "se_expand")]
        }
        paths.append(path)
      }
    }
    return paths
  }
}

extension MobileNet.Convention {
  /// For people.
  var explanation: String {
    "computed as \(name) does, with epsilon \(epsilon) and "
      + (isSymmetric ? "symmetric padding" : "TensorFlow's padding")
      + (name == "timm"
        ? " (networks from TensorFlow are known by 'tf_' in config.json or the file's name)" : "")
  }
}
