import ZooTensor

extension VGG {
  /// torchvision's `features.N`, where N counts activations, norms and maxima too, with `classifier.0`, `.3`
  /// and `.6`, or timm's `pre_logits.fc1`, `.fc2` and `head.fc`.
  @Sendable static func torchGuess(_ tensors: TorchTensors) -> TorchGuess? {
    let places = tensors.numbers(behind: "features.").filter { place in
      tensors.weight("features.\(place)", rank: 4).map { $0[2] == 3 && $0[3] == 3 } ?? false
    }
    guard places.first == 0, let first = tensors.weight("features.0", rank: 4), first[0] <= 1 << 20,
      let last = places.last.flatMap({ tensors.weight("features.\($0)", rank: 4) })
    else { return nil }
    let hasNorms = tensors.isNorm("features.1")
    // A convolution, its norm and its activation; behind the last of a block, a maximum.
    let step = hasNorms ? 3 : 2
    var depths = [1]
    var layers = ["features.0": "block1_conv1"]
    if hasNorms { layers["features.1"] = "block1_conv1_bn" }
    for (place, previous) in zip(places.dropFirst(), places) {
      switch place - previous {
      case step: depths[depths.count - 1] += 1
      case step + 1: depths.append(1)
      default: return nil
      }
      let name = "block\(depths.count)_conv\(depths[depths.count - 1])"
      layers["features.\(place)"] = name
      if hasNorms { layers["features.\(place + 1)"] = "\(name)_bn" }
    }
    guard depths.count == 5 else { return nil }

    var definition = VGG(depths: depths, width: first[0], normEpsilon: hasNorms ? 1e-5 : nil)
    var head = Head.features(.none)
    var side: Int?
    if let (dense, modules) = classifier(tensors, channels: last[0]) {
      definition.denseWidth = dense.width
      side = dense.side
      definition.convention =
        modules[0].hasPrefix("classifier") ? .torchvision(side: dense.side) : .timm(side: dense.side)
      head = .classifier(classes: dense.classes, activation: .softmax)
      for (module, name) in zip(modules, ["fc1", "fc2", "predictions"]) { layers[module] = name }
    }
    return TorchGuess(
      architecture: depths == VGG.vgg19.depths ? "vgg19" : "vgg16", definition: definition, head: head,
      channels: first[1],
      input: side.map { $0 == 7 ? (224, 224) : (32 * $0, 32 * $0) },
      conventions: WriterConventions(
        preprocessing: .torch, flattensChannelsFirst: true, pixels: TorchGuess.usualPixels()), layers: layers,
      reason: "the names of torchvision and timm, with depths \(depths) from the numbers behind 'features'"
        + (hasNorms ? ", and their batch norms of epsilon 1e-05" : ""))
  }

  /// The three dense layers, of which timm's first two are convolutions.
  private static func classifier(
    _ tensors: TorchTensors, channels: Int
  ) -> (dense: (width: Int, classes: Int, side: Int), modules: [String])? {
    for modules in [
      ["classifier.0", "classifier.3", "classifier.6"], ["pre_logits.fc1", "pre_logits.fc2", "head.fc"],
    ] {
      let shapes = modules.compactMap { tensors["\($0).weight"] }
      guard shapes.count == 3, shapes.allSatisfy({ $0.rank >= 2 && $0.elementCount > 0 }) else { continue }
      let pixels = shapes[0].elementCount / shapes[0][0] / channels
      let side = Int(Double(pixels).squareRoot().rounded())
      guard side > 0, side < 1 << 10, side * side == pixels else { continue }
      return ((shapes[0][0], shapes[2][0], side), modules)
    }
    return nil
  }
}
