import ZooTensor

extension EfficientNet {
  /// Width and depth of B0 to B7.
  private static let scales: [(width: Double, depth: Double)] = [
    (1, 1), (1, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8), (1.6, 2.2), (1.8, 2.6), (2, 3.1),
  ]

  /// torchvision's `features.S.B.block.M` and timm's `blocks.S.B.conv_pw`, `conv_dw`, `se`, `conv_pwl`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    let isTimms = tensors.weight("conv_stem", rank: 4) != nil
    let stem = isTimms ? "conv_stem" : "features.0.0"
    guard let reads = tensors.weight(stem, rank: 4) else { return nil }
    let counts = rows.indices.map {
      tensors.count(behind: isTimms ? "blocks.\($0)." : "features.\($0 + 1).") ?? 0
    }
    let last = tensors.weight(isTimms ? "conv_head" : "features.8.0", rank: 4)?[0]
    func fits(_ scale: (width: Double, depth: Double)) -> Bool {
      let member = EfficientNet(width: scale.width, depth: scale.depth)
      return member.filters(32) == reads[0] && member.filters(1280) == last
        && rows.map { member.blocks($0.blocks) } == counts
    }
    let number = scales.firstIndex(where: fits)
    let other = usualMultipliers.lazy.flatMap { width in scales.map { (width: width, depth: $0.depth) } }
      .first(where: fits)
    guard let scale = number.map({ scales[$0] }) ?? other,
      let paths = isTimms
        ? TorchGuess.timmBlocks(tensors, stages: rows.count, norms: "_bn")
        : torchvisionBlocks(tensors, counts)
    else { return nil }
    var definition = EfficientNet(width: scale.width, depth: scale.depth, dividesTwice: false)
    definition.convention =
      isTimms
      ? tensors.isFromTensorFlow ? .timmTF : .timm
      : number ?? 0 > 4 ? .torchvisionV3 : .torchvision

    let top = isTimms ? ("conv_head", "bn2") : ("features.8.0", "features.8.1")
    var layers = [
      stem: "stem_conv", isTimms ? "bn1" : "features.0.1": "stem_bn", top.0: "top_conv", top.1: "top_bn",
    ]
    let names = [
      "expand": "expand_conv", "expand_bn": "expand_bn", "depthwise": "dwconv", "depthwise_bn": "bn",
      "project": "project_conv", "project_bn": "project_bn", "se_reduce": "se_reduce",
      "se_expand": "se_expand",
    ]
    var id = 0
    for (stage, count) in counts.enumerated() {
      for block in 0..<count {
        let letter = Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(min(block, 25))))
        for (module, part) in paths[id] {
          if let name = names[part] { layers[module] = "block\(stage + 1)\(letter)_\(name)" }
        }
        id += 1
      }
    }
    let (head, module) = TorchGuess.head(
      tensors, [isTimms ? "classifier" : "classifier.1"], rows: definition.filters(1280))
    if let module { layers[module] = "predictions" }
    return TorchGuess(
      architecture: "efficientnetb\(number ?? 0)", definition: definition, head: head, channels: reads[1],
      conventions: WriterConventions(preprocessing: .torch, pixels: TorchGuess.usualPixels("bicubic")),
      layers: layers,
      reason:
        "\(isTimms ? "timm" : "torchvision")'s names, with width \(scale.width) and depth \(scale.depth) from the "
        + "\(reads[0]) filters of the first kernel and the \(id) blocks; \(definition.convention.explanation)"
    )
  }

  private static func torchvisionBlocks(
    _ tensors: TorchTensors, _ counts: [Int]
  ) -> [[(module: String, part: String)]]? {
    var paths: [[(module: String, part: String)]] = []
    for (stage, count) in counts.enumerated() {
      for block in 0..<count {
        let here = "features.\(stage + 1).\(block).block"
        let first = stage == 0 ? 0 : 1
        guard tensors.weight("\(here).\(first + 1).fc1", rank: 4) != nil else { return nil }
        var path: [(module: String, part: String)] = [
          ("\(here).\(first).0", "depthwise"), ("\(here).\(first).1", "depthwise_bn"),
          ("\(here).\(first + 1).fc1", "se_reduce"), ("\(here).\(first + 1).fc2", "se_expand"),
          ("\(here).\(first + 2).0", "project"), ("\(here).\(first + 2).1", "project_bn"),
        ]
        if stage > 0 { path += [("\(here).0.0", "expand"), ("\(here).0.1", "expand_bn")] }
        paths.append(path)
      }
    }
    return paths
  }
}
