import ZooGraph
import ZooTensor

/// The tensors of a file with PyTorch's names (`layer1.0.conv1.weight`), without what stands in front of them.
package struct TorchTensors: Sendable {
  /// In PyTorch's order of axes: (out, in, height, width), (out, in). By their names without a prefix.
  package let shapes: [String: Shape]
  /// By the names of modules without a prefix, what the file calls them.
  package let fileNames: [String: String]
  /// Names that are the same without their prefixes.
  package let duplicates: [String]
  /// What else says which network it is: timm's name of it, or the file's.
  package var hint = ""

  /// What programs put in front of names that is no part of a network: of data parallelism, of a module that
  /// holds the network, of compilation.
  private static let prefixes = ["module.", "model.", "backbone.", "_orig_mod."]

  /// Nil where names are not PyTorch's.
  package init?(_ tensors: [(name: String, shape: Shape)]) {
    guard tensors.contains(where: { $0.name.hasSuffix(".weight") }) else { return nil }
    self.init(tensors, prefix: "")
  }

  private init(_ tensors: [(name: String, shape: Shape)], prefix: String) {
    var shapes: [String: Shape] = [:]
    var fileNames: [String: String] = [:]
    var duplicates: [String] = []
    for (name, shape) in tensors {
      let bare = Self.withoutPrefixes(name.dropFirst(name.hasPrefix(prefix) ? prefix.count : 0))
      guard shapes.updateValue(shape, forKey: bare) == nil else {
        duplicates.append(name)
        continue
      }
      if let end = bare.lastIndex(of: "."), let fileEnd = name.lastIndex(of: ".") {
        fileNames[String(bare[..<end])] = String(name[..<fileEnd])
      }
    }
    self.shapes = shapes
    self.fileNames = fileNames
    self.duplicates = duplicates
  }

  private static func withoutPrefixes(_ name: Substring) -> String {
    var name = name
    while let prefix = prefixes.first(where: { name.hasPrefix($0) }) { name = name.dropFirst(prefix.count) }
    return String(name)
  }

  /// The same tensors without the part of the path that all of them share; nil where there is none.
  package func withoutCommonPart() -> TorchTensors? {
    let firsts = Set(shapes.keys.map { $0.prefix { $0 != "." } })
    guard firsts.count == 1, let first = firsts.first, shapes.count > 1, duplicates.isEmpty else {
      return nil
    }
    let tensors = shapes.map { name, shape in (name: name, shape: shape) }
    let inner = TorchTensors(tensors, prefix: "\(first).")
    var names: [String: String] = [:]
    for (bare, name) in inner.fileNames { names[bare] = fileNames[name] }
    var bare = TorchTensors(shapes: inner.shapes, fileNames: names, duplicates: inner.duplicates)
    bare.hint = hint
    return bare
  }

  private init(shapes: [String: Shape], fileNames: [String: String], duplicates: [String]) {
    self.shapes = shapes
    self.fileNames = fileNames
    self.duplicates = duplicates
  }

  /// Whether a tensor's name begins with one of `beginnings`, behind what stands in front of it.
  package static func has(_ name: String, beginning beginnings: [String]) -> Bool {
    let bare = withoutPrefixes(name[...])
    return beginnings.contains(where: bare.hasPrefix)
  }

  /// Whether a tensor of this name is of a head, which a network may have instead of its own.
  package static func isOfHead(_ name: String) -> Bool {
    let parts = withoutPrefixes(name[...]).split(separator: ".")
    return parts.first.map { ["fc", "head", "classifier", "last_linear", "classif"].contains($0) } ?? false
  }

  /// The shape of a tensor; nil where there is none of this name.
  package subscript(name: String) -> Shape? { shapes[name] }

  /// The shape of a module's weight, where it has one of this rank.
  func weight(_ module: String, rank: Int) -> Shape? {
    shapes["\(module).weight"].flatMap { $0.rank == rank && $0.elementCount > 0 ? $0 : nil }
  }

  /// Whether a module is a batch normalization.
  func isNorm(_ module: String) -> Bool { shapes["\(module).running_var"] != nil }

  /// Whether timm says that a network came from TensorFlow, whose padding it keeps.
  var isFromTensorFlow: Bool { hint.hasPrefix("tf_") }

  /// The whole numbers that follow `prefix` in names, in order.
  func numbers(behind prefix: String) -> [Int] {
    let numbers = shapes.keys.compactMap { name in
      name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count).prefix { $0 != "." }) : nil
    }
    return Set(numbers).sorted()
  }

  /// How many modules `PREFIX0`, `PREFIX1`, … there are, which are numbered without gaps.
  func count(behind prefix: String) -> Int? {
    let numbers = numbers(behind: prefix)
    return numbers == Array(numbers.indices) ? numbers.count : nil
  }
}

