import ZooTensor

extension InceptionV3 {
  /// torchvision's and timm's names of the convolutions of each module, in the order in which Keras numbers them.
  private static let modules: [(name: String, convolutions: [String])] = {
    let a = ["1x1", "5x5_1", "5x5_2", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3", "_pool"]
    let b =
      ["1x1"] + (1...3).map { "7x7_\($0)" } + (1...5).map { "7x7dbl_\($0)" } + ["_pool"]
    let c = ["1x1", "3x3_1", "3x3_2a", "3x3_2b", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3a", "3x3dbl_3b", "_pool"]
    return ["b", "c", "d"].map { ("Mixed_5\($0)", a) }
      + [("Mixed_6a", ["3x3", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3"])]
      + ["b", "c", "d", "e"].map { ("Mixed_6\($0)", b) }
      + [("Mixed_7a", ["3x3_1", "3x3_2"] + (1...4).map { "7x7x3_\($0)" })]
      + ["b", "c"].map { ("Mixed_7\($0)", c) }
  }()
  private static let stem = [
    "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3",
  ]

  /// torchvision's and timm's `Conv2d_1a_3x3.conv`, `Mixed_5b.branch1x1.bn`, …, `fc`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let first = tensors.weight("\(stem[0]).conv", rank: 4), tensors.isNorm("Mixed_7c.branch_pool.bn")
    else { return nil }
    var layers: [String: String] = [:]
    let units = stem + modules.flatMap { module in module.convolutions.map { "\(module.name).branch\($0)" } }
    for (i, unit) in units.enumerated() {
      let number = i == 0 ? "" : "_\(i)"
      layers["\(unit).conv"] = "conv2d\(number)"
      layers["\(unit).bn"] = "batch_normalization\(number)"
    }
    let (head, module) = TorchGuess.head(tensors, ["fc"], rows: features)
    if let module { layers[module] = "predictions" }
    return TorchGuess(
      architecture: "inceptionv3", definition: InceptionV3(convention: .torch), head: head,
      channels: first[1],
      // Trained by TensorFlow's scaling: torchvision gives pixels that are normalized as for others to the network,
      // which scales them back.
      conventions: WriterConventions(preprocessing: .tf, pixels: TorchGuess.usualPixels()), layers: layers,
      reason: "the names of torchvision and timm; norms have a gamma, and averages count padding",
      // The classifier in the middle, which only training uses.
      leavesOut: ["AuxLogits."])
  }
}
