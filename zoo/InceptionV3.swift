import ZooGraph
import ZooTensor

/// Inception, version 3 (Szegedy and others 2015, table 1): modules whose branches look with windows of
/// several sizes, the large ones factored into small and asymmetric ones.
package struct InceptionV3: NetworkDefinition {
  /// Whose network it is.
  package enum Convention: Hashable, Sendable {
    case keras
    /// torchvision's and timm's: norms have a gamma, and averages count the zeros around an image.
    case torch
  }

  package var convention: Convention

  package init(convention: Convention = .keras) { self.convention = convention }

  /// Channels of the last module.
  static let features = 2048

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    var x = g.inceptionStem(image, scalesNorms: convention == .torch)
    for (i, pooled) in [32, 64, 64].enumerated() { x = moduleA(&g, x, pooled: pooled, name: "mixed\(i)") }
    x = reductionA(&g, x)
    for (i, filters) in [128, 160, 160, 192].enumerated() {
      x = moduleB(&g, x, filters: filters, name: "mixed\(i + 4)")
    }
    x = reductionB(&g, x)
    for i in 0..<2 { x = moduleC(&g, x, index: i) }
    return g.denseHead(head, x, namesPooling: false)
  }

  /// Figure 5: windows of 1x1, 5x5, and 3x3 twice.
  private func moduleA(_ g: inout GraphBuilder, _ x: Value, pooled: Int, name: String) -> Value {
    let one = unit(&g, x, 64, 1, 1)
    let five = unit(&g, unit(&g, x, 48, 1, 1), 64, 5, 5)
    let three = unit(&g, unit(&g, unit(&g, x, 64, 1, 1), 96, 3, 3), 96, 3, 3)
    let pool = unit(&g, average(&g, x), pooled, 1, 1)
    return g.add(name, .concatenate, one, five, three, pool)
  }

  /// Figure 10: half the size.
  private func reductionA(_ g: inout GraphBuilder, _ x: Value) -> Value {
    let three = unit(&g, x, 384, 3, 3, stride: 2)
    let double = unit(&g, unit(&g, unit(&g, x, 64, 1, 1), 96, 3, 3), 96, 3, 3, stride: 2)
    return g.add("mixed3", .concatenate, three, double, g.inceptionMaximum(x))
  }

  /// Figure 6: windows of 7x7 as 1x7 and 7x1.
  private func moduleB(_ g: inout GraphBuilder, _ x: Value, filters n: Int, name: String) -> Value {
    let one = unit(&g, x, 192, 1, 1)
    let seven = unit(&g, unit(&g, unit(&g, x, n, 1, 1), n, 1, 7), 192, 7, 1)
    var double = unit(&g, unit(&g, x, n, 1, 1), n, 7, 1)
    double = unit(&g, unit(&g, unit(&g, double, n, 1, 7), n, 7, 1), 192, 1, 7)
    let pool = unit(&g, average(&g, x), 192, 1, 1)
    return g.add(name, .concatenate, one, seven, double, pool)
  }

  private func reductionB(_ g: inout GraphBuilder, _ x: Value) -> Value {
    let three = unit(&g, unit(&g, x, 192, 1, 1), 320, 3, 3, stride: 2)
    var seven = unit(&g, unit(&g, unit(&g, x, 192, 1, 1), 192, 1, 7), 192, 7, 1)
    seven = unit(&g, seven, 192, 3, 3, stride: 2)
    return g.add("mixed8", .concatenate, three, seven, g.inceptionMaximum(x))
  }

  /// Figure 7: windows of 3x3 as 1x3 beside 3x1.
  private func moduleC(_ g: inout GraphBuilder, _ x: Value, index: Int) -> Value {
    let one = unit(&g, x, 320, 1, 1)
    var three = unit(&g, x, 384, 1, 1)
    let threeWide = unit(&g, three, 384, 1, 3)
    let threeHigh = unit(&g, three, 384, 3, 1)
    three = g.add("mixed9_\(index)", .concatenate, threeWide, threeHigh)
    var double = unit(&g, unit(&g, x, 448, 1, 1), 384, 3, 3)
    let doubleWide = unit(&g, double, 384, 1, 3)
    let doubleHigh = unit(&g, double, 384, 3, 1)
    double = g.add(.concatenate, doubleWide, doubleHigh)
    let pool = unit(&g, average(&g, x), 192, 1, 1)
    return g.add("mixed\(9 + index)", .concatenate, one, three, double, pool)
  }

  private func unit(
    _ g: inout GraphBuilder, _ x: Value, _ filters: Int, _ height: Int, _ width: Int, stride: Int = 1
  ) -> Value {
    g.inception(x, filters, height, width, stride: stride, scalesNorm: convention == .torch)
  }

  private func average(_ g: inout GraphBuilder, _ x: Value) -> Value {
    guard convention == .torch else { return g.inceptionAverage(x) }
    return g.inceptionAverage(g.add(.zeroPadding(Edges(all: 1)), x), padding: .valid)
  }

  package var summary: String { convention == .keras ? "" : "as torchvision" }
}

