import ZooTensor

extension Xception {
  /// timm's `conv1`, `block1.rep.0.conv1`, `block1.rep.0.pointwise`, `block1.skip`, …, `conv4`, `bn4`, `fc`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let stem = tensors.weight("conv1", rank: 4),
      tensors.weight("block12.rep.4.pointwise", rank: 4) != nil,
      tensors.weight("conv4.pointwise", rank: 4) != nil
    else { return nil }
    var layers: [String: String] = [:]
    func separable(_ module: String, _ norm: String, _ layer: String) {
      layers["\(module).conv1"] = layer
      layers["\(module).pointwise"] = layer
      layers[norm] = "\(layer)_bn"
    }
    for i in 1...2 {
      layers["conv\(i)"] = "block1_conv\(i)"
      layers["bn\(i)"] = "block1_conv\(i)_bn"
    }
    for block in 1...12 {
      // The first one has no ReLU in front of it; those of the middle are of three convolutions.
      for j in 0..<(4...11 ~= block ? 3 : 2) {
        let place = 3 * j + (block == 1 ? 0 : 1)
        separable(
          "block\(block).rep.\(place)", "block\(block).rep.\(place + 1)", "block\(block + 1)_sepconv\(j + 1)")
      }
    }
    for (i, block) in [1, 2, 3, 12].enumerated() {
      let number = i == 0 ? "" : "_\(i)"
      layers["block\(block).skip"] = "conv2d\(number)"
      layers["block\(block).skipbn"] = "batch_normalization\(number)"
    }
    for i in 1...2 { separable("conv\(i + 2)", "bn\(i + 2)", "block14_sepconv\(i)") }
    let (head, module) = TorchGuess.head(tensors, ["fc"], rows: features)
    if let module { layers[module] = "predictions" }
    var pixels = TorchGuess.usualPixels("bicubic")
    pixels.crop = "0.8975"
    return TorchGuess(
      architecture: "xception", definition: Xception(convention: .timm), head: head, channels: stem[1],
      conventions: WriterConventions(preprocessing: .tf, pixels: pixels), layers: layers,
      reason: "timm's names of its legacy_xception; \(MobileNet.Convention.timm.explanation)")
  }
}
