import Testing
import ZooGraph
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

/// The gradients of every operation agree with central differences.
@Suite("gradients of operations") struct OperationGradientTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let operation: ZooGraph.Operation
    let shapes: [[Int]]
    var range: ClosedRange<Double> = -1.7...1.7
    var settings = ReferenceTraining.Settings()

    init(
      _ name: String, _ operation: ZooGraph.Operation, _ shapes: [Int]...,
      range: ClosedRange<Double> = -1.7...1.7, settings: ReferenceTraining.Settings = .init()
    ) {
      testDescription = name
      self.operation = operation
      self.shapes = shapes
      self.range = range
      self.settings = settings
    }
  }

  @Test(arguments: products + norms + activations + places + merges) func agreesWithDifferences(_ test: Case)
    throws
  {
    try GradientCheck(try Graph(test.operation, on: test.shapes), range: test.range, settings: test.settings)
      .compareEach()
  }

  // MARK: Products

  private static func conv(
    _ name: String, _ shape: [Int], _ filters: Int, _ kernel: Extent2D, strides: Extent2D = .one,
    _ padding: Padding, dilation: Extent2D = .one, groups: Int = 1, bias: Bool = true,
    _ activation: Activation = .linear
  ) -> Case {
    let c = Convolution(
      filters: filters, kernel: kernel, strides: strides, padding: padding, dilation: dilation,
      groups: groups,
      useBias: bias, activation: activation)
    return Case("convolution, \(name)", .convolution(c), shape)
  }

  private static func depthwise(
    _ name: String, _ shape: [Int], _ multiplier: Int, _ kernel: Extent2D, strides: Extent2D = .one,
    _ padding: Padding, dilation: Extent2D = .one, _ activation: Activation = .linear
  ) -> Case {
    let c = DepthwiseConvolution(
      multiplier: multiplier, kernel: kernel, strides: strides, padding: padding, dilation: dilation,
      useBias: activation != .linear, activation: activation)
    return Case("depthwise, \(name)", .depthwiseConvolution(c), shape)
  }

  private static let uneven = Padding.explicit(Edges(top: 1, bottom: 0, left: 2, right: 3))

  static let products: [Case] = [
    conv("same", [5, 4, 3], 4, Extent2D(3), .same),
    conv("uneven window and strides", [5, 6, 2], 3, Extent2D(3, 2), strides: Extent2D(2, 1), .valid, .relu),
    conv("same, stride 2, even", [6, 6, 2], 3, Extent2D(3), strides: Extent2D(2), .same),
    conv("same, stride 2, odd", [5, 7, 2], 3, Extent2D(3), strides: Extent2D(2), .same),
    conv("stride beyond the window", [7, 8, 2], 2, Extent2D(2), strides: Extent2D(3), .same),
    conv("explicit padding", [4, 3, 2], 3, Extent2D(3), strides: Extent2D(2), uneven, .tanh),
    conv("dilated", [6, 7, 2], 3, Extent2D(3), .same, dilation: Extent2D(2, 3)),
    conv("groups", [4, 5, 6], 4, Extent2D(2, 3), .same, dilation: Extent2D(1, 2), groups: 2, bias: false),
    conv("as many groups as channels", [4, 3, 3], 6, Extent2D(3), strides: Extent2D(2), .same, groups: 3),
    conv("1x1, strided", [4, 5, 3], 5, .one, strides: Extent2D(2), .valid),
    conv("1x1, many filters, softmax", [2, 3, 3], 19, .one, .valid, .softmax),
    conv("a window as large as the image", [3, 4, 2], 10, Extent2D(3, 4), .valid, .silu),
    depthwise("same", [5, 4, 3], 1, Extent2D(3), .same),
    depthwise("multiplied, strided", [5, 6, 2], 3, Extent2D(3, 2), strides: Extent2D(2), uneven, .relu6),
    depthwise("dilated", [6, 5, 2], 2, Extent2D(2, 3), .same, dilation: Extent2D(2), .sigmoid),
    Case(
      "separable",
      .separableConvolution(
        SeparableConvolution(
          filters: 4, multiplier: 2, kernel: Extent2D(3), strides: Extent2D(2), padding: .same, useBias: true,
          activation: .elu(alpha: 0.5))), [5, 6, 3]),
    Case(
      "separable, dilated",
      .separableConvolution(
        SeparableConvolution(
          filters: 3, kernel: Extent2D(2, 3), strides: .one, padding: uneven, dilation: Extent2D(2),
          useBias: false)), [4, 5, 2]),
    Case(
      "transposed",
      .transposedConvolution(
        TransposedConvolution(
          filters: 3, kernel: Extent2D(3, 2), strides: Extent2D(2, 3), offset: Extent2D(1, 0),
          size: Extent2D(7, 9), useBias: true, activation: .tanh)), [3, 4, 2]),
    Case(
      "transposed, dilated",
      .transposedConvolution(
        TransposedConvolution(
          filters: 2, kernel: Extent2D(2, 3), strides: Extent2D(1, 2), dilation: Extent2D(3, 2),
          offset: Extent2D(0, 2), size: Extent2D(6, 8), useBias: false)), [3, 4, 5]),
    Case("dense", .dense(Dense(units: 11, useBias: true)), [7]),
    Case("dense over maps", .dense(Dense(units: 4, useBias: false, activation: .mish)), [2, 3, 5]),
    Case("dense, softmax", .dense(Dense(units: 5, useBias: true, activation: .softmax)), [3, 4]),
  ]

  // MARK: Norms

  static let norms: [Case] = {
    var cases: [Case] = []
    var byBatch = ReferenceTraining.Settings()
    byBatch.batchStatistics["layer"] = BatchStatistics(momentum: 0.875)
    for (scale, center) in [(true, true), (true, false), (false, true), (false, false)] {
      let affine = "\(scale ? "gamma" : "no gamma"), \(center ? "beta" : "no beta")"
      let batch = BatchNormalization(epsilon: 1e-3, scale: scale, center: center)
      cases += [
        Case("batch norm, fixed, \(affine)", .batchNormalization(batch), [3, 2, 3]),
        Case(
          "batch norm, by the batch, \(affine)", .batchNormalization(batch), [3, 2, 3], settings: byBatch),
        Case(
          "channel affine, \(affine)", .channelAffine(ChannelAffine(scale: scale, center: center)), [2, 3]),
      ]
      for axes in 1...3 {
        let layer = LayerNormalization(axes: axes, epsilon: 1e-3, scale: scale, center: center)
        cases.append(Case("layer norm of \(axes) axes, \(affine)", .layerNormalization(layer), [2, 3, 4]))
      }
    }
    for inverted in [false, true] {
      for perChannel in [false, true] {
        let norm = Normalization(perChannel: perChannel, inverted: inverted, epsilon: 1e-7)
        cases.append(
          Case("normalization, \(perChannel), inverted \(inverted)", .normalization(norm), [2, 2, 3]))
      }
    }
    return cases + [
      Case("rescaling", .rescaling(Rescaling(scale: [0.25], offset: [-1])), [3, 2]),
      Case("rescaling of channels", .rescaling(Rescaling(scale: [2, -0.5, 3], offset: [1])), [2, 2, 3]),
      Case("layer scale", .layerScale, [2, 3, 4]),
    ]
  }()

  // MARK: Activations

  static let activations: [Case] = {
    let all: [Activation] = [
      .linear, .relu, .relu6, .relu(maxValue: 1.1, negativeSlope: 0.25, threshold: 0.5),
      .relu(maxValue: nil, negativeSlope: 0.2, threshold: 0), .elu(alpha: 1.3), .selu,
      .gelu(approximate: false),
      .gelu(approximate: true), .silu, .sigmoid, .hardSigmoid(slope: 0.2), .hardSigmoid(slope: 1.0 / 6),
      .hardSilu, .tanh, .softplus, .softsign, .exponential, .mish, .softmax,
    ]
    let positive: [Activation] = [.squareRoot, .logarithm, .reciprocal]
    return all.map { Case("\($0)", .activation($0), [3, 4, 5], range: -4...7.5) }
      + positive.map { Case("\($0)", .activation($0), [7], range: 0.5...3) }
      + [[], [0, 1], [1], [0, 1, 2]].map { Case("prelu, \($0)", .prelu(sharedAxes: $0), [2, 3, 4]) }
  }()

  // MARK: Places

  private static func pooling(_ window: Extent2D, _ strides: Extent2D, _ padding: Padding) -> Pooling {
    Pooling(window: window, strides: strides, padding: padding)
  }

  static let places: [Case] = {
    var cases: [Case] = []
    let poolings = [
      pooling(Extent2D(2), Extent2D(2), .valid), pooling(Extent2D(3), Extent2D(2), .same),
      pooling(Extent2D(2, 3), .one, .same), pooling(Extent2D(2), Extent2D(3), .valid),
      pooling(Extent2D(3), Extent2D(2), .explicit(Edges(top: 1, bottom: 2, left: 0, right: 1))),
    ]
    for (index, p) in poolings.enumerated() {
      cases.append(Case("max pooling \(index)", .maxPooling(p), [5, 6, 2]))
      cases.append(Case("average pooling \(index)", .averagePooling(p), [5, 6, 2]))
    }
    for keeps in [false, true] {
      cases.append(
        Case("global max pooling, \(keeps)", .globalMaxPooling(keepDimensions: keeps), [3, 4, 5]))
      cases.append(
        Case("global average pooling, \(keeps)", .globalAveragePooling(keepDimensions: keeps), [3, 4, 5]))
    }
    for interpolation in Resize.Interpolation.allCases {
      for (size, antialias) in [
        (Extent2D(7, 9), false), (Extent2D(2, 3), false), (Extent2D(3, 8), true), (Extent2D(4, 5), true),
      ] {
        let resize = Resize(size: size, interpolation: interpolation, antialias: antialias)
        let name = "resize, \(interpolation), \(size.height)x\(size.width)\(antialias ? ", antialiased" : "")"
        cases.append(Case(name, .resize(resize), [5, 6, 2]))
      }
    }
    return cases + [
      Case("zero padding", .zeroPadding(Edges(top: 1, bottom: 2, left: 3, right: 0)), [3, 2, 2]),
      Case("cropping", .cropping(Edges(top: 1, bottom: 0, left: 2, right: 1)), [4, 5, 2]),
      Case("flatten", .flatten, [2, 3, 2]),
      Case("reshape", .reshape(target: [4, 3]), [2, 3, 2]),
      Case("permute", .permute(order: [2, 0, 1]), [2, 3, 4]),
      Case("identity", .identity(layer: "Dropout"), [2, 3]),
    ]
  }()

  // MARK: Several inputs

  static let merges: [Case] = {
    var cases = Merge.allCases.flatMap { merge -> [Case] in
      let two = [
        Case("\(merge)", .merge(merge), [3, 2, 4], [3, 2, 4]),
        Case("\(merge), repeated", .merge(merge), [3, 2, 4], [1, 2, 1]),
        Case("\(merge), fewer axes first", .merge(merge), [4], [3, 2, 4]),
        Case("\(merge), both repeated", .merge(merge), [3, 1, 2], [2, 1]),
      ]
      return merge == .subtract
        ? two : two + [Case("\(merge) of three", .merge(merge), [3, 4], [3, 4], [1, 4])]
    }
    cases += [
      Case("concatenate maps", .concatenate, [2, 3, 2], [2, 3, 1], [2, 3, 4]),
      Case("concatenate vectors", .concatenate, [3], [2]),
    ]
    return cases
  }()

  /// No operation is left out: of those that compute something, each has a case.
  @Test func everyOperationHasACase() {
    let all = Self.products + Self.norms + Self.activations + Self.places + Self.merges
    #expect(Set(all.map(\.operation.kind)) == ZooGraph.Operation.kinds.subtracting(["input"]))
  }
}
