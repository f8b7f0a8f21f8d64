import ZooTensor

extension ConvNeXt {
  /// timm's `stages.S.blocks.B.conv_dw`, `norm`, `mlp.fc1`, `mlp.fc2`, `gamma`, and torchvision's
  /// `features.S.B.block.N`, `layer_scale`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    let isTimms = tensors.weight("stem.0", rank: 4) != nil
    let stem = isTimms ? "stem" : "features.0"
    guard let first = tensors.weight("\(stem).0", rank: 4), first[2] == 4, first[3] == 4,
      tensors["\(stem).1.weight"]?.rank == 1
    else { return nil }
    // torchvision numbers stages and what is between them alike.
    func stage(_ number: Int) -> String {
      isTimms ? "stages.\(number).blocks" : "features.\(2 * number + 1)"
    }
    var depths: [Int] = []
    while depths.count < 8, let count = tensors.count(behind: "\(stage(depths.count))."),
      (1...1000).contains(count)
    {
      depths.append(count)
    }
    guard !depths.isEmpty, first[0] <= 1 << 20 else { return nil }
    let known = [tiny, small, base, large, xlarge].first { $0.depths == depths && $0.width == first[0] }
    var definition = known ?? ConvNeXt(member: "custom", depths: depths, width: first[0])
    definition.scalesPixels = false

    let prefix = definition.prefix
    var layers = ["\(stem).0": "\(prefix)_stem_conv", "\(stem).1": "\(prefix)_stem_layernorm"]
    let parts =
      isTimms
      ? ["conv_dw", "norm", "mlp.fc1", "mlp.fc2"] : ["block.0", "block.2", "block.3", "block.5"]
    for (i, count) in depths.enumerated() {
      if i > 0 {
        let here = isTimms ? "stages.\(i).downsample" : "features.\(2 * i)"
        layers["\(here).0"] = "\(prefix)_downsampling_layernorm_\(i - 1)"
        layers["\(here).1"] = "\(prefix)_downsampling_conv_\(i - 1)"
      }
      for j in 0..<count {
        let (here, there) = ("\(stage(i)).\(j)", "\(prefix)_stage_\(i)_block_\(j)")
        let names = ["depthwise_conv", "layernorm", "pointwise_conv_1", "pointwise_conv_2"]
        for (part, name) in zip(parts, names) { layers["\(here).\(part)"] = "\(there)_\(name)" }
        layers[here] = "\(there)_layer_scale"
      }
    }
    let norm = isTimms ? "head.norm" : "classifier.0"
    let found = TorchGuess.head(
      tensors, [isTimms ? "head.fc" : "classifier.2"], rows: definition.features)
    var head = found.head
    if let module = found.module {
      layers[module] = "\(prefix)_head_dense"
      layers[norm] = "\(prefix)_head_layernorm"
    } else {
      // The last norm reads means over the pixels.
      if tensors["\(norm).weight"] != nil { head = .features(.avg) }
      layers[norm] = "layer_normalization"
    }
    var pixels = TorchGuess.usualPixels(isTimms ? "bicubic" : "bilinear")
    pixels.crop = "0.95"
    return TorchGuess(
      architecture: "convnext\(known?.member ?? "tiny")", definition: definition, head: head,
      channels: first[1],
      conventions: WriterConventions(preprocessing: .torch, pixels: pixels), layers: layers,
      reason: "\(isTimms ? "timm" : "torchvision")'s names, with depths \(depths) and width \(first[0])")
  }
}
