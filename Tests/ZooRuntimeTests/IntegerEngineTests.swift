import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Networks on codes of 8 bits: the same values, bit for bit, as plain loops, on every instruction set and for any
/// number of threads.
@Suite struct IntegerEngineTests {
  /// Layers on top of what is there.
  struct Net {
    var g = GraphBuilder()
    var count = 0

    mutating func callAsFunction(_ operation: ZooGraph.Operation, _ inputs: Value...) -> Value {
      count += 1
      return g.add("l\(count)", operation, inputs)
    }

    mutating func conv(
      _ x: Value, _ filters: Int, kernel: Int = 1, stride: Int = 1, groups: Int = 1, bias: Bool = false,
      padding: Padding = .same, dilation: Int = 1, activation: Activation = .linear
    ) -> Value {
      self(
        .convolution(
          Convolution(
            filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
            dilation: Extent2D(dilation), groups: groups, useBias: bias, activation: activation)), x)
    }

    mutating func depthwise(
      _ x: Value, kernel: Int = 3, stride: Int = 1, padding: Padding = .same, dilation: Int = 1
    ) -> Value {
      self(
        .depthwiseConvolution(
          DepthwiseConvolution(
            kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
            dilation: Extent2D(dilation), useBias: true)), x)
    }

    mutating func norm(_ x: Value) -> Value {
      self(.batchNormalization(BatchNormalization(epsilon: 1e-3)), x)
    }
    mutating func relu(_ x: Value, _ most: Double? = nil) -> Value {
      self(.activation(.relu(maxValue: most, negativeSlope: 0, threshold: 0)), x)
    }
  }

  /// Runs a graph with random weights and compares every value that is in memory with the reference's.
  private func expectSame(
    _ graph: Graph, seed: UInt64, floatLayers: Set<Value> = [], integerLayers: ClosedRange<Int>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let weights = DictionaryWeights(randomFor: graph, seed: seed)
    let inputs = randomInputs(graph, batch: 2, seed: seed &+ 1)
    let ranges = try IntegerForm.measuredRanges(
      of: graph, weights: weights, on: inputs, perChannel: true)
    let form = IntegerForm(ranges: ranges, floatLayers: floatLayers)
    let reference = try IntegerReference(graph: graph, form: form, weights: weights)
    #expect(integerLayers.contains(reference.layers.count), sourceLocation: sourceLocation)
    let values = try reference.run(inputs.map { ReferenceTensor($0, example: 0) }).keys
    for taps in [[], Array(values)] {
      try expectSame(graph, weights, form, inputs, taps: taps, sourceLocation: sourceLocation)
    }
  }

