import Testing
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

/// The last layer of a chain that starts with an input of `shape`.
private func chain(_ shape: [Int], _ operations: Operation...) throws -> (graph: Graph, last: Node) {
  var layers = [Graph.Layer(name: "input", operation: .input(shape: shape), inputs: [])]
  for operation in operations {
    layers.append(
      Graph.Layer(name: "layer\(layers.count)", operation: operation, inputs: [layers.count - 1]))
  }
  let graph = try Graph(layers: layers, outputs: [layers.count - 1])
  return (graph, graph.nodes[layers.count - 1])
}

private func convolution(
  _ kernel: Int, stride: Int = 1, _ padding: Padding, dilation: Int = 1, groups: Int = 1
) -> Operation {
  .convolution(
    Convolution(
      filters: 8, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
      dilation: Extent2D(dilation), groups: groups, useBias: true))
}

@Suite struct ShapeInferenceTests {
  @Test func convolutions() throws {
    #expect(try chain([9, 8, 4], convolution(3, .valid)).last.shape == [7, 6, 8])
    #expect(try chain([9, 8, 4], convolution(3, stride: 2, .same)).last.shape == [5, 4, 8])
    #expect(try chain([9, 8, 4], convolution(3, .valid, dilation: 3)).last.shape == [3, 2, 8])
    let edges = Edges(top: 0, bottom: 1, left: 2, right: 3)
    #expect(try chain([9, 8, 4], convolution(3, stride: 2, .explicit(edges))).last.shape == [4, 6, 8])
    let grouped = try chain([9, 8, 4], convolution(3, .valid, groups: 2)).last
    #expect(grouped.weights.map(\.shape) == [[3, 3, 2, 8], [8]])
    #expect(grouped.weights.map(\.name) == ["layer1/kernel", "layer1/bias"])
  }

  @Test func depthwiseAndSeparable() throws {
    let depthwise = try chain(
      [9, 8, 4],
      .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: 2, kernel: Extent2D(3), strides: .one, padding: .valid, useBias: false)))
    #expect(depthwise.last.shape == [7, 6, 8])
    #expect(depthwise.last.weights.map(\.shape) == [[3, 3, 4, 2]])
    #expect(depthwise.graph.macs == 7 * 6 * 8 * 9)
    let separable = try chain(
      [9, 8, 4],
      .separableConvolution(
        SeparableConvolution(
          filters: 5, multiplier: 2, kernel: Extent2D(3), strides: .one, padding: .valid, useBias: true)))
    #expect(separable.last.shape == [7, 6, 5])
    #expect(separable.last.weights.map(\.shape) == [[3, 3, 4, 2], [1, 1, 8, 5], [5]])
    #expect(separable.graph.macs == 7 * 6 * 8 * (9 + 5))
  }

  @Test func costsOfConvolutionsAndDense() throws {
    #expect(
      try chain([9, 8, 4], convolution(3, .valid, groups: 2)).graph.macs == 7 * 6 * 8 * 9 * 2)
    let dense = try chain([6], .dense(Dense(units: 5, useBias: true)))
    #expect(dense.graph.macs == 30)
    #expect(dense.graph.parameterCount == 35)
  }

  @Test func statisticsAreNotTrained() throws {
    let (graph, last) = try chain([5, 5, 3], .batchNormalization(BatchNormalization(epsilon: 1e-3)))
    #expect(last.weights.map(\.role) == [.gamma, .beta, .movingMean, .movingVariance])
    #expect((graph.parameterCount, graph.trainableParameterCount) == (12, 6))
  }

  @Test func shapesOfTheRest() throws {
    let pool = Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .same)
    #expect(try chain([5, 4, 3], .maxPooling(pool)).last.shape == [3, 2, 3])
    #expect(try chain([5, 4, 3], .globalAveragePooling(keepDimensions: true)).last.shape == [1, 1, 3])
    #expect(try chain([5, 4, 3], .globalMaxPooling(keepDimensions: false)).last.shape == [3])
    let edges = Edges(top: 1, bottom: 0, left: 2, right: 1)
    #expect(try chain([5, 4, 3], .zeroPadding(edges)).last.shape == [6, 7, 3])
    #expect(try chain([5, 4, 3], .cropping(edges)).last.shape == [4, 1, 3])
    #expect(try chain([5, 4, 3], .flatten).last.shape == [60])
    #expect(try chain([5, 4, 3], .reshape(target: [20, 3])).last.shape == [20, 3])
    #expect(try chain([5, 4, 3], .identity(layer: "Dropout")).last.shape == [5, 4, 3])
  }

  /// TensorFlow's rule, for every small size: ceil(size / stride) outputs, the odd pixel behind.
  @Test func samePadding() {
    for size in 1...12 {
      for window in 1...5 {
        for stride in 1...3 {
          let edges = Padding.same.edges(
            height: size, width: size, window: Extent2D(window), strides: Extent2D(stride), dilation: .one)
          let outputs = (size + stride - 1) / stride
          let needed = max(0, (outputs - 1) * stride + window - size)
          #expect(edges.top + edges.bottom == needed)
          #expect(edges.bottom - edges.top == needed % 2)
          #expect((edges.left, edges.right) == (edges.top, edges.bottom))
        }
      }
    }
  }
}

