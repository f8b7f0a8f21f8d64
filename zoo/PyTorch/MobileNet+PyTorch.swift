import ZooTensor

extension MobileNet {
  /// timm's `conv_stem`, `bn1`, `blocks.S.B.conv_dw`, `bn1`, `conv_pw`, `bn2`, `classifier`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let stem = tensors.weight("conv_stem", rank: 4), tensors.isNorm("bn1"),
      tensors.weight("blocks.0.0.conv_dw", rank: 4) != nil,
      tensors.weight("blocks.1.0.conv_pwl", rank: 4) == nil,
      let stages = tensors.count(behind: "blocks."), (1...16).contains(stages)
    else { return nil }
    var layers = ["conv_stem": "conv1", "bn1": "conv1_bn"]
    var widest = 0
    var id = 0
    for stage in 0..<stages {
      guard let count = tensors.count(behind: "blocks.\(stage)."), count <= 16 else { return nil }
      for block in 0..<count {
        let here = "blocks.\(stage).\(block)"
        guard let kernel = tensors.weight("\(here).conv_pw", rank: 4) else { return nil }
        id += 1
        widest = kernel[0]
        layers["\(here).conv_dw"] = "conv_dw_\(id)"
        layers["\(here).bn1"] = "conv_dw_\(id)_bn"
        layers["\(here).conv_pw"] = "conv_pw_\(id)"
        layers["\(here).bn2"] = "conv_pw_\(id)_bn"
      }
    }
    let alpha = Double(widest) / 1024
    guard id == blocks.count, alpha > 0, alpha <= 64 else { return nil }
    let (head, module) = TorchGuess.head(tensors, ["classifier"], rows: widest)
    if let module { layers[module] = "conv_preds" }
    return TorchGuess(
      architecture: "mobilenet", definition: MobileNet(alpha: alpha, convention: .timm), head: head,
      channels: stem[1],
      conventions: WriterConventions(preprocessing: .tf, pixels: TorchGuess.usualPixels("bicubic")),
      layers: layers,
      reason:
        "timm's names, with alpha \(alpha) from the \(widest) filters of the last kernel, and its epsilon "
        + "\(Convention.timm.epsilon) and padding")
  }
}
