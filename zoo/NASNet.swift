import ZooGraph
import ZooSystem

/// NASNet-A (Zoph and others 2017, figure 4): three stacks of normal cells with reduction cells
/// between; a cell reads the outputs of the two cells before it.
///
/// The padding before strided windows depends on the parity of what they read, as in Keras.
package struct NASNet: NetworkDefinition {
  /// Channels of the last feature map; a multiple of 24 * `filterMultiplier`².
  package var penultimateFilters: Int
  /// Normal cells per stack.
  package var numBlocks: Int
  package var stemBlockFilters: Int
  /// Whether a stack's first cell reads past the reduction cell before it.
  package var skipReduction: Bool
  /// By how much filters grow from stack to stack.
  package var filterMultiplier: Int
  /// Whose network it is.
  package var convention: Convention

  package enum Convention: Hashable, Sendable {
    case keras
    /// timm's: the maxima of reduction cells do not see the zeros around an image.
    case timm
  }

  package init(
    penultimateFilters: Int = 1056, numBlocks: Int = 4, stemBlockFilters: Int = 32,
    skipReduction: Bool = false, filterMultiplier: Int = 2, convention: Convention = .keras
  ) {
    self.penultimateFilters = penultimateFilters
    self.numBlocks = numBlocks
    self.stemBlockFilters = stemBlockFilters
    self.skipReduction = skipReduction
    self.filterMultiplier = filterMultiplier
    self.convention = convention
  }

  /// NASNet-A (4 @ 1056).
  package static let mobile = NASNet()

  static let epsilon = 1e-3

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value {
    let growth = filterMultiplier
    guard (1...64).contains(growth), numBlocks >= 0, penultimateFilters > 0, penultimateFilters <= 1 << 24,
      penultimateFilters % (24 * growth * growth) == 0
    else {
      throw ZooError.invalidNetwork(
        layer: "",
        "NASNet's penultimate filters (\(penultimateFilters)) must be a multiple of 24 * \(growth)²")
    }
    let filters = penultimateFilters / 24

    var x = g.convolution(
      "stem_conv1", image, filters: stemBlockFilters, kernel: 3, stride: 2, padding: .valid, useBias: false)
    x = g.batchNormalization("stem_bn1", x, epsilon: NASNet.epsilon)

    var p = x
    (x, p) = (reductionCell(&g, x, nil, filters / (growth * growth), id: "stem_1"), x)
    (x, p) = (reductionCell(&g, x, p, filters / growth, id: "stem_2"), x)

    var width = filters
    for stack in 0..<3 {
      if stack > 0 {
        width *= growth
        let reduced = reductionCell(&g, x, p, width, id: "reduce_\(numBlocks * stack)")
        if !skipReduction { p = x }
        x = reduced
      }
      // Keras' numbers skip one after the first stack, and none after the second.
      let first = numBlocks * stack + min(stack, 1)
      for id in first..<first + numBlocks {
        (x, p) = (normalCell(&g, x, p, width, id: "\(id)"), x)
      }
    }
    x = g.add(.activation(.relu), x)

    switch head {
    case .classifier(let classes, let activation):
      x = g.add(.globalAveragePooling(keepDimensions: false), x)
      return g.dense("predictions", x, units: classes, activation: activation)
    case .features(let pooling):
      return g.globalPooling(pooling, x)
    }
  }

  /// NASNet-A (6 @ 4032).
  package static let large = NASNet(
    penultimateFilters: 4032, numBlocks: 6, stemBlockFilters: 96, skipReduction: true)

  /// Whether it is this network, whoever computes it.
  private func hasSize(of other: NASNet) -> Bool {
    var other = other
    other.convention = convention
    return self == other
  }

  package var memberName: String? { hasSize(of: .large) ? "nasnetlarge" : nil }

  package var summary: String {
    let writer = convention == .timm ? "as timm" : nil
    if hasSize(of: .large) { return writer ?? "" }
    let standard = NASNet.mobile
    return [
      penultimateFilters == standard.penultimateFilters ? nil : "\(penultimateFilters) penultimate filters",
      numBlocks == standard.numBlocks ? nil : "\(numBlocks) blocks",
      stemBlockFilters == standard.stemBlockFilters ? nil : "\(stemBlockFilters) stem filters",
      skipReduction == standard.skipReduction ? nil : "skipping reductions",
      filterMultiplier == standard.filterMultiplier ? nil : "filter multiplier \(filterMultiplier)",
      writer,
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

// MARK: Cells

extension NASNet {
  private func normalCell(
    _ g: inout GraphBuilder, _ input: Value, _ previous: Value, _ filters: Int, id: String
  ) -> Value {
    let p = adjust(&g, previous, to: input, filters, id: id)
    let h = squeeze(&g, input, filters, convolution: "normal_conv_1_\(id)", norm: "normal_bn_1_\(id)")

    let left1 = separable(&g, h, filters, kernel: 5, id: "normal_left1_\(id)")
    let right1 = separable(&g, p, filters, kernel: 3, id: "normal_right1_\(id)")
    let x1 = g.add("normal_add_1_\(id)", .add, left1, right1)

    let left2 = separable(&g, p, filters, kernel: 5, id: "normal_left2_\(id)")
    let right2 = separable(&g, p, filters, kernel: 3, id: "normal_right2_\(id)")
    let x2 = g.add("normal_add_2_\(id)", .add, left2, right2)

    let left3 = g.averagePooling("normal_left3_\(id)", h, window: 3, stride: 1, padding: .same)
    let x3 = g.add("normal_add_3_\(id)", .add, left3, p)

    let left4 = g.averagePooling("normal_left4_\(id)", p, window: 3, stride: 1, padding: .same)
    let right4 = g.averagePooling("normal_right4_\(id)", p, window: 3, stride: 1, padding: .same)
    let x4 = g.add("normal_add_4_\(id)", .add, left4, right4)

    let left5 = separable(&g, h, filters, kernel: 3, id: "normal_left5_\(id)")
    let x5 = g.add("normal_add_5_\(id)", .add, left5, h)

    return g.add("normal_concat_\(id)", .concatenate, p, x1, x2, x3, x4, x5)
  }

  private func reductionCell(
    _ g: inout GraphBuilder, _ input: Value, _ previous: Value?, _ filters: Int, id: String
  ) -> Value {
    let p = previous.map { adjust(&g, $0, to: input, filters, id: id) } ?? input
    let h = squeeze(&g, input, filters, convolution: "reduction_conv_1_\(id)", norm: "reduction_bn_1_\(id)")
    let padded = g.add("reduction_pad_1_\(id)", .zeroPadding(g.stridePadding(h, window: 3)), h)

    let left1 = separable(&g, h, filters, kernel: 5, stride: 2, id: "reduction_left1_\(id)")
    let right1 = separable(&g, p, filters, kernel: 7, stride: 2, id: "reduction_right1_\(id)")
    let x1 = g.add("reduction_add_1_\(id)", .add, left1, right1)

    let left2 = maximum(&g, "reduction_left2_\(id)", of: h, padded)
    let right2 = separable(&g, p, filters, kernel: 7, stride: 2, id: "reduction_right2_\(id)")
    let x2 = g.add("reduction_add_2_\(id)", .add, left2, right2)

    let left3 = g.averagePooling("reduction_left3_\(id)", padded, window: 3, stride: 2, padding: .valid)
    let right3 = separable(&g, p, filters, kernel: 5, stride: 2, id: "reduction_right3_\(id)")
    let x3 = g.add("reduction_add3_\(id)", .add, left3, right3)

    let left4 = g.averagePooling("reduction_left4_\(id)", x1, window: 3, stride: 1, padding: .same)
    let x4 = g.add(.add, x2, left4)

    let left5 = separable(&g, x1, filters, kernel: 3, id: "reduction_left4_\(id)")
    let right5 = maximum(&g, "reduction_right5_\(id)", of: h, padded)
    let x5 = g.add("reduction_add4_\(id)", .add, left5, right5)

    return g.add("reduction_concat_\(id)", .concatenate, x2, x3, x4, x5)
  }

  /// The maximum of 3x3 pixels at every other pixel of `h`, which `padded` has zeros around.
  private func maximum(_ g: inout GraphBuilder, _ name: String, of h: Value, _ padded: Value) -> Value {
    convention == .keras
      ? g.maxPooling(name, padded, window: 3, stride: 2, padding: .valid)
      : g.maxPooling(name, h, window: 3, stride: 2, padding: .same)
  }

  /// ReLU, 1x1 convolution, batch normalization.
  private func squeeze(
    _ g: inout GraphBuilder, _ input: Value, _ filters: Int, convolution: String, norm: String
  ) -> Value {
    var x = g.add(.activation(.relu), input)
    x = g.convolution(convolution, x, filters: filters, kernel: 1, stride: 1, padding: .same, useBias: false)
    return g.batchNormalization(norm, x, epsilon: NASNet.epsilon)
  }

  /// Twice ReLU, separable convolution, batch normalization; the stride is on the first.
  private func separable(
    _ g: inout GraphBuilder, _ input: Value, _ filters: Int, kernel: Int, stride: Int = 1, id: String
  ) -> Value {
    func convolution(stride: Int, padding: Padding) -> Operation {
      .separableConvolution(
        SeparableConvolution(
          filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
          useBias: false))
    }
    var x = g.add(.activation(.relu), input)
    if stride > 1 {
      x = g.add("separable_conv_1_pad_\(id)", .zeroPadding(g.stridePadding(x, window: kernel)), x)
    }
    x = g.add(
      "separable_conv_1_\(id)", convolution(stride: stride, padding: stride > 1 ? .valid : .same), x)
    x = g.batchNormalization("separable_conv_1_bn_\(id)", x, epsilon: NASNet.epsilon)
    x = g.add(.activation(.relu), x)
    x = g.add("separable_conv_2_\(id)", convolution(stride: 1, padding: .same), x)
    return g.batchNormalization("separable_conv_2_bn_\(id)", x, epsilon: NASNet.epsilon)
  }

  /// Brings the output of the cell before last to the size and filters of the cell's input.
  private func adjust(
    _ g: inout GraphBuilder, _ previous: Value, to input: Value, _ filters: Int, id: String
  ) -> Value {
    guard let old = g.shape(of: previous), let new = g.shape(of: input) else { return previous }
    // Keras compares the widths alone.
    if old[1] != new[1] {
      let p = g.add("adjust_relu_1_\(id)", .activation(.relu), previous)
      var p1 = g.averagePooling("adjust_avg_pool_1_\(id)", p, window: 1, stride: 2, padding: .valid)
      p1 = g.convolution(
        "adjust_conv_1_\(id)", p1, filters: filters / 2, kernel: 1, stride: 1, padding: .same, useBias: false)
      // The second path is shifted by one pixel, so that both together see every other pixel.
      var p2 = g.add(.zeroPadding(Edges(top: 0, bottom: 1, left: 0, right: 1)), p)
      p2 = g.add(.cropping(Edges(top: 1, bottom: 0, left: 1, right: 0)), p2)
      p2 = g.averagePooling("adjust_avg_pool_2_\(id)", p2, window: 1, stride: 2, padding: .valid)
      p2 = g.convolution(
        "adjust_conv_2_\(id)", p2, filters: filters / 2, kernel: 1, stride: 1, padding: .same, useBias: false)
      let joined = g.add(.concatenate, p1, p2)
      return g.batchNormalization("adjust_bn_\(id)", joined, epsilon: NASNet.epsilon)
    }
    if old[2] != filters {
      return squeeze(
        &g, previous, filters, convolution: "adjust_conv_projection_\(id)", norm: "adjust_bn_\(id)")
    }
    return previous
  }
}