@Suite struct HeadTests {
  private let image = [5, 4, 3]
  private let pooled = Operation.globalAveragePooling(keepDimensions: false)
  private let softmax = Operation.dense(Dense(units: 7, useBias: true, activation: .softmax))

  @Test func classesAreWhatASoftmaxCounts() throws {
    #expect(try chain(image, pooled, softmax).graph.classCount == 7)
    #expect(try chain(image, pooled, softmax, .identity(layer: "Dropout")).graph.classCount == 7)
    #expect(try chain([1, 1, 3], .activation(.softmax), .flatten).graph.classCount == 3)
    #expect(try chain(image, pooled).graph.classCount == nil)
    #expect(try chain(image, .activation(.softmax)).graph.classCount == nil)
    #expect(try chain(image, pooled, softmax, .activation(.relu)).graph.classCount == nil)
  }

  @Test func theLastActivationSaysWhatValuesAre() throws {
    func kind(_ shape: [Int], _ operations: Operation...) throws -> OutputKind? {
      var layers = [Graph.Layer(name: "input", operation: .input(shape: shape), inputs: [])]
      for operation in operations {
        layers.append(
          Graph.Layer(name: "layer\(layers.count)", operation: operation, inputs: [layers.count - 1]))
      }
      return try Graph(layers: layers, outputs: [layers.count - 1]).outputKind
    }
    func dense(_ units: Int, _ activation: Activation = .linear) -> Operation {
      .dense(Dense(units: units, useBias: true, activation: activation))
    }
    #expect(try kind(image, pooled, softmax) == .classes)
    #expect(try kind(image, pooled, dense(1, .sigmoid)) == .twoClasses)
    #expect(try kind(image, pooled, dense(1), .activation(.hardSigmoid(slope: 0.2))) == .twoClasses)
    #expect(try kind(image, pooled, dense(3, .sigmoid), .identity(layer: "Dropout")) == .independent)
    #expect(try kind(image, pooled, dense(3)) == .values)
    #expect(try kind(image, pooled, dense(1)) == .values)
    #expect(try kind(image, pooled, dense(3, .tanh)) == .values)
    #expect(try kind(image, pooled, softmax, .activation(.linear)) == .classes)
    #expect(try kind(image, .activation(.softmax), pooled) == .classes)
    #expect(try kind(image, .activation(.softmax), .flatten) == .independent)
    #expect(try kind(image) == nil)
  }