/// A network that tensors with PyTorch's names are the weights of, before their shapes are compared.
package struct TorchGuess {
  /// What its family is called in the catalogue where the member has no entry of its own.
  let architecture: String
  let definition: any NetworkDefinition
  let head: Head
  let channels: Int
  /// The height and width for which the weights are, where they tell.
  var input: (Int, Int)?
  var conventions: WriterConventions
  /// The layer of the graph for each module, without its prefix.
  var layers: [String: String]
  /// How it was found, for people.
  let reason: String
  /// How timm's names of architectures begin that have the same tensors and compute something else.
  var lookAlikes: [String] = []
  /// How the names of tensors begin that are no part of the network once it is trained.
  var leavesOut: [String] = []

  /// torchvision's `Resize(256)` and `CenterCrop(224)`, and timm's `crop_pct` of 0.875.
  static func usualPixels(_ resampling: String = "bilinear") -> TrainingRecord.Pixels {
    TrainingRecord.Pixels(resampling: resampling, crop: "0.875", isUpright: false)
  }

  /// The head: the first of `modules` that is a linear layer or 1x1 convolution of `rows` inputs, else none.
  static func head(
    _ tensors: TorchTensors, _ modules: [String], rows: Int
  ) -> (head: Head, module: String?) {
    for module in modules {
      if let shape = tensors["\(module).weight"], shape.rank >= 2, shape[1] == rows,
        shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 })
      {
        return (.classifier(classes: shape[0], activation: .softmax), module)
      }
    }
    return (.features(.none), nil)
  }
}

/// A network of the zoo, and which module of a PyTorch file is which of its layers.
package struct TorchNetwork {
  package let variant: Variant
  /// By the file's names of modules.
  package let layers: [String: String]
  /// How timm's names of architectures begin that have the same tensors and compute something else.
  package let lookAlikes: [String]
  /// How the names of tensors begin, without prefixes, that are no part of the network once it is trained.
  package let leavesOut: [String]
  /// What says that it is this network, for people.
  package let reason: String
}

extension Catalog {
  /// The families that are known by the names that torchvision and timm give their tensors.
  private static let torchFamilies: [@Sendable (TorchTensors) -> TorchGuess?] = [
    ResNet.torchGuess, VGG.torchGuess, DenseNet.torchGuess, MobileNet.torchGuess, MobileNetV2.torchGuess,
    MobileNetV3.torchGuess, EfficientNet.torchGuess, EfficientNetV2.torchGuess, ConvNeXt.torchGuess,
    InceptionV3.torchGuess, Xception.torchGuess, NASNet.torchGuess, InceptionResNetV2.torchGuess,
  ]
  /// What these families are, for people.
  package static let torchFamilyNames =
    "torchvision's and timm's ResNet 18 to 152, ResNeXt and Wide ResNet, VGG 11 to 19 with and without batch norms, "
    + "DenseNet, MobileNet V2 and V3, EfficientNet B0 to B7 and V2, Inception v3 and ConvNeXt, and timm's "
    + "MobileNet V1, Xception, NASNet-A and Inception-ResNet v2"

  /// The networks that tensors with PyTorch's names may be the weights of.
  package static func torchNetworks(_ tensors: TorchTensors, inputSize: (Int, Int)?) -> [TorchNetwork] {
    var tensors = tensors
    for _ in 0..<8 {
      let guesses = torchFamilies.compactMap { $0(tensors) }
      if !guesses.isEmpty { return guesses.map { network($0, tensors, inputSize: inputSize) } }
      guard let inner = tensors.withoutCommonPart() else { return [] }
      tensors = inner
    }
    return []
  }

  private static func network(
    _ guess: TorchGuess, _ tensors: TorchTensors, inputSize: (Int, Int)?
  ) -> TorchNetwork {
    let own = guess.definition.memberName.flatMap(architecture(named:))
    let known = own ?? architecture(named: guess.architecture)
    let size =
      inputSize ?? guess.input ?? known.map { ($0.defaultInput.height, $0.defaultInput.width) } ?? (224, 224)
    var layers: [String: String] = [:]
    for (module, layer) in guess.layers {
      if let name = tensors.fileNames[module] { layers[name] = layer }
    }
    return TorchNetwork(
      variant: Variant(
        architecture: known?.name ?? guess.architecture, definition: guess.definition,
        input: InputShape(size.0, size.1, channels: guess.channels), head: guess.head,
        conventions: guess.conventions),
      layers: layers, lookAlikes: guess.lookAlikes, leavesOut: guess.leavesOut, reason: guess.reason)
  }
}
