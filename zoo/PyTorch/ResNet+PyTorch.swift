import ZooTensor

extension ResNet {
  /// torchvision's and timm's `layerS.B.convK`, `bnK`, `downsample.0` and `.1`, `fc`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let stem = tensors.weight("conv1", rank: 4), stem[2] == 7, stem[3] == 7, tensors.isNorm("bn1"),
      let first = tensors.weight("layer1.0.conv1", rank: 4)
    else { return nil }
    var depths: [Int] = []
    while depths.count < 8, let count = tensors.count(behind: "layer\(depths.count + 1)."), count > 0 {
      depths.append(count)
    }
    guard !depths.isEmpty, stem[0] <= 1 << 20 else { return nil }
    let isBasic = tensors.weight("layer1.0.conv3", rank: 4) == nil
    var groups = 1
    if !isBasic, let window = tensors.weight("layer1.0.conv2", rank: 4), first[0] % window[1] == 0 {
      groups = first[0] / window[1]
    }
    let definition = ResNet(
      depths: depths, width: stem[0], convention: .torchvision, block: isBasic ? .basic : .bottleneck,
      innerWidth: first[0], groups: groups)
    let (head, module) = TorchGuess.head(tensors, ["fc"], rows: definition.channels(stack: depths.count - 1))

    var layers = ["conv1": "conv1_conv", "bn1": "conv1_bn"]
    for (i, count) in depths.enumerated() {
      for j in 0..<count {
        let (here, there) = ("layer\(i + 1).\(j)", "conv\(i + 2)_block\(j + 1)")
        for k in 1...(isBasic ? 2 : 3) {
          layers["\(here).conv\(k)"] = "\(there)_\(k)_conv"
          layers["\(here).bn\(k)"] = "\(there)_\(k)_bn"
        }
        layers["\(here).downsample.0"] = "\(there)_0_conv"
        layers["\(here).downsample.1"] = "\(there)_0_bn"
      }
    }
    if let module { layers[module] = "predictions" }
    return TorchGuess(
      architecture: "resnet50", definition: definition, head: head, channels: stem[1],
      conventions: WriterConventions(preprocessing: .torch, pixels: TorchGuess.usualPixels()), layers: layers,
      reason: "the names of torchvision and timm, with depths \(depths) from 'layer1.0' to "
        + "'layer\(depths.count).\(depths[depths.count - 1] - 1)', and their epsilon \(definition.epsilon), padding "
        + "and stride",
      lookAlikes: ["resnetaa", "resnetblur", "seresnetaa"])
  }
}