  @Test func averagedAndJoinedHeads() throws {
    func kind(_ merge: Operation, _ activations: Activation..., units: Int) throws -> OutputKind? {
      var layers = [Graph.Layer(name: "input", operation: .input(shape: [6]), inputs: [])]
      for activation in activations {
        let dense = Dense(units: units, useBias: true, activation: activation)
        layers.append(Graph.Layer(name: "head\(layers.count)", operation: .dense(dense), inputs: [0]))
      }
      layers.append(Graph.Layer(name: "joined", operation: merge, inputs: Array(1..<layers.count)))
      return try Graph(layers: layers, outputs: [layers.count - 1]).outputKind
    }
    #expect(try kind(.merge(.average), .softmax, .softmax, units: 4) == .classes)
    #expect(try kind(.merge(.average), .sigmoid, .sigmoid, units: 1) == .twoClasses)
    #expect(try kind(.merge(.average), .softmax, .linear, units: 4) == .values)
    #expect(try kind(.merge(.add), .softmax, .softmax, units: 4) == .values)
    #expect(try kind(.concatenate, .sigmoid, .sigmoid, units: 1) == .independent)
  }

  @Test func labelsAreOneForEachClass() throws {
    let sigmoid = Operation.dense(Dense(units: 1, useBias: true, activation: .sigmoid))
    let two = try chain(image, pooled, sigmoid).graph
    #expect(two.classCount == 2)
    #expect((0...3).filter(two.takes(labelCount:)) == [1, 2])
    let logits = try chain(image, pooled, .dense(Dense(units: 5, useBias: true))).graph
    #expect(logits.classCount == nil)
    #expect((0...9).filter(logits.takes(labelCount:)) == [5])
    #expect(!(try chain(image).graph.takes(labelCount: 3)))
  }

  @Test func topFeaturesGoIntoTheLastGlobalPooling() throws {
    let edges = Edges(top: 1, bottom: 0, left: 0, right: 0)
    let graph = try chain(image, .zeroPadding(edges), pooled, softmax).graph
    #expect(graph[graph.topFeatures].shape == [6, 4, 3])
    let vector = try chain([6], softmax)
    #expect(vector.graph[vector.graph.topFeatures] == vector.last)
    let whole = Pooling(window: Extent2D(5, 4), strides: Extent2D(1), padding: .valid)
    func top(_ shape: [Int], _ operations: Operation...) throws -> String {
      var layers = [Graph.Layer(name: "input", operation: .input(shape: shape), inputs: [])]
      for operation in operations {
        layers.append(
          Graph.Layer(name: "layer\(layers.count)", operation: operation, inputs: [layers.count - 1]))
      }
      let graph = try Graph(layers: layers, outputs: [layers.count - 1])
      return graph[graph.topFeatures].name
    }
    // A last map of one pixel, with each kind of head.
    let last = convolution(3, stride: 9, .same)
    let one = convolution(1, .same)
    #expect(try top(image, last, .activation(.relu), pooled, softmax) == "layer2")
    #expect(try top(image, last, pooled, .reshape(target: [1, 1, 8]), one, .flatten) == "layer1")
    #expect(try top(image, last, .flatten, softmax, softmax) == "layer1")
    #expect(try top(image, one, last) == "layer2")
    #expect(try top(image, one, .averagePooling(whole), .flatten, softmax) == "layer1")
    #expect(try top(image, one, .maxPooling(whole), .flatten, softmax) == "layer2")
  }

  @Test func networksThatScalePixelsThemselves() throws {
    let scale = Operation.rescaling(Rescaling(scale: [1 / 255.0], offset: [0]))
    let nothing = Operation.rescaling(Rescaling(scale: [1], offset: [0]))
    let edges = Edges(top: 1, bottom: 0, left: 0, right: 0)
    #expect(try chain(image, scale, pooled).graph.scalesPixels)
    #expect(
      try chain(image, .identity(layer: "RandomFlip"), .zeroPadding(edges), scale, pooled).graph.scalesPixels)
    #expect(!(try chain(image, nothing, pooled).graph.scalesPixels))
    #expect(!(try chain(image, convolution(1, .same), scale).graph.scalesPixels))
    #expect(!(try chain([6], scale).graph.scalesPixels))
    #expect(
      try chain([5, 4, 1], pooled).graph.takesPictures && !chain([5, 4, 2], pooled).graph.takesPictures)
  }
}

