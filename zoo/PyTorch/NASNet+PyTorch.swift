import ZooTensor

extension NASNet {
  /// Of the branches of a cell (`comb_iter_0_left`) those with weights, and what Keras' layers call them.
  private static let normalBranches = [
    "0_left": "left1", "0_right": "right1", "1_left": "left2", "1_right": "right2", "4_left": "left5",
  ]
  private static let reductionBranches = [
    "0_left": "left1", "0_right": "right1", "1_right": "right2", "2_right": "right3", "4_left": "left4",
  ]

  /// timm's `conv0.conv`, `cell_stem_0.comb_iter_0_left.separable_1.depthwise_conv2d`, …, `cell_0.path_1.conv`,
  /// `cell_1.conv_prev_1x1.conv`, …, `reduction_cell_0.conv_1x1.bn`, …, `last_linear`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    guard let stem = tensors.weight("conv0.conv", rank: 4),
      let first = tensors.weight("cell_0.conv_1x1.conv", rank: 4), first[0] <= 1 << 20, first[0] % 4 == 0,
      tensors.weight("cell_stem_1.path_2.conv", rank: 4) != nil,
      let cells = tensors.count(behind: "cell_"), cells % 3 == 0, (3...192).contains(cells)
    else { return nil }
    let blocks = cells / 3
    var layers = ["conv0.conv": "stem_conv1", "conv0.bn": "stem_bn1"]
    func add(_ cell: String, _ kind: String, _ id: String, _ branches: [String: String]) {
      layers["\(cell).conv_1x1.conv"] = "\(kind)_conv_1_\(id)"
      layers["\(cell).conv_1x1.bn"] = "\(kind)_bn_1_\(id)"
      // What brings the cell before last to this one's size, or to its filters alone.
      for path in 1...2 { layers["\(cell).path_\(path).conv"] = "adjust_conv_\(path)_\(id)" }
      layers["\(cell).conv_prev_1x1.conv"] = "adjust_conv_projection_\(id)"
      for norm in ["final_path_bn", "conv_prev_1x1.bn"] { layers["\(cell).\(norm)"] = "adjust_bn_\(id)" }
      for (branch, name) in branches {
        let here = "\(cell).comb_iter_\(branch)"
        for part in 1...2 {
          for kernel in ["depthwise", "pointwise"] {
            layers["\(here).separable_\(part).\(kernel)_conv2d"] =
              "separable_conv_\(part)_\(kind)_\(name)_\(id)"
          }
          layers["\(here).bn_sep_\(part)"] = "separable_conv_\(part)_bn_\(kind)_\(name)_\(id)"
        }
      }
    }
    for i in 0..<2 {
      add("cell_stem_\(i)", "reduction", "stem_\(i + 1)", reductionBranches)
      add("reduction_cell_\(i)", "reduction", "reduce_\(blocks * (i + 1))", reductionBranches)
    }
    // Keras' numbers skip one after the first stack.
    for i in 0..<cells { add("cell_\(i)", "normal", "\(i < blocks ? i : i + 1)", normalBranches) }
    let definition = NASNet(
      penultimateFilters: 24 * first[0], numBlocks: blocks, stemBlockFilters: stem[0], skipReduction: true,
      convention: .timm)
    let (head, module) = TorchGuess.head(tensors, ["last_linear"], rows: definition.penultimateFilters)
    if let module { layers[module] = "predictions" }
    var pixels = TorchGuess.usualPixels("bicubic")
    pixels.crop = "0.911"
    return TorchGuess(
      architecture: "nasnetlarge", definition: definition, head: head, channels: stem[1],
      conventions: WriterConventions(preprocessing: .tf, pixels: pixels), layers: layers,
      reason:
        "timm's names, with \(blocks) cells a stack and \(first[0]) filters from the first cell; maxima do "
        + "not see the zeros around an image")
  }
}
