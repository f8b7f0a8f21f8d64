import ZooTensor

extension DenseNet {
  /// torchvision's and timm's `features.conv0`, `denseblockB.denselayerL.norm1`, `conv1`, …, `transitionB`,
  /// `norm5`, `classifier`; torchvision's published files have `norm.1` and `conv.1`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let stem = tensors.weight("features.conv0", rank: 4), tensors.isNorm("features.norm0") else {
      return nil
    }
    let dot = tensors.weight("features.denseblock1.denselayer1.conv.1", rank: 4) == nil ? "" : "."
    guard let window = tensors.weight("features.denseblock1.denselayer1.conv\(dot)2", rank: 4) else {
      return nil
    }
    var depths: [Int] = []
    while depths.count < 8 {
      let layers = tensors.numbers(behind: "features.denseblock\(depths.count + 1).denselayer")
      guard !layers.isEmpty else { break }
      guard layers == Array(1...layers.count), layers.count <= 1000 else { return nil }
      depths.append(layers.count)
    }
    let definition = DenseNet(depths: depths, stemFilters: stem[0], growth: window[0], epsilon: 1e-5)
    var layers = [
      "features.conv0": "conv1_conv", "features.norm0": "conv1_bn", "features.norm5": "bn",
    ]
    for (i, count) in depths.enumerated() {
      for j in 1...count {
        let here = "features.denseblock\(i + 1).denselayer\(j)"
        let there = "conv\(i + 2)_block\(j)"
        layers["\(here).norm\(dot)1"] = "\(there)_0_bn"
        layers["\(here).conv\(dot)1"] = "\(there)_1_conv"
        layers["\(here).norm\(dot)2"] = "\(there)_1_bn"
        layers["\(here).conv\(dot)2"] = "\(there)_2_conv"
      }
      layers["features.transition\(i + 1).norm"] = "pool\(i + 2)_bn"
      layers["features.transition\(i + 1).conv"] = "pool\(i + 2)_conv"
    }
    let (head, module) = TorchGuess.head(tensors, ["classifier"], rows: definition.features)
    if let module { layers[module] = "predictions" }
    return TorchGuess(
      architecture: "densenet121", definition: definition, head: head, channels: stem[1],
      conventions: WriterConventions(preprocessing: .torch, pixels: TorchGuess.usualPixels()), layers: layers,
      reason:
        "the names of torchvision and timm, with depths \(depths), growth \(window[0]) and epsilon 1e-05",
      lookAlikes: ["densenetblur"])
  }
}
