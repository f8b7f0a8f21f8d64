import Testing
import ZooGraph
import ZooSystem
import ZooTestSupport

/// Every kind of operation, with every payload that is coded differently.
let everyOperation: [Operation] = {
  let window = (kernel: Extent2D(3, 2), strides: Extent2D(2, 1), dilation: Extent2D(1, 2))
  let edges = Edges(top: 1, bottom: 2, left: 3, right: 4)
  let activations: [Activation] = [
    .linear, .relu, .relu6, .sigmoid, .tanh, .softmax,
    .relu(maxValue: 1.5, negativeSlope: 0.25, threshold: 0.125), .elu(alpha: 0.5), .selu,
    .gelu(approximate: true), .gelu(approximate: false), .silu, .hardSigmoid(slope: 0.2), .hardSilu,
    .softplus, .softsign, .exponential, .mish, .squareRoot, .logarithm,
    .reciprocal,
  ]
  var all: [Operation] = [
    .input(shape: [7, 6, 3]),
    .batchNormalization(BatchNormalization(epsilon: 1.001e-5)),
    .batchNormalization(BatchNormalization(epsilon: 1e-3, scale: false, center: false)),
    .globalAveragePooling(keepDimensions: true), .globalMaxPooling(keepDimensions: false),
    .zeroPadding(edges), .cropping(edges), .add, .concatenate, .flatten, .reshape(target: [1, 1, 9]),
    .identity(layer: "Dropout"), .permute(order: [2, 0, 1]), .layerScale,
    .channelAffine(ChannelAffine(scale: true, center: false)),
    .channelAffine(ChannelAffine(scale: false, center: true)),
    .layerNormalization(LayerNormalization(axes: 2, epsilon: 1e-6, scale: false)),
    .normalization(Normalization(perChannel: true, inverted: false, epsilon: 1e-7)),
    .rescaling(Rescaling(scale: [0.5], offset: [1, -1, 0.25])),
    .prelu(sharedAxes: []), .prelu(sharedAxes: [0, 1]),
    .transposedConvolution(
      TransposedConvolution(
        filters: 4, kernel: window.kernel, strides: window.strides, dilation: window.dilation,
        offset: Extent2D(0, 1), size: Extent2D(12, 13), useBias: true, activation: .elu(alpha: 1))),
  ]
  for merge in Merge.allCases { all.append(.merge(merge)) }
  for interpolation in Resize.Interpolation.allCases {
    all.append(.resize(Resize(size: Extent2D(4, 5), interpolation: interpolation)))
    all.append(.resize(Resize(size: Extent2D(4, 5), interpolation: interpolation, antialias: true)))
  }
  for activation in activations {
    all.append(.activation(activation))
    all.append(.dense(Dense(units: 5, useBias: false, activation: activation)))
  }
  for padding in [Padding.valid, .same, .explicit(edges)] {
    all += [
      .convolution(
        Convolution(
          filters: 8, kernel: window.kernel, strides: window.strides, padding: padding,
          dilation: window.dilation, groups: 2, useBias: true, activation: .relu6)),
      .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: 2, kernel: window.kernel, strides: window.strides, padding: padding,
          dilation: window.dilation, useBias: false)),
      .separableConvolution(
        SeparableConvolution(
          filters: 8, multiplier: 3, kernel: window.kernel, strides: window.strides, padding: padding,
          dilation: window.dilation, useBias: true)),
      .maxPooling(Pooling(window: window.kernel, strides: window.strides, padding: padding)),
      .averagePooling(Pooling(window: window.kernel, strides: window.strides, padding: padding)),
    ]
  }
  return all
}()

@Suite struct OperationCodingTests {
  @Test(arguments: everyOperation)
  func comesBackTheSame(operation: Operation) throws {
    let decoded = try Operation(kind: operation.kind, attributes: operation.attributes.reversed(), layer: "a")
    #expect(decoded == operation)
    #expect(Operation.kinds.contains(operation.kind))
  }

  @Test func everyKindIsTested() {
    #expect(Set(everyOperation.map(\.kind)) == Operation.kinds)
  }

  /// An operation never has weights if its kind is said to have none.
  @Test func onlyKindsWithWeightsHaveThem() throws {
    var weighted: Set<String> = []
    for operation in everyOperation {
      for inputs in [[], [0], [0, 0]] {
        var layers = [Graph.Layer(name: "input", operation: .input(shape: [17, 16, 4]), inputs: [])]
        layers.append(Graph.Layer(name: "layer", operation: operation, inputs: inputs))
        guard let node = try? Graph(layers: layers, outputs: [1]).nodes[1] else { continue }
        #expect(node.weights.isEmpty || operation.hasWeights)
        if !node.weights.isEmpty { weighted.insert(operation.kind) }
      }
    }
    #expect(weighted == Set(everyOperation.filter(\.hasWeights).map(\.kind)))
  }

  @Test(arguments: everyOperation)
  func noAttributeIsOptional(operation: Operation) {
    let optional = ["max_value", "antialias"]
    for (index, attribute) in operation.attributes.enumerated() where !optional.contains(attribute.0) {
      var rest = operation.attributes
      rest.remove(at: index)
      let error = #expect(throws: ZooError.self) {
        try Operation(kind: operation.kind, attributes: rest, layer: "here")
      }
      #expect(
        error?.location == "layer 'here'" && error?.code == .invalidNetwork
          && error?.why.contains(attribute.0) == true)
    }
  }

  @Test(arguments: everyOperation)
  func noAttributeIsTooMuch(operation: Operation) {
    for extra in [operation.attributes.first, ("colour", .int(1))] {
      guard let extra else { continue }
      #expect(
        errorCode {
          try Operation(kind: operation.kind, attributes: operation.attributes + [extra], layer: "here")
        } == .invalidNetwork)
    }
  }

  @Test(arguments: everyOperation)
  func everyTypeIsChecked(operation: Operation) {
    let wrong: [AttributeValue] = [
      .int(1), .double(1), .double(.nan), .bool(true), .string("sideways"), .ints([1]), .ints([1, 2, 3]),
      .doubles([1]), .doubles([.nan]),
    ]
    for index in operation.attributes.indices {
      var refused = 0
      for value in wrong {
        var attributes = operation.attributes
        attributes[index].1 = value
        if (try? Operation(kind: operation.kind, attributes: attributes, layer: "here")) == nil {
          refused += 1
        }
      }
      #expect(refused >= wrong.count - 2)
    }
  }

  @Test func unknownKindNamesTheLayer() {
    let error = #expect(throws: ZooError.self) {
      try Operation(kind: "warp", attributes: [], layer: "here")
    }
    #expect(error?.description == "invalid network in layer 'here': its kind 'warp' is unknown")
  }
}
