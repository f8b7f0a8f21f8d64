import ZooTensor

/// What the beginning of a network says about its use.
extension Graph {
  /// Whether the only input is a picture: (H, W, 3), or grey with one channel.
  package var takesPictures: Bool {
    guard inputs.count == 1, let input = inputs.first else { return false }
    let shape = self[input].shape
    return shape.rank == 3 && (shape[2] == 3 || shape[2] == 1)
  }

  /// Whether the network itself scales the pixels: before any layer with weights that were trained, something
  /// computes with them and constants. Keras' `Rescaling`, `Normalization` and operators do so.
  package var scalesPixels: Bool {
    guard takesPictures, let input = inputs.first else { return false }
    var reached: Set<Value> = [input]
    for (index, node) in nodes.enumerated() where !node.inputs.isEmpty {
      guard node.inputs.allSatisfy(reached.contains) else { continue }
      switch node.operation {
      case .rescaling(let rescaling) where rescaling.changesValues: return true
      case .normalization: return true
      case .rescaling, .identity, .resize, .cropping, .zeroPadding, .reshape, .permute, .concatenate, .merge:
        reached.insert(Value(index: index))
      default: continue
      }
    }
    return false
  }

  /// Whether pixels go in as they are because the network itself scales them.
  package func scalesPixels(as card: ModelCard) -> Bool { card.preprocessing == .none && scalesPixels }
}

extension Graph {
  /// Whether a layer with weights reads what whole images have become, as a classifier does: it has learned at one
  /// size of images, or at some.
  package var judgesWholeImages: Bool {
    var isOfImage = [Bool](repeating: false, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      if node.inputs.isEmpty {
        isOfImage[index] = node.shape.rank == 3
        continue
      }
      let images = node.inputs.filter { isOfImage[$0.index] }
      isOfImage[index] = !images.isEmpty
      if !node.weights.isEmpty, images.contains(where: { self[$0].shape.isOnePixel }) { return true }
    }
    return false
  }
}

extension Shape {
  fileprivate var isOnePixel: Bool { rank < 3 || dimensions.dropLast().allSatisfy { $0 == 1 } }
}
