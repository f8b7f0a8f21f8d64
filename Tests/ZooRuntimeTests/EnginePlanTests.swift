import Testing
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport

/// What the plan fuses, aliases and lays out keeps every value that it should.
@Suite struct EnginePlanTests {
  /// Layers on top of what is there.
  private struct Net {
    var g = GraphBuilder()
    var count = 0

    mutating func callAsFunction(_ operation: ZooGraph.Operation, _ inputs: Value...) -> Value {
      count += 1
      return g.add("l\(count)", operation, inputs)
    }

    mutating func conv(_ x: Value, _ filters: Int, kernel: Int = 1, stride: Int = 1, bias: Bool = false)
      -> Value
    {
      self(
        .convolution(
          Convolution(
            filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: .same,
            useBias: bias)), x)
    }

    mutating func norm(_ x: Value) -> Value {
      self(.batchNormalization(BatchNormalization(epsilon: 1e-3)), x)
    }
    mutating func relu(_ x: Value) -> Value { self(.activation(.relu), x) }

    mutating func separable(
      _ x: Value, _ filters: Int, kernel: Int = 3, padding: Padding = .same, stride: Int = 1
    )
      -> Value
    {
      self(
        .separableConvolution(
          SeparableConvolution(
            filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
            useBias: false)), x
      )
    }
  }

  /// At one pixel a 1x1 convolution is a dense layer, and the sum is written where its other term was.
  @Test(arguments: [1, 2, 9]) func residualBlock(side: Int) throws {
    var n = Net()
    let x = n(.input(shape: [side, side, 16]))
    let shortcut = n.norm(n.conv(x, 40, bias: true))
    let a = n.relu(n.norm(n.conv(x, 16, bias: true)))
    let b = n.norm(n.conv(n.relu(n.norm(n.conv(a, 16, kernel: 3))), 40))
    let y = n.relu(n(.add, shortcut, b))
    let z = n.relu(n(.add, n.norm(n.conv(y, 40, kernel: 3)), y))
    let pooled = n(.globalAveragePooling(keepDimensions: false), z)
    let graph = try n.g.build(outputs: [pooled])
    try expectMatchesReference(graph, batch: 2, seed: 1, threads: 2)
    let engine = try Engine(
      graph: graph, weights: DictionaryWeights(randomFor: graph, seed: 1), options: PlanOptions())
    if side == 9 { #expect(engine.steps.count == 6) }
  }

  @Test func paddingAndCroppingInFrontOfEverything() throws {
    for edges in [Edges(top: 0, bottom: 1, left: 0, right: 1), Edges(all: 3)] {
      for crop in [Edges.none, Edges(top: 1, bottom: 0, left: 1, right: 0)] {
        var n = Net()
        let x = n(.input(shape: [11, 12, 5]))
        let p = n(.cropping(crop), n(.zeroPadding(edges), n.relu(n.conv(x, 20))))
        let pool = Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .valid)
        let same = Pooling(window: Extent2D(2), strides: Extent2D(1), padding: .same)
        let outputs = [
          n(.maxPooling(pool), p), n(.averagePooling(pool), p), n(.averagePooling(same), p),
          n.conv(p, 7, kernel: 3, stride: 2), n.separable(p, 7), n.relu(p), n(.zeroPadding(edges), p),
          n(.averagePooling(Pooling(window: .one, strides: Extent2D(2), padding: .valid)), p),
        ]
        try expectMatchesReference(n.g.build(outputs: outputs), seed: 7)
      }
    }
  }

  @Test func paddedFirstLayerOfFewChannels() throws {
    for channels in 1...5 {
      var n = Net()
      let x = n(.input(shape: [17, 19, channels]))
      let p = n(.zeroPadding(Edges(all: 3)), x)
      let c = n(
        .convolution(
          Convolution(filters: 24, kernel: Extent2D(7), strides: Extent2D(2), padding: .valid, useBias: true)),
        p)
      let v = n(
        .convolution(
          Convolution(filters: 8, kernel: Extent2D(3), strides: Extent2D(2), padding: .valid, useBias: true)),
        x)
      let r = n.relu(n.norm(c))
      try expectMatchesReference(n.g.build(outputs: [r, v]), seed: UInt64(channels))
    }
  }

