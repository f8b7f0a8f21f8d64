import ZooTensor

extension InceptionResNetV2 {
  /// timm's lists of residual blocks, how many they hold, and how Keras' names of them begin.
  private static let blocks = [
    ("repeat", 10, "block35"), ("repeat_1", 20, "block17"), ("repeat_2", 9, "block8"),
  ]

  /// timm's names of the convolutions without names in Keras, in the order in which Keras numbers them.
  private static let units: [String] = {
    /// Branches of so many convolutions in a row, of which those of one are no list.
    func branches(_ module: String, _ lengths: [Int]) -> [String] {
      lengths.enumerated().flatMap { branch, length in
        length == 1
          ? ["\(module).branch\(branch)"] : (0..<length).map { "\(module).branch\(branch).\($0)" }
      }
    }
    func residual(_ index: Int, _ lengths: [Int]) -> [String] {
      let (name, count, _) = blocks[index]
      return (0..<count).flatMap { branches("\(name).\($0)", lengths) }
    }
    let all: [[String]] = [
      ["conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a"],
      // The last branch begins with an average.
      branches("mixed_5b", [1, 2, 3]), ["mixed_5b.branch3.1"], residual(0, [1, 2, 3]),
      branches("mixed_6a", [1, 3]), residual(1, [1, 3]),
      branches("mixed_7a", [2, 2, 3]), residual(2, [1, 3]), branches("block8", [1, 3]),
    ]
    return all.flatMap { $0 }
  }()

  /// timm's `conv2d_1a.conv`, `mixed_5b.branch1.0.bn`, `repeat.0.conv2d`, …, `block8`, `conv2d_7b`, `classif`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let first = tensors.weight("conv2d_1a.conv", rank: 4), tensors.isNorm("conv2d_7b.bn"),
      tensors.weight("block8.conv2d", rank: 4) != nil
    else { return nil }
    var layers = [
      "conv2d_7b.conv": "conv_7b", "conv2d_7b.bn": "conv_7b_bn", "block8.conv2d": "block8_10_conv",
    ]
    for (i, unit) in units.enumerated() {
      let number = i == 0 ? "" : "_\(i)"
      layers["\(unit).conv"] = "conv2d\(number)"
      layers["\(unit).bn"] = "batch_normalization\(number)"
    }
    for (name, count, layer) in blocks {
      for i in 0..<count { layers["\(name).\(i).conv2d"] = "\(layer)_\(i + 1)_conv" }
    }
    let (head, module) = TorchGuess.head(tensors, ["classif"], rows: features)
    if let module { layers[module] = "predictions" }
    var pixels = TorchGuess.usualPixels("bicubic")
    pixels.crop = "0.8975"
    return TorchGuess(
      architecture: "inceptionresnetv2", definition: InceptionResNetV2(scalesNorms: true), head: head,
      channels: first[1], conventions: WriterConventions(preprocessing: .tf, pixels: pixels), layers: layers,
      reason: "timm's names; norms have a gamma")
  }
}
