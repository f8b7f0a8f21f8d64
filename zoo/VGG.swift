import ZooGraph
import ZooTensor

/// VGG (Simonyan and Zisserman 2014, table 1): blocks of 3x3 convolutions with a 2x2 maximum after
/// each, then three dense layers.
package struct VGG: NetworkDefinition {
  /// Convolutions per block.
  package var depths: [Int]
  /// Filters of the first block; they double per block up to eight times as many.
  package var width: Int
  /// Units of the two hidden dense layers.
  package var denseWidth: Int
  /// Epsilon of the batch normalizations behind all convolutions; nil where there are none.
  package var normEpsilon: Double?
  /// Whose network it is, with the side of the map that the first dense layer was made for.
  package var convention: Convention

  package enum Convention: Hashable, Sendable {
    /// The last map has that size.
    case keras
    /// It is pooled to it.
    case torchvision(side: Int)
    /// A smaller one is pooled to it; over a larger one the dense layers slide, as convolutions, before a mean.
    case timm(side: Int)
  }

  package init(
    depths: [Int], width: Int = 64, denseWidth: Int = 4096, normEpsilon: Double? = nil,
    convention: Convention = .keras
  ) {
    self.normEpsilon = normEpsilon
    self.depths = depths
    self.width = width
    self.denseWidth = denseWidth
    self.convention = convention
  }

  /// Configuration D.
  package static let vgg16 = VGG(depths: [2, 2, 3, 3, 3])
  /// Configuration E.
  package static let vgg19 = VGG(depths: [2, 2, 4, 4, 4])

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    var x = image
    for (i, count) in depths.enumerated() {
      let block = "block\(i + 1)"
      for j in 0..<count {
        let name = "\(block)_conv\(j + 1)"
        x = g.convolution(
          name, x, filters: filters(block: i), kernel: 3, stride: 1, padding: .same, useBias: true,
          activation: normEpsilon == nil ? .relu : .linear)
        if let normEpsilon {
          x = g.batchNormalization("\(name)_bn", x, epsilon: normEpsilon)
          x = g.add("\(name)_relu", .activation(.relu), x)
        }
      }
      x = g.maxPooling("\(block)_pool", x, window: 2, stride: 2, padding: .valid)
    }
    switch head {
    case .classifier(let classes, let activation):
      x = hidden(&g, pooled(&g, x))
      return g.dense("predictions", x, units: classes, activation: activation)
    case .features(let pooling):
      return g.globalPooling(pooling, x)
    }
  }

  /// The last map at the size that its program gives it.
  private func pooled(_ g: inout GraphBuilder, _ x: Value) -> Value {
    guard let shape = g.shape(of: x) else { return x }
    let map = Extent2D(shape[0], shape[1])
    let size =
      switch convention {
      case .keras: map
      case .torchvision(let side): Extent2D(side)
      case .timm(let side): Extent2D(max(side, map.height), max(side, map.width))
      }
    return size == map ? x : g.add("avgpool", .resize(Resize(size: size, interpolation: .adaptive)), x)
  }

  /// The two hidden dense layers.
  private func hidden(_ g: inout GraphBuilder, _ map: Value) -> Value {
    var x = map
    if case .timm(let side) = convention, let shape = g.shape(of: map), shape[0] > side || shape[1] > side {
      for (name, kernel) in [("fc1", side), ("fc2", 1)] {
        x = g.convolution(
          name, x, filters: denseWidth, kernel: kernel, stride: 1, padding: .valid, useBias: true,
          activation: .relu)
      }
      return g.add("avg_pool", .globalAveragePooling(keepDimensions: false), x)
    }
    x = g.add("flatten", .flatten, x)
    for name in ["fc1", "fc2"] { x = g.dense(name, x, units: denseWidth, activation: .relu) }
    return x
  }

  /// The filters of the block of this index, from 0.
  func filters(block: Int) -> Int { width << min(block, 3) }

  package var memberName: String? {
    let layers = depths.reduce(3, +)
    let isNamed = [[1, 1, 2, 2, 2], [2, 2, 2, 2, 2], VGG.vgg16.depths, VGG.vgg19.depths].contains(depths)
    guard width == 64, isNamed else { return nil }
    if normEpsilon != nil { return "vgg\(layers)_bn" }
    return layers < 16 ? "vgg\(layers)" : nil
  }

  package var summary: String {
    [
      width == 64 ? nil : "width \(width)",
      normEpsilon.map { "batch norms of epsilon \($0)" },
      denseWidth == 4096 ? nil : "dense width \(denseWidth)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

// MARK: Finding the member

extension VGG {
  /// Blocks double their filters, so counting kernels by filters gives the depths; the last two blocks
  /// have as many and are told apart by name, or taken as equally deep.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    let kernels = inventory.kernels.filter { $0[0] == 3 && $0[1] == 3 }
    guard let width = kernels.map({ $0[3] }).min(), width <= 1 << 20 else { return [] }
    let first = kernels.filter { $0[3] == width }
    let channels = first.map { $0[2] }.first { $0 != width } ?? width
    func count(_ filters: Int) -> Int { kernels.count { $0[3] == filters } }
    let last = count(8 * width)
    let named = depths(fromNames: inventory.layerNames)
    let depths = named ?? [first.count, count(2 * width), count(4 * width), last / 2, last - last / 2]
    guard depths.allSatisfy({ $0 > 0 }) else { return [] }

    let reason =
      "width \(width) from the first kernel, depths \(depths) from the "
      + (named == nil ? "number of kernels" : "layer names")
    let writer = Writer(inventory)
    let conventions = writer?.conventions ?? WriterConventions()
    var guesses: [Guess] = []
    let matrices = inventory.matrices.prefix(16)
    for hidden in Set(matrices.filter { $0[0] == $0[1] }.map { $0[0] }).sorted() {
      for input in matrices where input[1] == hidden && input[0] % (8 * width) == 0 {
        for output in matrices where output[0] == hidden {
          guesses.append(
            Guess(
              definition: VGG(depths: depths, width: width, denseWidth: hidden),
              head: .classifier(classes: output[1], activation: .softmax), channels: channels,
              lastPixels: input[0] / (8 * width), conventions: conventions,
              reason: reason + ", \(output[1]) classes from the last dense layer"
                + (writer.map { "; \($0.reason)" } ?? "")))
        }
      }
    }
    guesses.append(
      Guess(
        definition: VGG(depths: depths, width: width), head: .features(.none), channels: channels,
        conventions: conventions, reason: reason + (writer.map { "; \($0.reason)" } ?? "")))
    return guesses
  }

  /// Who wrote a file, where it was not Keras.
  enum Writer: String, CaseIterable {
    case keras
    /// Davi Frossard's `vgg16_weights.npz`: kernels read RGB minus the means.
    case frossard
    /// tensorpack's `utils/loadcaffe.py`: Caffe's kernels, which read BGR; rows in the order of TensorFlow.
    case tensorpackCaffe = "tensorpack-caffe"
    /// tensorpack's `examples/ImageNetModels/vgg16.py`, trained on (channel, height, width).
    case tensorpack

    /// The stated one, else the one that names its weights so. The two of tensorpack have the same names and
    /// shapes; its converted weights are taken to be meant.
    init?(_ inventory: TensorInventory) {
      let names = inventory.hints.compactMap(\.name)
      if let stated = inventory.context.writer.flatMap(Writer.init(rawValue:)) {
        self = stated
      } else if names.contains(where: { $0.hasSuffix("conv1_1_W") }) {
        self = .frossard
      } else if names.contains(where: { $0.hasSuffix("conv1_1/W") || $0.hasSuffix("conv1_1/W:0") }) {
        self = .tensorpackCaffe
      } else {
        return nil
      }
    }

    var conventions: WriterConventions {
      switch self {
      case .keras, .tensorpackCaffe: WriterConventions()
      case .frossard: WriterConventions(preprocessing: .caffeRGB)
      case .tensorpack: WriterConventions(preprocessing: .torchBGR, flattensChannelsFirst: true)
      }
    }

    var reason: String {
      switch self {
      case .keras: "written by Keras"
      case .frossard: "Frossard's names, so the kernels expect RGB minus the means"
      case .tensorpackCaffe:
        "tensorpack's names, assumed to be converted from Caffe (see --writer for tensorpack)"
      case .tensorpack: "trained with tensorpack"
      }
    }
  }

  /// The number of convolutions in each of the five blocks, where every block has some by name.
  private static func depths(fromNames names: Set<String>) -> [Int]? {
    var depths = [Int](repeating: 0, count: 5)
    for name in names {
      let last = name.split(separator: "/").last.map(String.init) ?? name
      let parts = (currentLayerName(last) ?? last).split(separator: "_")
      guard parts.count == 2, parts[0].hasPrefix("block"), parts[1].hasPrefix("conv"),
        let block = Int(parts[0].dropFirst(5)), depths.indices.contains(block - 1)
      else { continue }
      depths[block - 1] += 1
    }
    return depths.contains(0) ? nil : depths
  }

  /// Frossard's names (`conv1_1`, `fc6`), which are Caffe's.
  static func currentLayerName(_ name: String) -> String? {
    switch name {
    case "fc6": return "fc1"
    case "fc7": return "fc2"
    case "fc8": return "predictions"
    default:
      let parts = name.split(separator: "_")
      guard parts.count == 2, parts[0].hasPrefix("conv"), let block = Int(parts[0].dropFirst(4)),
        let layer = Int(parts[1])
      else { return nil }
      return "block\(block)_conv\(layer)"
    }
  }
}

// MARK: Catalogue

extension Architecture {
  package static let vgg16 = vgg(
    16, .vgg16, accuracy: "71.3 % top-1, 90.1 % top-5 on ImageNet's validation images",
    top: ("64373286793e3c8b2b4e3219cbf3544b", 553_467_096),
    noTop: ("6d6bbae143d832006294945121d1f1fc", 58_889_256))
  package static let vgg19 = vgg(
    19, .vgg19, accuracy: "71.3 % top-1, 90.0 % top-5 on ImageNet's validation images",
    top: ("cbe5617147190e668d6c5d5026f83318", 574_710_816),
    noTop: ("253f8cb515780f3b799900260a226db6", 80_134_624))

  private static func vgg(
    _ layers: Int, _ definition: VGG, accuracy: String, top: PublishedFile.Facts, noTop: PublishedFile.Facts
  ) -> Architecture {
    let name = "vgg\(layers)"
    let input = InputShape(224, 224)
    return Architecture(
      name: name, family: "VGG",
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .caffe, trainingData: "ImageNet (ILSVRC 2014)",
        licence: "CC BY 4.0 (Visual Geometry Group, Oxford)",
        citation: "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, "
          + "2014, arXiv:1409.1556",
        accuracy: accuracy),
      defaultInput: input, definition: definition,
      published: PublishedFile.pair(
        name, definition, 224, path: "\(name)/\(name)\(PublishedFile.tensorFlow)", top: top, noTop: noTop),
      currentLayerName: VGG.currentLayerName, writers: VGG.Writer.allCases.map(\.rawValue),
      guesses: { inventory in
        // Members that are neither are named after the smaller of the two.
        VGG.guesses(inventory).filter {
          (($0.definition as? VGG)?.depths == VGG.vgg19.depths) == (layers == 19)
        }
      })
  }
}