  @Test func normalCell() throws {
    var n = Net()
    let x = n(.input(shape: [14, 14, 44]))
    let h = n.norm(n.conv(n.relu(x), 44))
    func branch(_ n: inout Net, _ v: Value, _ kernel: Int) -> Value {
      n.norm(n.separable(n.relu(n.norm(n.separable(n.relu(v), 44, kernel: kernel))), 44, kernel: kernel))
    }
    let pool = Pooling(window: Extent2D(3), strides: .one, padding: .same)
    let a = n(.add, branch(&n, h, 5), branch(&n, x, 3))
    let b = n(.add, branch(&n, x, 5), branch(&n, x, 3))
    let c = n(.add, n(.averagePooling(pool), h), x)
    let d = n(.add, n(.averagePooling(pool), x), n(.averagePooling(pool), x))
    let e = n(.add, branch(&n, h, 3), h)
    let joined = n(.concatenate, x, a, b, c, d, e)
    let padded = n(.zeroPadding(Edges(top: 2, bottom: 2, left: 1, right: 3)), n.relu(joined))
    let strided = n.separable(padded, 20, kernel: 5, padding: .valid, stride: 2)
    try expectMatchesReference(n.g.build(outputs: [strided, joined]), seed: 11, threads: 2)
  }

  @Test func denseBlockJoinsInPlace() throws {
    var n = Net()
    var x = n.conv(n(.input(shape: [6, 6, 8])), 16)
    for _ in 0..<4 {
      let new = n.conv(n.relu(n.norm(n.conv(n.relu(n.norm(x)), 12))), 5, kernel: 3)
      x = n(.concatenate, x, new)
    }
    let flat = n(.dense(Dense(units: 9, useBias: true, activation: .softmax)), n(.flatten, n.relu(x)))
    let graph = try n.g.build(outputs: [flat])
    try expectMatchesReference(graph, seed: 13)
    let engine = try Engine(
      graph: graph, weights: DictionaryWeights(randomFor: graph, seed: 1), options: PlanOptions())
    #expect(!engine.steps.contains { $0.kernel == "copy" })
  }

  @Test func sumsWithPools() throws {
    let pool = Pooling(window: Extent2D(3), strides: .one, padding: .same)
    for operation in [Operation.averagePooling(pool), .maxPooling(pool)] {
      var n = Net()
      let x = n.conv(n(.input(shape: [9, 9, 6])), 20)
      // What the pool reads is also what is added to it, and is read by nothing else.
      let own = n.relu(n(.add, n(operation, x), x))
      let twice = n(.add, n(operation, own), n(operation, own))
      let graph = try n.g.build(outputs: [twice])
      for threads in [1, 2, 3] { try expectMatchesReference(graph, seed: 19, threads: threads) }
      let engine = try Engine(
        graph: graph, weights: DictionaryWeights(randomFor: graph, seed: 1), options: PlanOptions())
      #expect(engine.steps.count == 3)
    }
  }

  @Test func oddTails() throws {
    var n = Net()
    let x = n(.input(shape: [4, 4, 6]))
    let id = n(.identity(layer: "Dropout"), x)
    let c = n.conv(n(.activation(.linear), id), 6)
    let twice = n(.add, c, c)
    let joinedTwice = n(.concatenate, twice, twice, x)
    let reshaped = n(.reshape(target: [8, 2, 18]), joinedTwice)
    let squeezed = n(.reshape(target: [288]), n(.identity(layer: "Dropout"), reshaped))
    let norm = n.norm(n.norm(c))
    try expectMatchesReference(n.g.build(outputs: [squeezed, norm, id, x]), batch: 3, seed: 17)
  }

  @Test func manyChannelsAcrossAPage() throws {
    var n = Net()
    let x = n(.input(shape: [3, 5, 32]))
    let wide = n.relu(n.conv(x, 1024))
    let y = n(.add, n.conv(n.conv(wide, 40), 1024), wide)
    let outputs = [n(.flatten, y), n(.globalMaxPooling(keepDimensions: true), y)]
    try expectMatchesReference(n.g.build(outputs: outputs), seed: 19)
  }