// MARK: What the Inceptions share

extension GraphBuilder {
  /// A convolution without biases, a norm and ReLU, named automatically or `NAME`, `NAME_bn` and `NAME_ac`. One
  /// with a stride has no padding.
  ///
  /// - Parameter scalesNorm: whether the norm has a gamma.
  mutating func inception(
    _ x: Value, _ filters: Int, _ height: Int, _ width: Int, stride: Int = 1, padding: Padding? = nil,
    scalesNorm: Bool = false, name: String? = nil
  ) -> Value {
    let convolution = Operation.convolution(
      Convolution(
        filters: filters, kernel: Extent2D(height, width), strides: Extent2D(stride),
        padding: padding ?? (stride > 1 ? .valid : .same), useBias: false))
    let norm = Operation.batchNormalization(BatchNormalization(epsilon: 1e-3, scale: scalesNorm))
    guard let name else {
      let x = add(convolution, x)
      let normalized = add(norm, x)
      return add(.activation(.relu), normalized)
    }
    let x = add(name, convolution, x)
    let normalized = add("\(name)_bn", norm, x)
    return add("\(name)_ac", .activation(.relu), normalized)
  }

  /// The mean of 3x3 pixels at every pixel.
  mutating func inceptionAverage(_ x: Value, padding: Padding = .same) -> Value {
    add(.averagePooling(Pooling(window: Extent2D(3), strides: .one, padding: padding)), x)
  }

  /// The maximum of 3x3 pixels at every other pixel.
  mutating func inceptionMaximum(_ x: Value) -> Value {
    add(.maxPooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .valid)), x)
  }

  /// From the image to the first module.
  mutating func inceptionStem(_ image: Value, scalesNorms: Bool = false) -> Value {
    var x = inception(image, 32, 3, 3, stride: 2, scalesNorm: scalesNorms)
    x = inception(x, 32, 3, 3, padding: .valid, scalesNorm: scalesNorms)
    x = inception(x, 64, 3, 3, scalesNorm: scalesNorms)
    x = inceptionMaximum(x)
    x = inception(x, 80, 1, 1, padding: .valid, scalesNorm: scalesNorms)
    x = inception(x, 192, 3, 3, padding: .valid, scalesNorm: scalesNorms)
    return inceptionMaximum(x)
  }
}

// MARK: Finding it

extension InceptionV3 {
  /// It has eight 1x3 and 3x1 kernels for 384 channels.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard inventory.count([1, 3, 384, 384]) == 4, inventory.count([3, 1, 384, 384]) == 4,
      let channels = inventory.imageChannels(window: 3, filters: 32)
    else { return [] }
    return inventory.guesses(
      InceptionV3(), rows: features, channels: channels,
      reason: "four 1x3 and four 3x1 kernels for 384 channels")
  }
}

// MARK: Catalogue

extension Architecture {
  package static let inceptionV3 = Architecture(
    name: "inceptionv3", family: "Inception",
    card: ModelCard(
      architecture: "inceptionv3", variant: "", preprocessing: .tf, trainingData: "ImageNet (ILSVRC 2012)",
      licence: "Apache-2.0",
      citation: "Szegedy and others: Rethinking the Inception Architecture for Computer Vision, 2015, "
        + "arXiv:1512.00567",
      accuracy: accuracyText(77.9, 93.7)),
    defaultInput: InputShape(299, 299), definition: InceptionV3(),
    published: PublishedFile.pair(
      "inceptionv3", InceptionV3(), 299, path: "inception_v3/inception_v3\(PublishedFile.tensorFlow)",
      top: ("9a0d58056eeedaa3f26cb7ebd46da564", 96_112_376),
      noTop: ("bcbd6486424b2319ff4ef7d526e38f63", nil)),
    guesses: InceptionV3.guesses)
}
