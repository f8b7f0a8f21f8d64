import ZooGraph
import ZooTensor

// ResNeXt (Xie and others 2016, table 1): ResNet whose bottlenecks convolve 32 groups of channels apart.

extension ResNet {
  package static let resNeXt50 = resNeXt(depths: [3, 4, 6, 3])

  static func resNeXt(depths: [Int], width: Int = 64, groups: Int = 32) -> ResNet {
    ResNet(
      depths: depths, width: width, convention: .kerasResNeXt, innerWidth: 2 * width, groups: groups)
  }

  /// A block of Keras' files has one 3x3 kernel of a depthwise convolution, with as many outputs for each channel as
  /// a group has channels.
  static func resNeXtGuesses(_ inventory: TensorInventory) -> [Guess] {
    guard let stem = inventory.kernels.first(where: { $0[0] == 7 && $0[1] == 7 && $0[3] > 1 }),
      stem[3] <= 1 << 20,
      let first = inventory.kernels.first(where: { $0[0] == 3 && $0[1] == 3 && $0[2] == 2 * stem[3] }),
      first[3] > 1, first[2] % first[3] == 0
    else { return [] }
    let groups = first[2] / first[3]
    var depths: [Int] = []
    while depths.count < 8 {
      let filters = first[2] << depths.count
      let count = inventory.count([3, 3, filters, filters / groups])
      if count == 0 { break }
      depths.append(count)
    }
    let definition = resNeXt(depths: depths, width: stem[3], groups: groups)
    return inventory.guesses(
      definition, rows: definition.channels(stack: depths.count - 1), channels: stem[2],
      conventions: WriterConventions(preprocessing: .torch),
      reason:
        "width \(stem[3]) from the 7x7 kernel, depths \(depths) and \(groups) groups from the depthwise "
        + "kernels, epsilon \(definition.epsilon) of Keras' files")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let resNeXts = [
    resNeXt(
      50, depths: ResNet.resNeXt50.depths, accuracy: (77.7, 93.8), top: "67a5b30d522ed92f75a1f16eef299d1a",
      noTop: "62527c363bdd9ec598bed41947b379fc"),
    resNeXt(
      101, depths: [3, 4, 23, 3], accuracy: (78.7, 94.3), top: "34fb605428fcc7aa4d62f44404c11509",
      noTop: "0f678c91647380debd923963594981b3"),
  ]

  private static func resNeXt(
    _ layers: Int, depths: [Int], accuracy: (Double, Double), top: String, noTop: String
  ) -> Architecture {
    let name = "resnext\(layers)"
    let definition = ResNet.resNeXt(depths: depths)
    return Architecture(
      name: name, family: "ResNeXt", aliases: ["ResNeXt-\(layers)", "resnext\(layers)_32x4d"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .torch, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "BSD (Facebook)",
        citation:
          "Xie, Girshick, Dollár, Tu, He: Aggregated Residual Transformations for Deep Neural Networks, "
          + "2016, arXiv:1611.05431",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(224, 224), definition: definition,
      published: PublishedFile.pair(
        name, definition, 224, path: "resnet/\(name)\(PublishedFile.tensorFlow)", top: (top, nil),
        noTop: (noTop, nil)),
      currentLayerName: { $0 == "probs" || $0 == "fc1000" ? "predictions" : nil },
      guesses: { inventory in
        // Members without an architecture of their own belong to the smaller.
        ResNet.resNeXtGuesses(inventory).filter {
          ($0.definition as? ResNet)?.depths == depths
            || layers == 50
              && ($0.definition as? ResNet)?.depths != [3, 4, 23, 3]
        }
      })
  }
}
