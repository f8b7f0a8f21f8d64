import ZooGraph

/// Whether a network that Keras makes with or without scaling of pixels has it (`include_preprocessing`).
/// Scaling has no weights, so that only the list of layers can tell.
struct PixelScaling {
  let isOn: Bool
  let reason: String

  /// What `--writer` takes.
  static let writers = ["keras", "keras-without-preprocessing"]
  /// The summary of a network without it.
  static let off = "without its preprocessing"

  /// What may be, and what says so: a person, or the layers that the file lists; else scaling is taken to be
  /// there.
  static func candidates(_ inventory: TensorInventory) -> [PixelScaling] {
    if let writer = inventory.context.writer {
      return [PixelScaling(isOn: writer != writers[1], reason: "preprocessing as stated")]
    }
    if inventory.context.isDescribed {
      return [true, false].map { PixelScaling(isOn: $0, reason: "preprocessing as given") }
    }
    let isListed = inventory.lists { name in
      // Norms with weights are called so too.
      !inventory.layerNames.contains(name) && (name.hasPrefix("rescaling") || name.hasSuffix("normalization"))
    }
    guard let isListed else {
      return [
        PixelScaling(
          isOn: true, reason: "preprocessing assumed to be in the network (see --writer for \(writers[1]))")
      ]
    }
    return [PixelScaling(isOn: isListed, reason: "preprocessing by the layers that the file lists")]
  }

  /// A copy of `definition`, changed.
  static func with<T>(_ definition: T, _ change: (inout T) -> Void) -> T {
    var copy = definition
    change(&copy)
    return copy
  }
}

extension Rescaling {
  /// Of the pixels of ImageNet, from 0 to 1, in R, G, B.
  static let imageNetDeviation = [0.229, 0.224, 0.225]

  /// Of pixels from 0 to `mostValue`: minus ImageNet's mean, over its deviation, computed as Keras does it.
  static func imageNet(mostValue: Double) -> Rescaling {
    let means = [0.485, 0.456, 0.406].map { $0 * mostValue }
    let deviations = imageNetDeviation.map { value in
      let deviation = value * mostValue
      return (deviation * deviation).squareRoot()
    }
    return Rescaling(scale: deviations.map { 1 / $0 }, offset: zip(means, deviations).map { -$0 / $1 })
  }
}