  func expectSame(
    _ graph: Graph, _ weights: DictionaryWeights, _ form: IntegerForm, _ inputs: [Tensor], taps: [Value],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let reference = try IntegerReference(graph: graph, form: form, weights: weights, taps: taps)
    // What is computed on floats may differ in its last bits.
    let exact = Set(reference.layers.values.map { Value(index: $0.result) } + graph.inputs)
    let truth = try (0..<2).map { example in
      try reference.run(inputs.map { ReferenceTensor($0, example: example) })
    }
    for kernels in Engine.availableKernels {
      for threads in [1, 3] {
        let options = PlanOptions(
          threads: threads, taps: taps, kernels: kernels, packing: threads == 1 ? .ahead : .streamed,
          integers: form)
        let session = try Engine(graph: graph, weights: weights, options: options).makeSession()
        _ = try session.run(inputs)
        let found = try session.runAll(inputs)
        for tap in taps { #expect(found[tap] != nil, "\(graph[tap].name)", sourceLocation: sourceLocation) }
        for (value, tensor) in found {
          for example in 0..<2 {
            guard let expected = truth[example][value] else { continue }
            let what = "\(kernels), \(threads) threads, \(graph[value].name)"
            guard exact.contains(value) else {
              expectClose(tensor, example: example, expected, what, sourceLocation: sourceLocation)
              continue
            }
            let ours = tensor[example: example]
            let others = zip(ours.values, expected.values).count { $0 != Float($1) }
            #expect(others == 0, "\(what)", sourceLocation: sourceLocation)
          }
        }
      }
    }
  }

  @Test(arguments: [5, 16]) func residualNetwork(side: Int) throws {
    var n = Net()
    let x = n(.input(shape: [side, side, 3]))
    let padded = n(.zeroPadding(Edges(all: 3)), x)
    let stem = n.relu(n.norm(n.conv(padded, 20, kernel: 7, stride: 2, bias: true, padding: .valid)))
    let pool = n(
      .maxPooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .valid)),
      n(.zeroPadding(Edges(all: 1)), stem))
    let shortcut = n.norm(n.conv(pool, 40, bias: true))
    let a = n.relu(n.norm(n.conv(pool, 16)))
    let b = n.relu(n.norm(n.conv(a, 16, kernel: 3)))
    let y = n.relu(n(.add, shortcut, n.norm(n.conv(b, 40))))
    let z = n.relu(n(.add, n.norm(n.conv(n.relu(n.conv(y, 24)), 40, kernel: 3)), y))
    let mean = n(.globalAveragePooling(keepDimensions: false), z)
    let logits = n(.dense(Dense(units: 10, useBias: true)), mean)
    try expectSame(try n.g.build(outputs: [logits]), seed: 1, integerLayers: 12...14)
  }

  /// Windows that Winograd's algorithm serves where an instruction set multiplies words, unless images are small.
  @Test(arguments: [5, 14]) func windowsOfThree(side: Int) throws {
    var n = Net()
    let x = n(.input(shape: [side, side + 2, 18]))
    let a = n.relu(n.norm(n.conv(x, 40, kernel: 3, bias: true)))
    let b = n.conv(a, 24, kernel: 3, padding: .valid)
    let c = n.relu(n(.add, n.norm(n.conv(b, 24, kernel: 3)), b))
    let d = n.conv(n.conv(c, 48), 20, kernel: 3)
    let e = n.conv(n(.concatenate, d, c), 9)
    let graph = try n.g.build(outputs: [e])
    try expectSame(graph, seed: 14, integerLayers: 7...8)
    let weights = DictionaryWeights(randomFor: graph, seed: 14)
    let ranges = try IntegerForm.measuredRanges(
      of: graph, weights: weights, on: randomInputs(graph, seed: 15), perChannel: false)
    for kernels in Engine.availableKernels {
      let engine = try Engine(
        graph: graph, weights: weights,
        options: PlanOptions(kernels: kernels, integers: IntegerForm(ranges: ranges)))
      let found = engine.steps.map(\.kernel).filter { $0.hasPrefix("8-bit Winograd") }
      #expect(found.count == (kernels == "avx2" && side == 14 ? 4 : 0), "\(kernels): \(found)")
      #expect(found.isEmpty || found.contains("8-bit Winograd 4x4"))
    }
  }

  @Test func mobileNetwork() throws {
    var n = Net()
    let x = n(.input(shape: [33, 33, 3]))
    var y = n.relu(n.norm(n.conv(x, 8, kernel: 3, stride: 2)), 6)
    for (index, filters) in [24, 48, 72].enumerated() {
      let padded = n(.zeroPadding(Edges(top: 0, bottom: 1, left: 0, right: 1)), y)
      let inner =
        index == 0
        ? n.depthwise(padded, stride: 2, padding: .valid)
        : n.depthwise(y, kernel: index == 1 ? 5 : 7, stride: index)
      y = n.relu(n.norm(n.conv(n.relu(n.norm(inner), 6), filters)), 6)
    }
    let mean = n(.globalAveragePooling(keepDimensions: true), y)
    let logits = n(.reshape(target: [5]), n.conv(mean, 5, bias: true))
    try expectSame(try n.g.build(outputs: [logits]), seed: 2, integerLayers: 9...12)
  }

  /// A sum whose terms others read too, in codes and in floats.
  @Test func sumsOfManyReaders() throws {
    var n = Net()
    let x = n(.input(shape: [7, 9, 16]))
    let a = n.conv(x, 16)
    let b = n.depthwise(x)
    let sum = n(.add, a, b)
    let c = n.conv(sum, 20, kernel: 3)
    let d = n(.activation(.sigmoid), sum)
    let e = n.conv(n(.add, a, sum), 20)
    let pooled = n(
      .averagePooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .same)), n(.add, c, e))
    let f = n.conv(pooled, 8)
    let g = n.conv(f, 4)
    try expectSame(try n.g.build(outputs: [g, b, d]), seed: 3, integerLayers: 9...11)
  }

  @Test func groupsAndDilation() throws {
    var n = Net()
    let x = n(.input(shape: [9, 8, 12]))
    let a = n.conv(x, 18, kernel: 3, groups: 3, bias: true, dilation: 2)
    let b = n.depthwise(n.relu(a), dilation: 2)
    let c = n.conv(b, 18, kernel: 2, stride: 2, groups: 18)
    let d = n(
      .flatten, n(.maxPooling(Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .valid)), c))
    let e = n(.dense(Dense(units: 30, useBias: true, activation: .relu)), d)
    let f = n(.dense(Dense(units: 7, useBias: false)), e)
    try expectSame(try n.g.build(outputs: [f]), seed: 4, integerLayers: 6...7)
  }

  /// Parts of concatenations that are read rectified, by others too, twice, and that are views of others.
  @Test func concatenations() throws {
    var n = Net()
    let x = n(.input(shape: [8, 9, 12]))
    let a = n.conv(x, 10, kernel: 3)
    let b = n.conv(x, 22)
    let whole = n(.concatenate, a, b)
    let c = n.conv(n(.activation(.relu), whole), 12)
    let d = n.depthwise(n(.activation(.relu), whole), kernel: 5)
    let pool = n(.maxPooling(Pooling(window: Extent2D(3), strides: .one, padding: .same)), c)
    let next = n(.concatenate, c, pool, n(.add, c, pool))
    let e = n.conv(n.relu(n.norm(next), 2), 16)
    let f = n.conv(n(.activation(.relu), n(.concatenate, d, e)), 6)
    let g = n.conv(n(.activation(.relu), e), 6)
    try expectSame(try n.g.build(outputs: [f, g]), seed: 9, integerLayers: 15...18)
  }

  /// A ReLU behind pooling cuts off what the convolution in front of that computes.
  @Test func rectifiersBehindPooling() throws {
    var n = Net()
    let x = n(.input(shape: [8, 8, 12]))
    let pool = n(
      .maxPooling(Pooling(window: Extent2D(2), strides: Extent2D(2), padding: .valid)), n.conv(x, 24))
    let a = n.relu(n(.zeroPadding(Edges(all: 1)), pool))
    let b = n.conv(a, 10, bias: true)
    let graph = try n.g.build(outputs: [b])
    try expectSame(graph, seed: 12, integerLayers: 4...5)
    let weights = DictionaryWeights(randomFor: graph, seed: 12)
    let inputs = randomInputs(graph, seed: 13)
    let ranges = try IntegerForm.measuredRanges(of: graph, weights: weights, on: inputs, perChannel: false)
    let plain = try ReferenceEngine(graph: graph, weights: weights).run([
      ReferenceTensor(inputs[0], example: 0)
    ])
    let found = try Engine(
      graph: graph, weights: weights, options: PlanOptions(integers: IntegerForm(ranges: ranges))
    ).makeSession().run(inputs)[0]
    expectClose(found, example: 0, try #require(plain[b]), tolerance: 0.05, "8 bits")
  }

  /// What lies between the halves of separable convolutions is in codes too.
  @Test func separableConvolutions() throws {
    var n = Net()
    let x = n(.input(shape: [11, 11, 16]))
    func separable(_ filters: Int, _ stride: Int) -> ZooGraph.Operation {
      .separableConvolution(
        SeparableConvolution(
          filters: filters, kernel: Extent2D(5), strides: Extent2D(stride), padding: .same, useBias: true,
          activation: .relu))
    }
    let a = n(separable(24, 2), x)
    let b = n(separable(24, 1), n.relu(n.norm(a)))
    let y = n.relu(n.conv(b, 8))
    let graph = try n.g.build(outputs: [y])
    let split = try SplitGraph(graph)
    let weights = DictionaryWeights(randomFor: graph, seed: 10)
    let inputs = randomInputs(graph, seed: 11)
    let plain = try Engine(graph: graph, weights: weights, options: PlanOptions()).makeSession().run(inputs)[
      0]
    let halves = split.weights(from: weights)
    let same = try Engine(graph: split.graph, weights: halves, options: PlanOptions()).makeSession().run(
      inputs)[0]
    let truth = plain.values.map(Double.init)
    let expected = ReferenceTensor(shape: graph[graph.outputs[0]].shape, values: truth)
    expectClose(same, example: 0, expected, "in halves")
    let form = IntegerForm(
      ranges: try IntegerForm.measuredRanges(of: split.graph, weights: halves, on: inputs, perChannel: true))
    let reference = try IntegerReference(graph: split.graph, form: form, weights: halves)
    let codes = try reference.run([ReferenceTensor(inputs[0], example: 0)])
    #expect(reference.layers.count == 6)
    let found = try Engine(graph: split.graph, weights: halves, options: PlanOptions(integers: form))
      .makeSession().run(inputs)[0]
    #expect(found.values == codes[split.graph.outputs[0]]?.values.map { Float($0) })
    expectClose(found, example: 0, expected, tolerance: 0.05, "8 bits")
  }

  /// The weights of the last layers are those of a classifier, with what is left in floats.
  @Test func floatsAtTheEnd() throws {
    var n = Net()
    let x = n(.input(shape: [6, 6, 8]))
    let a = n.relu(n.conv(x, 32, kernel: 3))
    let b = n.conv(a, 40, activation: .silu)
    let c = n(.globalMaxPooling(keepDimensions: false), b)
    let d = n(.dense(Dense(units: 9, useBias: true, activation: .softmax)), c)
    let graph = try n.g.build(outputs: [d])
    let weights = DictionaryWeights(randomFor: graph, seed: 5)
    let inputs = randomInputs(graph, seed: 6)
    let form = IntegerForm(
      ranges: try IntegerForm.measuredRanges(of: graph, weights: weights, on: inputs, perChannel: false))
    let truth = try IntegerReference(graph: graph, form: form, weights: weights)
      .run(inputs.map { ReferenceTensor($0, example: 0) })
    let engine = try Engine(
      graph: graph, weights: weights, options: PlanOptions(integers: form))
    let found = try engine.makeSession().run(inputs)[0]
    let expected = try #require(truth[graph.outputs[0]])
    expectClose(found, example: 0, expected, tolerance: 2e-3, "softmax")
  }

  /// Layers that are to stay in floats do, and give what they give without any codes.
  @Test func floatLayersStayFloats() throws {
    var n = Net()
    let x = n(.input(shape: [6, 6, 8]))
    let a = n.conv(x, 16, kernel: 3)
    let b = n.conv(n.relu(a), 16)
    let graph = try n.g.build(outputs: [b])
    let weights = DictionaryWeights(randomFor: graph, seed: 7)
    let inputs = randomInputs(graph, seed: 8)
    let ranges = try IntegerForm.measuredRanges(of: graph, weights: weights, on: inputs, perChannel: false)
    let form = IntegerForm(ranges: ranges, floatLayers: [a, b])
    let plain = try Engine(graph: graph, weights: weights, options: PlanOptions()).makeSession().run(inputs)
    let same = try Engine(graph: graph, weights: weights, options: PlanOptions(integers: form))
      .makeSession().run(inputs)
    #expect(plain == same)
    let quantized = try Engine(
      graph: graph, weights: weights, options: PlanOptions(integers: IntegerForm(ranges: ranges))
    )
    .makeSession().run(inputs)
    #expect(plain != quantized)
    let reference = plain[0].values.map(Double.init)
    expectClose(
      quantized[0], example: 0, ReferenceTensor(shape: graph[b].shape, values: reference), tolerance: 0.03,
      "8 bits")
  }
}
