import ZooTensor

extension MobileNetV2 {
  /// torchvision's `features.N.conv.…` and timm's `blocks.S.B.conv_pw`, `conv_dw`, `conv_pwl`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    let isTimms = tensors.weight("conv_stem", rank: 4) != nil
    guard let (layers, filters, stem, head) = isTimms ? timmLayers(tensors) : torchvisionLayers(tensors),
      let last = tensors["\(head.last).weight"], let reads = tensors["\(stem).weight"]
    else { return nil }
    let convention = isTimms ? MobileNet.Convention.timm : .torchvision
    let member = usualMultipliers.lazy.map { MobileNetV2(alpha: $0, convention: convention) }.first {
      $0.stemFilters == reads[0] && $0.lastFilters == last[0] && $0.blockFilters == filters
    }
    guard let member else { return nil }
    let (top, module) = TorchGuess.head(tensors, [head.classifier], rows: member.lastFilters)
    var all = layers
    if let module { all[module] = "predictions" }
    return TorchGuess(
      architecture: "mobilenetv2", definition: member, head: top, channels: reads[1],
      conventions: WriterConventions(
        preprocessing: .torch, pixels: TorchGuess.usualPixels(isTimms ? "bicubic" : "bilinear")),
      layers: all,
      reason:
        "\(isTimms ? "timm" : "torchvision")'s names, with alpha \(member.alpha) from the filters of its "
        + "blocks, and its epsilon \(convention.epsilon) and "
        + "padding")
  }

  private typealias Found = (
    layers: [String: String], filters: [Int], stem: String, head: (last: String, classifier: String)
  )

  /// The filters of each block.
  private var blockFilters: [Int] {
    MobileNetV2.rows.flatMap { Array(repeating: filters($0.filters), count: $0.blocks) }
  }

  /// The layers of the block of this number.
  private static func block(_ id: Int, _ part: String) -> String {
    (id == 0 ? "expanded_conv" : "block_\(id)") + "_\(part)"
  }

  private static func torchvisionLayers(_ tensors: TorchTensors) -> Found? {
    let count = rows.reduce(0) { $0 + $1.blocks }
    guard tensors.weight("features.0.0", rank: 4) != nil,
      tensors.weight("features.1.conv.0.0", rank: 4) != nil,
      tensors.weight("features.\(count + 1).0", rank: 4) != nil
    else { return nil }
    var layers = ["features.0.0": "Conv1", "features.0.1": "bn_Conv1"]
    var filters: [Int] = []
    for id in 0..<count {
      let here = "features.\(id + 1).conv"
      let parts = id == 0 ? ["depthwise"] : ["expand", "depthwise"]
      for (place, part) in parts.enumerated() {
        layers["\(here).\(place).0"] = block(id, part)
        layers["\(here).\(place).1"] = block(id, part + "_BN")
      }
      layers["\(here).\(parts.count)"] = block(id, "project")
      filters.append(tensors.weight("\(here).\(parts.count)", rank: 4)?[0] ?? 0)
      layers["\(here).\(parts.count + 1)"] = block(id, "project_BN")
    }
    layers["features.\(count + 1).0"] = "Conv_1"
    layers["features.\(count + 1).1"] = "Conv_1_bn"
    return (layers, filters, "features.0.0", ("features.\(count + 1).0", "classifier.1"))
  }

  private static func timmLayers(_ tensors: TorchTensors) -> Found? {
    guard tensors.weight("blocks.0.0.conv_dw", rank: 4) != nil,
      tensors.weight("blocks.1.0.conv_pwl", rank: 4) != nil, tensors.isNorm("bn2"),
      tensors["blocks.2.0.se.conv_reduce.weight"] == nil, tensors.count(behind: "blocks.") == rows.count
    else { return nil }
    var layers = ["conv_stem": "Conv1", "bn1": "bn_Conv1", "conv_head": "Conv_1", "bn2": "Conv_1_bn"]
    var filters: [Int] = []
    for (stage, row) in rows.enumerated() {
      guard tensors.count(behind: "blocks.\(stage).") == row.blocks else { return nil }
      for number in 0..<row.blocks {
        let here = "blocks.\(stage).\(number)"
        let id = filters.count
        let names =
          id == 0
          ? ["conv_dw": "depthwise", "bn1": "depthwise_BN", "conv_pw": "project", "bn2": "project_BN"]
          : [
            "conv_pw": "expand", "bn1": "expand_BN", "conv_dw": "depthwise", "bn2": "depthwise_BN",
            "conv_pwl": "project", "bn3": "project_BN",
          ]
        for (name, part) in names { layers["\(here).\(name)"] = block(id, part) }
        filters.append(tensors.weight("\(here).\(id == 0 ? "conv_pw" : "conv_pwl")", rank: 4)?[0] ?? 0)
      }
    }
    return (layers, filters, "conv_stem", ("conv_head", "classifier"))
  }
}
