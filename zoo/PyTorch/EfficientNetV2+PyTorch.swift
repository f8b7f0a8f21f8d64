import ZooTensor

extension EfficientNetV2 {
  /// torchvision's `features.S.B.block.M` and timm's `blocks.S.B.conv_exp`, `conv_pw`, `conv_dw`, `se`, `conv_pwl`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    let isTimms = tensors.weight("conv_stem", rank: 4) != nil
    let stem = isTimms ? "conv_stem" : "features.0.0"
    guard let reads = tensors.weight(stem, rank: 4),
      var definition = candidates.first(where: { fits($0, tensors, isTimms: isTimms, stem: reads[0]) })
    else { return nil }
    definition.scalesPixels = false
    definition.convention = !isTimms ? .torchvisionV3 : tensors.isFromTensorFlow ? .timmTF : .timm

    let last = "features.\(definition.rows.count + 1)"
    let top = isTimms ? ("conv_head", "bn2") : ("\(last).0", "\(last).1")
    var layers = [
      stem: "stem_conv", isTimms ? "bn1" : "features.0.1": "stem_bn", top.0: "top_conv", top.1: "top_bn",
    ]
    for (i, row) in definition.rows.enumerated() {
      let parts = isTimms ? timmParts(row) : torchvisionParts(row)
      for j in 0..<definition.blocks(row) {
        let here = isTimms ? "blocks.\(i).\(j)" : "features.\(i + 1).\(j).block"
        let letter = Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(min(j, 25))))
        for (module, part) in parts { layers["\(here).\(module)"] = "block\(i + 1)\(letter)_\(part)" }
      }
    }
    let features = definition.filters(1280)
    let (head, module) = TorchGuess.head(
      tensors, [isTimms ? "classifier" : "classifier.1"], rows: features)
    if let module { layers[module] = "predictions" }
    // The largest were trained on pixels of -1…1, of torchvision's that with most layers.
    let isLarge = !definition.member.hasPrefix("b") && (isTimms || definition.member == "l")
    var pixels = TorchGuess.usualPixels(isTimms || definition.member == "l" ? "bicubic" : "bilinear")
    if !definition.member.hasPrefix("b") { pixels.crop = "1.0" }
    return TorchGuess(
      architecture: "efficientnetv2\(definition.member)", definition: definition, head: head,
      channels: reads[1],
      conventions: WriterConventions(preprocessing: isLarge ? .tf : .torch, pixels: pixels), layers: layers,
      reason:
        "\(isTimms ? "timm" : "torchvision")'s names, with the filters and blocks of "
        + "\(definition.member.uppercased()) times \(definition.width); \(definition.convention.explanation)")
  }

  /// The members, and narrower and wider ones of the first four.
  private static let candidates =
    [b0, b1, b2, b3, s, m, l]
    + usualMultipliers.flatMap { width in
      [1, 1.1, 1.2, 1.4].map {
        EfficientNetV2(member: "b0", stem: 32, rows: b0.rows, width: width, depth: $0)
      }
    }

  private static func fits(
    _ member: EfficientNetV2, _ tensors: TorchTensors, isTimms: Bool, stem: Int
  ) -> Bool {
    let place = isTimms ? "blocks." : "features."
    let first = isTimms ? 0 : 1
    let top = isTimms ? "conv_head" : "features.\(member.rows.count + 1).0"
    guard member.filters(member.stem) == stem, tensors.weight(top, rank: 4)?[0] == member.filters(1280),
      !isTimms || tensors.count(behind: place) == member.rows.count
    else { return false }
    return member.rows.enumerated().allSatisfy { i, row in
      let parts = isTimms ? timmParts(row) : torchvisionParts(row)
      guard let project = parts.first(where: { $0.part == "project_conv" }) else { return false }
      let here = isTimms ? "blocks.\(i).0" : "features.\(i + first).0.block"
      return tensors.count(behind: "\(place)\(i + first).") == member.blocks(row)
        && tensors.weight("\(here).\(project.module)", rank: 4)?[0] == member.filters(row.filters)
    }
  }

  private static func timmParts(_ row: Row) -> [(module: String, part: String)] {
    guard row.isFused else {
      return [
        ("conv_pw", "expand_conv"), ("bn1", "expand_bn"), ("conv_dw", "dwconv2"), ("bn2", "bn"),
        ("se.conv_reduce", "se_reduce"), ("se.conv_expand", "se_expand"), ("conv_pwl", "project_conv"),
        ("bn3", "project_bn"),
      ]
    }
    return row.expansion > 1
      ? [
        ("conv_exp", "expand_conv"), ("bn1", "expand_bn"), ("conv_pwl", "project_conv"),
        ("bn2", "project_bn"),
      ]
      : [("conv", "project_conv"), ("bn1", "project_bn")]
  }

  private static func torchvisionParts(_ row: Row) -> [(module: String, part: String)] {
    guard row.isFused else {
      return [
        ("0.0", "expand_conv"), ("0.1", "expand_bn"), ("1.0", "dwconv2"), ("1.1", "bn"),
        ("2.fc1", "se_reduce"), ("2.fc2", "se_expand"), ("3.0", "project_conv"), ("3.1", "project_bn"),
      ]
    }
    return row.expansion > 1
      ? [("0.0", "expand_conv"), ("0.1", "expand_bn"), ("1.0", "project_conv"), ("1.1", "project_bn")]
      : [("0.0", "project_conv"), ("0.1", "project_bn")]
  }
}
