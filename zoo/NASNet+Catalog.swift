import ZooGraph
import ZooTensor

extension NASNet {
  /// The stem's is the only 3x3 kernel with more than one output per channel; the widest square 1x1
  /// kernels give the filters of the last stack, and its 5x5 kernels, four per cell, the cells.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard let stem = inventory.kernels.first(where: { $0[0] == 3 && $0[1] == 3 && $0[3] > 1 }),
      let last = inventory.kernels.filter({ $0[0] == 1 && $0[1] == 1 && $0[2] == $0[3] }).map({ $0[2] }).max()
    else { return [] }
    let cells = inventory.count([5, 5, last, 1]) / 4
    guard cells > 0, cells < 100 else { return [] }
    var guesses: [Guess] = []
    for growth in 2...4 where last % (growth * growth * growth * growth) == 0 {
      let penultimate = 24 * (last / (growth * growth))
      // Where cells before and after have as many channels, weights don't tell whether reductions are
      // skipped: then as in the published networks, of which the large one (4032 filters) skips.
      for skips in [penultimate == 4032, penultimate != 4032] {
        let definition = NASNet(
          penultimateFilters: penultimate, numBlocks: cells - 1, stemBlockFilters: stem[3],
          skipReduction: skips, filterMultiplier: growth)
        let features = last * (cells > 1 ? 6 : 4)
        for head in inventory.denseHeads(rows: features) {
          guesses.append(
            Guess(
              definition: definition, head: head, channels: stem[2],
              reason: "\(stem[3]) stem filters from the first kernel, \(penultimate) penultimate filters and "
                + "\(cells - 1) blocks from the kernels of the last stack, "
                + (skips ? "skipping reductions" : "not skipping reductions")))
        }
      }
    }
    return guesses
  }

  /// In older files `reduction_1_ID` is `reduction_right1_ID`.
  static func currentLayerName(_ name: String) -> String? {
    let old = "_reduction_1_"
    guard name.hasPrefix("separable_conv_") else { return nil }
    var start = name.startIndex
    while start < name.endIndex {
      if name[start...].hasPrefix(old) {
        return name[..<start] + "_reduction_right1_" + name[start...].dropFirst(old.count)
      }
      start = name.index(after: start)
    }
    return nil
  }
}

extension Architecture {
  package static let nasNetMobile = nasNet(
    "nasnetmobile", aliases: ["NASNet-Mobile", "nasnet"], .mobile, 224, file: "NASNet-mobile",
    accuracy: (74.4, 91.9), top: ("020fb642bf7360b370c678b08e0adf61", 24_227_760),
    noTop: ("1ed92395b5b598bdda52abe5c0dbfd63", 19_993_432))
  package static let nasNetLarge = nasNet(
    "nasnetlarge", aliases: ["NASNet-Large"], .large, 331, file: "NASNet-large", accuracy: (82.5, 96.0),
    top: ("11577c9a518f0070763c2b964a382f17", nil),
    noTop: ("d81d89dc07e6e56530c4e77faddd61b5", 343_610_240))

  private static func nasNet(
    _ name: String, aliases: [String], _ definition: NASNet, _ size: Int, file: String,
    accuracy: (Double, Double), top: PublishedFile.Facts, noTop: PublishedFile.Facts
  ) -> Architecture {
    Architecture(
      name: name, family: "NASNet", aliases: aliases,
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .tf, trainingData: "ImageNet (ILSVRC 2012)",
        licence: "Apache-2.0",
        citation: "Zoph, Vasudevan, Shlens, Le: Learning Transferable Architectures for Scalable Image "
          + "Recognition, 2017, arXiv:1707.07012",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(size, size), definition: definition,
      published: PublishedFile.pair(
        name, definition, size, path: "nasnet/\(file)", suffix: "-no-top", top: top, noTop: noTop),
      currentLayerName: NASNet.currentLayerName,
      guesses: { inventory in
        // Members that are neither are named after the smaller of the two.
        NASNet.guesses(inventory).filter {
          (($0.definition as? NASNet)?.penultimateFilters == NASNet.large.penultimateFilters)
            == (definition == .large)
        }
      })
  }
}