  /// An image that is widened and narrowed again lies in memory only where something else reads it.
  @Test(arguments: [1, 2, 3]) func wideImagesAreMadeOnTheWay(threads: Int) throws {
    var n = Net()
    func depthwise(stride: Int) -> ZooGraph.Operation {
      .depthwiseConvolution(
        DepthwiseConvolution(
          kernel: Extent2D(3), strides: Extent2D(stride), padding: stride == 1 ? .same : .valid,
          useBias: false))
    }
    let x = n(.input(shape: [80, 83, 3]))
    let narrow = n.norm(n.conv(x, 8, kernel: 3))
    let wide = n(.activation(.relu6), n.norm(n.conv(narrow, 44)))
    let padded = n(.zeroPadding(Edges(top: 0, bottom: 1, left: 0, right: 1)), wide)
    let strided = n(.activation(.relu6), n.norm(n(depthwise(stride: 2), padded)))
    let y = n.norm(n.conv(strided, 12))
    let other = n.conv(n.relu(n(depthwise(stride: 1), n.relu(n.conv(narrow, 44)))), 8)
    let outputs = [y, n(.add, other, narrow)]
    try expectMatchesReference(n.g.build(outputs: outputs), seed: 31, threads: threads)

    let graph = try n.g.build(outputs: outputs)
    let weights = DictionaryWeights(randomFor: graph, seed: 31)
    let input = randomInputs(graph, batch: 1, seed: 32)
    for kernels in Engine.availableKernels {
      func engine(taps: [Value], threads: Int) throws -> Engine {
        try Engine(
          graph: graph, weights: weights, options: PlanOptions(threads: threads, taps: taps, kernels: kernels)
        )
      }
      let fused = try engine(taps: [], threads: threads)
      let widening = fused.steps.filter { $0.kernel.hasPrefix("matrix product + ") }
      #expect(kernels == "amx" || widening.count == 1, "\(fused.steps)")
      let apart = try engine(taps: [wide], threads: 1)
      #expect(!apart.steps.contains { $0.kernel.hasPrefix("matrix product + ") })
      #expect(try fused.makeSession().run(input) == apart.makeSession().run(input))
    }
  }

  private func sample() throws -> Graph {
    var n = Net()
    let x = n(.input(shape: [20, 21, 3]))
    let a = n.relu(n.norm(n.conv(x, 33, kernel: 3, stride: 2)))
    let b = n.norm(n.separable(a, 50, kernel: 5))
    let c = n.relu(n(.add, n.norm(n.conv(b, 50, kernel: 3)), b))
    let w = n.relu(n(.add, n.norm(n.conv(n.conv(x, 40, kernel: 3), 33, kernel: 3)), n.conv(x, 33)))
    let pooled = n(.globalAveragePooling(keepDimensions: false), c)
    let d = n(.dense(Dense(units: 300, useBias: true, activation: .softmax)), pooled)
    return try n.g.build(outputs: [d, c, w])
  }