@Suite struct InvalidGraphTests {
  private func layer(_ name: String, _ operation: Operation, _ inputs: Int...) -> Graph.Layer {
    Graph.Layer(name: name, operation: operation, inputs: inputs)
  }

  private let input = Graph.Layer(name: "input", operation: .input(shape: [4, 4, 2]), inputs: [])

  @Test func structure() {
    for (layers, outputs) in [
      ([], [0]), ([input], []), ([input], [1]), ([input], [-1]), ([input, input], [0]),
      ([layer("a", .flatten, 0)], [0]), ([input, layer("a", .flatten, 1)], [1]),
      ([input, layer("a", .flatten, -1)], [1]), ([input, layer("", .flatten, 0)], [1]),
      ([input, layer("a", .flatten)], [1]), ([input, layer("a", .flatten, 0, 0)], [1]),
      ([input, layer("a", .add, 0)], [1]), ([input, layer("a", .input(shape: [1]), 0)], [1]),
      ([input, layer("a", .flatten, 0), layer("b", .add, 0, 1)], [2]),
      ([input, layer("a", .flatten, 0), layer("b", .concatenate, 0, 1)], [2]),
    ] {
      #expect(errorCode { try Graph(layers: layers, outputs: outputs) } == .invalidNetwork)
    }
  }

  @Test(arguments: [
    [], [0], [4, 4, 0], [-1, 4, 4], [1 << 31, 1, 1], [1 << 20, 1 << 20, 2], [Int.max, Int.max, 3],
  ])
  func inputs(shape: [Int]) {
    guard !shape.isEmpty else { return }
    #expect(errorCode { try chain(shape) } == .invalidNetwork)
  }

  /// What no arithmetic may trap on.
  @Test func extremes() {
    let extremes = [Int.min, -1, 0, 1 << 20, 1 << 30, Int.max]
    for a in extremes {
      let operations: [Operation] = [
        .dense(Dense(units: a, useBias: true)), .reshape(target: [a, a]), .reshape(target: [32, a]),
        .zeroPadding(Edges(all: a)), .cropping(Edges(all: a)),
        .maxPooling(Pooling(window: Extent2D(a), strides: Extent2D(a), padding: .same)),
      ]
      for operation in operations { _ = try? chain([4, 4, 2], operation) }
      for b in extremes {
        for padding in [Padding.same, .valid, .explicit(Edges(all: a)), .explicit(Edges(all: b))] {
          let kernel = Extent2D(a, b)
          for shape in [[4, 4, 2], [1 << 20, 1 << 19, 2], [1, 1, 1 << 30]] {
            let all: [Operation] = [
              .convolution(
                Convolution(
                  filters: a, kernel: kernel, strides: Extent2D(b), padding: padding,
                  dilation: Extent2D(a), groups: b, useBias: true)),
              .convolution(
                Convolution(
                  filters: b, kernel: kernel, strides: .one, padding: padding, groups: 1, useBias: true)),
              .depthwiseConvolution(
                DepthwiseConvolution(
                  multiplier: b, kernel: kernel, strides: .one, padding: padding, useBias: true)),
              .separableConvolution(
                SeparableConvolution(
                  filters: a, multiplier: b, kernel: kernel, strides: .one, padding: padding, useBias: true)),
            ]
            for operation in all {
              if let graph = try? chain(shape, operation).graph {
                #expect(graph.macs >= 0 && graph.parameterCount >= 0)
              }
            }
          }
        }
      }
    }
  }

  @Test func weightsThatAreTooLargeAreNamed() {
    let error = #expect(throws: ZooError.self) {
      try chain(
        [1, 1, 1 << 30],
        .convolution(
          Convolution(filters: 1 << 30, kernel: .one, strides: .one, padding: .same, useBias: false)))
    }
    #expect(
      error?.location == "layer 'layer1'" && error?.code == .invalidNetwork
        && error?.why.contains("kernel") == true)
  }
}