  @Test func threadsDoNotChangeTheResult() throws {
    let graph = try sample()
    let weights = DictionaryWeights(randomFor: graph, seed: 23)
    let input = randomInputs(graph, batch: 2, seed: 24)
    for kernels in Engine.availableKernels {
      let one = try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels))
      let expected = try one.makeSession().run(input)
      for threads in [2, 3, 8] {
        let engine = try Engine(
          graph: graph, weights: weights, options: PlanOptions(threads: threads, kernels: kernels))
        let session = engine.makeSession()
        for _ in 0..<5 {
          #expect(try session.run(input) == expected)
        }
      }
    }
  }

  /// Batches are shared out by images, by steps, and in large dense layers by columns; what an image comes to
  /// depends on none of that, nor on its companions.
  @Test func batchesDoNotChangeTheResult() throws {
    var n = Net()
    let image = n(.input(shape: [48, 56, 5]))
    let vector = n(.input(shape: [700]))
    let a = n.relu(n.norm(n.conv(n.relu(n.conv(image, 32, kernel: 3)), 40, kernel: 3, stride: 8)))
    let b = n(.dense(Dense(units: 500, useBias: true, activation: .relu)), n(.flatten, a))
    let c = n(.dense(Dense(units: 500, useBias: true, activation: .linear)), vector)
    let sum = n.relu(n(.add, b, c))
    let d = n(.dense(Dense(units: 601, useBias: true, activation: .softmax)), sum)
    let graph = try n.g.build(outputs: [d, a, c])
    let weights = DictionaryWeights(randomFor: graph, seed: 51)
    let inputs = randomInputs(graph, batch: 35, seed: 52).map { tensor in
      Tensor(shape: tensor.shape, values: tensor.values.map { abs($0) < 0.4 ? 0 : $0 })
    }
    func part(_ range: Range<Int>) -> [Tensor] {
      inputs.map { tensor in
        let size = tensor.values.count / 35
        return Tensor(
          shape: Shape([range.count] + tensor.shape.dimensions.dropFirst()),
          values: Array(tensor.values[range.lowerBound * size..<range.upperBound * size]))
      }
    }
    for kernels in Engine.availableKernels {
      let one = try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels))
      let single = one.makeSession()
      let expected = try (0..<35).map { try single.run(part($0..<$0 + 1)) }
      for threads in [1, 2, 3] {
        for packing in [PlanOptions.Packing.ahead, .streamed] {
          let options = PlanOptions(threads: threads, kernels: kernels, packing: packing)
          let session = try Engine(graph: graph, weights: weights, options: options).makeSession()
          for range in [0..<1, 4..<6, 0..<7, 0..<35] {
            let outputs = try session.run(part(range))
            for (index, example) in range.enumerated() {
              for (output, tensor) in outputs.enumerated() {
                #expect(tensor[example: index].values == expected[example][output].values)
              }
            }
          }
        }
      }
    }
  }

  @Test func streamedWeightsThatAreMissingSurface() throws {
    let graph = try sample()
    let engine = try Engine(
      graph: graph, weights: DictionaryWeights([:]), options: PlanOptions(packing: .streamed))
    #expect(throws: DictionaryWeights.Missing.self) {
      try engine.makeSession().run(randomInputs(graph, seed: 53))
    }
  }

  @Test func sessionsRunAtTheSameTime() async throws {
    let graph = try sample()
    let engine = try Engine(
      graph: graph, weights: DictionaryWeights(randomFor: graph, seed: 29), options: PlanOptions(threads: 2))
    let inputs = (0..<4).map { randomInputs(graph, seed: UInt64(100 + $0)) }
    let expected = try inputs.map { try engine.makeSession().run($0) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for (input, output) in zip(inputs, expected) {
        group.addTask {
          let session = engine.makeSession()
          for _ in 0..<10 where try session.run(input) != output { return false }
          return true
        }
      }
      for try await same in group { #expect(same) }
    }
  }

  @Test func wrongInputsAreNamed() throws {
    let graph = try sample()
    let engine = try Engine(
      graph: graph, weights: DictionaryWeights(randomFor: graph, seed: 31), options: PlanOptions())
    let session = engine.makeSession()
    for inputs in [
      [], [Tensor(zeros: [20, 21, 3])], [Tensor(zeros: [1, 21, 20, 3])], [Tensor(zeros: [1, 20, 21, 4])],
    ] {
      #expect(errorCode { try session.run(inputs) } == .doesNotFit)
    }
    let error = try #require(throws: ZooError.self) { try session.run([Tensor(zeros: [1, 8, 8, 3])]) }
    #expect(error.code == .doesNotFit && error.location == "layer 'l1'")
    #expect(error.why == "the shape 1x8x8x3, expected 1x20x21x3")
    #expect(try session.run([Tensor(zeros: [0, 20, 21, 3])])[0].shape == [0, 300])
  }

  @Test func fusedValuesAreOnlyReturnedAsTaps() throws {
    let graph = try sample()
    let weights = DictionaryWeights(randomFor: graph, seed: 37)
    let inner = try #require(graph.value(named: "l2"))
    let input = randomInputs(graph, seed: 38)
    let plain = try Engine(graph: graph, weights: weights, options: PlanOptions()).makeSession()
    let error = try #require(throws: ZooError.self) { try plain.run(input, keeping: [inner]) }
    #expect(error.location == "layer 'l2'" && error.code == .invalidArgument)
    let tapped = try Engine(graph: graph, weights: weights, options: PlanOptions(taps: [inner])).makeSession()
    #expect(try tapped.run(input, keeping: [inner]).kept[inner]?.shape == [1, 10, 11, 33])
  }

  @Test func weightsOfHalfPrecision() throws {
    let graph = try sample()
    var weights = DictionaryWeights(randomFor: graph, seed: 41)
    var rounded = weights
    for (name, tensor) in weights.tensors {
      let bits = tensor.floats().map(\.float16Bits)
      weights.tensors[name] = StoredTensor(
        shape: tensor.shape, elementType: .float16, bytes: ByteSlice(HeapBytes(bits)))
      rounded.tensors[name] = StoredTensor(shape: tensor.shape, values: bits.map { Float(float16Bits: $0) })
    }
    for kernels in Engine.availableKernels {
      for batch in [1, 3] {
        let input = randomInputs(graph, batch: batch, seed: 42)
        let options = PlanOptions(kernels: kernels)
        let half = try Engine(graph: graph, weights: weights, options: options).makeSession().run(input)
        #expect(
          try Engine(graph: graph, weights: rounded, options: options).makeSession().run(input) == half)
      }
    }
  }

  /// Codes of 8 bits and bfloat16 are read where they lie in dense layers, with the bits that decoding them first gives.
  @Test func dtypesOfDenseLayers() throws {
    let graph = try sample()
    let weights = DictionaryWeights(randomFor: graph, seed: 43)
    var brains = weights
    var codes = CodedWeights(floats: weights.tensors)
    for node in graph.nodes {
      for slot in node.weights {
        guard let tensor = weights.tensors[slot.name] else { continue }
        brains.tensors[slot.name] = StoredTensor(
          shape: tensor.shape, elementType: .bfloat16,
          bytes: ByteSlice(HeapBytes(Float.bfloat16Bits(of: tensor.floats()))))
        if let form = node.operation.quantizedForm(.int8, of: slot) {
          codes.codes[slot.name] = try QuantizedTensor(rounding: tensor, to: form)
        }
      }
    }
    #expect(!codes.codes.isEmpty)
    func outputs(_ weights: some WeightSource, _ kernels: String, batch: Int) throws -> [Tensor] {
      try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels)).makeSession()
        .run(randomInputs(graph, batch: batch, seed: 44))
    }
    for kernels in Engine.availableKernels {
      for batch in [1, 3] {
        let widened = DictionaryWeights(
          brains.tensors.mapValues { StoredTensor(shape: $0.shape, values: $0.floats()) })
        #expect(try outputs(brains, kernels, batch: batch) == outputs(widened, kernels, batch: batch))
        #expect(try outputs(codes, kernels, batch: batch) == outputs(codes.widened, kernels, batch: batch))
      }
    }
  }

  /// Weights of which some come as codes.
  private struct CodedWeights: WeightSource {
    var floats: [String: StoredTensor]
    var codes: [String: QuantizedTensor] = [:]

    func tensor(for slot: WeightSlot) throws -> StoredTensor {
      try widened.tensor(for: slot)
    }

    func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? { codes[slot.name] }

    var widened: DictionaryWeights {
      DictionaryWeights(
        floats.merging(codes.mapValues { StoredTensor(shape: $0.shape, values: $0.floats()) }) { $1 })
    }
  }

  @Test func kernelsCanBeForced() throws {
    let graph = try sample()
    let weights = DictionaryWeights(randomFor: graph, seed: 43)
    #expect(Engine.availableKernels.last == "portable")
    for kernels in Engine.availableKernels {
      #expect(
        try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels)).kernels == kernels)
    }
    let error = try #require(throws: ZooError.self) {
      try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: "mmx"))
    }
    #expect(
      error.location == "the options" && error.code == .invalidArgument
        && error.why.hasPrefix("there is no 'mmx'"))
    #expect(
      errorCode {
        try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 0))
      } == .invalidArgument)
  }

  @Test func theEnvironmentChoosesKernels() throws {
    for kernels in Engine.availableKernels {
      #expect(try Kernels.choose(nil, environment: ["ZOO_KERNELS": kernels]).name == kernels)
      #expect(try Kernels.choose("portable", environment: ["ZOO_KERNELS": kernels]).name == "portable")
    }
    #expect(try Kernels.choose(nil, environment: [:]).name == Engine.availableKernels[0])
    #expect(try Kernels.choose(nil, environment: ["ZOO_KERNELS": ""]).name == Engine.availableKernels[0])
    #expect(errorCode { try Kernels.choose(nil, environment: ["ZOO_KERNELS": "AVX512"]) } == .invalidArgument)
  }

  @Test func missingWeightsSurface() throws {
    let graph = try sample()
    #expect(throws: DictionaryWeights.Missing.self) {
      try Engine(graph: graph, weights: DictionaryWeights([:]), options: PlanOptions())
    }
  }
}
