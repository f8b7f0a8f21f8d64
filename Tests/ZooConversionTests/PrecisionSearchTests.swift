import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooVerification

/// Which weights are stored how, and what that costs.
@Suite struct PrecisionSearchTests {
  private static func digits() throws -> Recipe { try Recipe(path: fixture("digits/digits.h5")) }

  private static func choose(
    _ storage: StorageType, of recipe: Recipe, largestError: Double, threads: Int = 1
  ) throws -> PrecisionChoice {
    try PrecisionSearch(
      graph: recipe.graph, preprocessing: recipe.card.preprocessing, threads: threads, storage: storage,
      largestError: largestError
    ).choose(weights: recipe.weights)
  }

  private static func names(_ choice: PrecisionChoice, _ graph: Graph) -> [String: [String]] {
    Dictionary(grouping: graph.weightSlots.filter { $0.shape.rank > 1 }) { choice.plan.form(of: $0).name }
      .mapValues { $0.map(\.name) }
  }

  // MARK: 8 bits

  @Test func kernelsOfManyValuesBecomeCodes() throws {
    let recipe = try Self.digits()
    let choice = try Self.choose(.int8, of: recipe, largestError: 0.6)
    for node in recipe.graph.nodes {
      for slot in node.weights {
        let isKernel = node.operation.quantizedForm(.int8, of: slot) != nil
        let isCoded = isKernel && slot.shape.elementCount >= 4096
        // The norm behind it: its statistics keep 32 bits.
        let isHalved =
          [.gamma, .beta].contains(slot.role)
          && node.inputs.contains { choice.layers.map(\.layer).contains(recipe.graph[$0].name) }
        #expect(
          choice.plan.form(of: slot).name == (isCoded ? "i8" : isHalved ? "f16" : "f32"), "\(slot.name)")
      }
    }
    #expect(choice.layers.count == 9 && choice.givenBack == 0 && choice.singleCount == 0)
    #expect(choice.layers.allSatisfy { $0.isCorrected && $0.form.name == "i8" })
    // Of what stands behind a convolution without bias, the batch norm's mean is stored in another way.
    #expect(choice.plan.replaced.count == 9)
    #expect(choice.plan.replaced.keys.allSatisfy { $0.role == .movingMean })
    let error = try #require(choice.error)
    #expect(error > 0 && error == choice.errorOfAll && error < 0.1)
    #expect(try #require(choice.outputError) > 0 && (choice.outputError ?? 1) < 0.05)
    for layer in choice.layers {
      let rounding = try #require(layer.rounding)
      #expect(rounding.relative > 0 && rounding.relative <= 0.5001 / 127)
      #expect(try #require(layer.move) <= error)
    }
    #expect(choice.layers.contains { $0.move ?? 0 > 0 })
  }

  @Test func layersAreGivenBackUntilTheLimitHolds() throws {
    let recipe = try Self.digits()
    let all = try #require(Self.choose(.int8, of: recipe, largestError: 0.6).errorOfAll)
    var codes = 9
    for share in [1.99, 1, 0.5, 0.1, 0.02] {
      let choice = try Self.choose(.int8, of: recipe, largestError: all * share)
      let error = try #require(choice.error)
      #expect(error <= PrecisionSearch.margin * all * share)
      #expect(choice.errorOfAll == all)
      let names = Self.names(choice, recipe.graph)
      let count = names["i8"]?.count ?? 0
      #expect(count < codes || share < 0.5 && count == 0)
      codes = count
      #expect(choice.givenBack > 0 && choice.plan.replaced.count == codes)
      // First 16 bits, for all layers, then 32.
      #expect(codes == 0 || names["f16"]?.count == 9 - codes)
    }
    #expect(codes == 0)
    let none = try Self.choose(.int8, of: recipe, largestError: 1e-12)
    #expect(Set(Self.names(none, recipe.graph).keys) == ["f32"] && none.error == 0 && none.singleCount == 9)
  }

  @Test func withoutALimitNothingIsMeasured() throws {
    let recipe = try Self.digits()
    let choice = try Self.choose(.int8, of: recipe, largestError: .infinity)
    #expect(choice.error == nil && choice.outputError == nil && choice.layers.allSatisfy { $0.move == nil })
    #expect(Self.names(choice, recipe.graph)["i8"]?.count == 9 && choice.plan.replaced.count == 9)
  }

  @Test func threadsChangeNothing() throws {
    let recipe = try Self.digits()
    let choices = try [1, 2].map { try Self.choose(.int8, of: recipe, largestError: 0.01, threads: $0) }
    #expect(choices[0].layers == choices[1].layers && choices[0].error == choices[1].error)
    #expect(
      choices[0].plan.forms == choices[1].plan.forms && choices[0].outputError == choices[1].outputError)
  }

  /// The correction is worth it on inputs that nobody made it for.
  @Test func theCorrectionMakesOutputsMoreExact() throws {
    let recipe = try Self.digits()
    let logits = try recipe.graph.endingInLogits()
    let graph = try #require(logits)
    let choice = try Self.choose(.int8, of: recipe, largestError: .infinity)
    func outputs(_ weights: any WeightSource) throws -> [Float] {
      let session = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1)).makeSession()
      return try (20..<26 as Range<UInt64>).flatMap { seed in
        try session.run(TestInput.make(for: graph, preprocessing: recipe.card.preprocessing, seed: seed))[0]
          .values
      }
    }
    let original = try outputs(recipe.weights)
    func error(_ plan: StoragePlan) throws -> Float {
      zip(original, try outputs(PlannedWeights(source: recipe.weights, plan: plan))).reduce(0) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
    }
    #expect(try error(choice.plan) < error(StoragePlan(forms: choice.plan.forms)))
  }

  /// The sum of a window is off by half a step at most, and no value by more than one and a half.
  @Test(arguments: [false, true]) func errorsOfWindowsCancel(isDepthwise: Bool) throws {
    let front = ZooGraph.Operation.batchNormalization(BatchNormalization(epsilon: 1e-3))
    let operation: ZooGraph.Operation =
      isDepthwise
      ? .depthwiseConvolution(
        DepthwiseConvolution(multiplier: 2, kernel: Extent2D(5), strides: .one, padding: .same, useBias: true)
      )
      : .convolution(
        Convolution(filters: 24, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true))
    var builder = GraphBuilder()
    let input = builder.add("input", .input(shape: [9, 9, isDepthwise ? 100 : 30]))
    let layer = builder.add("layer", operation, builder.add("front", front, input))
    let graph = try builder.build(outputs: [layer])
    let weights = DictionaryWeights(randomFor: graph, seed: 6)
    let choice = try Self.choose(.int8, (graph, weights), largestError: .infinity)
    let slot = try #require(graph[layer].weights.first)
    #expect(choice.layers.first?.isCorrected == true && choice.plan.replaced.count == 2)
    guard case .codes(let form) = choice.plan.form(of: slot) else {
      throw DictionaryWeights.Missing(name: "codes")
    }
    let kernel = try weights.tensor(for: slot)
    let nearest = try QuantizedTensor.rounding(kernel, to: form, name: "")
    let planned = try #require(
      try PlannedWeights(source: weights, plan: choice.plan).quantizedTensor(for: slot))
    #expect(planned.scales == nearest.tensor.scales)
    let (values, stored, scales) = (kernel.floats(), planned.floats(), planned.scales)
    let taps = slot.shape[0] * slot.shape[1]
    let places = values.count / taps
    func sums(_ stored: [Float]) -> [Float] {
      (0..<places).map { place in
        (0..<taps).reduce(Float(0)) { $0 + stored[$1 * places + place] - values[$1 * places + place] }
          / scales[place % form.channels]
      }
    }
    // The largest codes stay, which a window may have no other than.
    let outside = sums(stored).count { abs($0) > 0.501 }
    #expect(
      Double(outside) < 0.01 * Double(places) && sums(nearest.tensor.floats()).contains { abs($0) > 0.9 })
    let farthest = values.indices.map {
      abs(stored[$0] - values[$0]) / scales[$0 % places % form.channels]
    }.max()
    #expect(try #require(farthest) < 1.501)
    let error = try #require(choice.layers.first?.rounding)
    #expect(error.largest > nearest.error.largest && error.rootMeanSquare < 2 * nearest.error.rootMeanSquare)
  }

  /// Kernels that are computed on codes of pixels are codes too. Channels of pixels have different scales, and the errors
  /// of a window cancel in the codes that come of that.
  @Test func kernelsOfPixelCodes() throws {
    var builder = GraphBuilder()
    var value = builder.add("input", .input(shape: [8, 8, 3]))
    value = builder.add("padded", .zeroPadding(Edges(all: 3)), value)
    for (name, filters, side) in [("first", 32, 7), ("second", 320, 5)] {
      value = builder.add(
        name,
        .convolution(
          Convolution(
            filters: filters, kernel: Extent2D(side), strides: .one, padding: .same, useBias: true)), value)
    }
    let graph = try builder.build(outputs: [value])
    let weights = DictionaryWeights(randomFor: graph, seed: 2)
    let choice = try PrecisionSearch(
      graph: graph, preprocessing: .torch, threads: 1, storage: .int8, largestError: .infinity,
      areActivationsCodes: true
    ).choose(weights: weights)
    #expect(choice.plan.forms.count == 2 && choice.plan.forms.values.allSatisfy { $0.name == "i8" })
    let slot = try #require(graph.weightSlots.first { $0.name.hasPrefix("first") && $0.role == .kernel })
    let found = try #require(choice.plan.replaced[slot]).floats()
    let exact = try weights.tensor(for: slot).floats()
    let shares = ValueCode(ofInput: try #require(Preprocessing.torch.range(channels: 3))).scaleShares
    for filter in 0..<32 {
      let scale = (stride(from: filter, to: exact.count, by: 32).map { abs(exact[$0]) }.max() ?? 0) / 127
      for (channel, share) in shares.enumerated() {
        var sum: Float = 0
        for index in stride(from: channel * 32 + filter, to: exact.count, by: 96) {
          let code = ((found[index] / scale).rounded() * share).rounded(.toNearestOrEven)
          sum += code - exact[index] * share / scale
        }
        #expect(abs(sum) < 1.51, "filter \(filter), channel \(channel)")
      }
    }
  }

  /// Kernels of pixels keep 16 bits, unless they are more than a small part of the network.
  @Test(arguments: [80, 4]) func kernelsOfPixels(width: Int) throws {
    var builder = GraphBuilder()
    func convolution(_ filters: Int, _ side: Int) -> ZooGraph.Operation {
      .convolution(
        Convolution(filters: filters, kernel: Extent2D(side), strides: .one, padding: .same, useBias: true))
    }
    var value = builder.add("input", .input(shape: [8, 8, 3]))
    value = builder.add("scaled", .rescaling(Rescaling(scale: [0.5], offset: [0])), value)
    value = builder.add("padded", .zeroPadding(Edges(all: 3)), value)
    value = builder.add("first", convolution(32, 7), value)
    value = builder.add("second", convolution(4 * width, 5), value)
    let graph = try builder.build(outputs: [value])
    let choice = try Self.choose(
      .int8, (graph, DictionaryWeights(randomFor: graph, seed: 2)), largestError: .infinity)
    // 4,704 values of 260,704, and of 17,504.
    #expect(
      choice.plan.forms.mapValues(\.name).sorted { $0.key.name < $1.key.name }.map(\.value)
        == (width == 80 ? ["f16", "i8"] : ["i8", "i8"]))
  }

  // MARK: Floats

  @Test("16 bits behind a front of 32", arguments: [StorageType.f16, .bf16])
  func floats(storage: StorageType) throws {
    let recipe = try Self.digits()
    let all = try Self.choose(storage, of: recipe, largestError: 1)
    #expect(Set(Self.names(all, recipe.graph).keys) == [storage.rawValue] && all.givenBack == 0)
    let error = try #require(all.error)
    let some = try Self.choose(storage, of: recipe, largestError: error)
    #expect(try #require(some.error) <= error / 2 && some.givenBack > 0)
    let forms = recipe.graph.weightSlots.map { some.plan.form(of: $0).name }
    let front = forms.prefix { $0 == "f32" }.count
    #expect(front > 0 && forms.dropFirst(front).allSatisfy { $0 == storage.rawValue })
    #expect(some.singleCount == front && some.plan.replaced.isEmpty)
    #expect(some.leastErrorForAll == 2 * error)
  }

  @Test func bfloat16IsLessExact() throws {
    let recipe = try Self.digits()
    let half = try #require(Self.choose(.f16, of: recipe, largestError: 1).error)
    let brain = try #require(Self.choose(.bf16, of: recipe, largestError: 1).error)
    #expect(brain > 3 * half && brain < 20 * half)
  }

  @Test func singlePrecisionIsLeftAlone() throws {
    let choice = try Self.choose(.f32, of: Self.digits(), largestError: 1)
    #expect(choice.plan.forms.isEmpty && choice.layers.isEmpty && choice.error == nil)
  }

  // MARK: 4 bits

  /// Dense layers in front, so that most weights can have 4 bits.
  private static func denseNetwork() throws -> (graph: Graph, weights: DictionaryWeights) {
    var builder = GraphBuilder()
    var value = builder.add("input", .input(shape: [16, 16, 3]))
    value = builder.add(
      "conv",
      .convolution(
        Convolution(
          filters: 64, kernel: Extent2D(5), strides: Extent2D(2), padding: .same, useBias: true,
          activation: .relu)),
      value)
    value = builder.add("pool", .globalAveragePooling(keepDimensions: false), value)
    value = builder.add("hidden", .dense(Dense(units: 256, useBias: true, activation: .relu)), value)
    value = builder.add("norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), value)
    value = builder.add("wide", .dense(Dense(units: 200, useBias: true, activation: .relu)), value)
    value = builder.add("small", .dense(Dense(units: 10, useBias: true)), value)
    value = builder.add("end", .activation(.softmax), value)
    let graph = try builder.build(outputs: [value])
    return (graph, DictionaryWeights(randomFor: graph, seed: 8))
  }

  private static func choose(
    _ storage: StorageType, _ network: (graph: Graph, weights: DictionaryWeights), largestError: Double
  ) throws -> PrecisionChoice {
    try PrecisionSearch(
      graph: network.graph, preprocessing: .none, threads: 1, storage: storage, largestError: largestError
    ).choose(weights: network.weights)
  }

  @Test func denseLayersHaveFourBits() throws {
    let network = try Self.denseNetwork()
    let choice = try Self.choose(.int4, network, largestError: 100)
    let forms = choice.plan.forms
    #expect(
      Dictionary(uniqueKeysWithValues: forms.map { ($0.key.name, $0.value.name) })
        == [
          "conv/kernel": "i8", "hidden/kernel": "i4", "wide/kernel": "i4", "norm/gamma": "f16",
          "norm/beta": "f16",
        ])
    for case .codes(let form) in forms.values where form.kind == .int4 { #expect(form.group == 32) }
    #expect(choice.layers.map(\.layer) == ["conv", "hidden", "wide"])
    // Only what is behind the batch norm has a predicted input.
    #expect(choice.layers.map(\.isCorrected) == [false, false, true])
    #expect(Set(choice.plan.replaced.keys.map(\.name)) == ["wide/bias", "conv/kernel"])

    let error = try #require(choice.error)
    var seen: Set<Set<String>> = []
    for share in [1.9, 1, 0.3, 0.05, 0.004, 1e-5] {
      let less = try Self.choose(.int4, network, largestError: error * share)
      #expect(try #require(less.error) <= PrecisionSearch.margin * error * share)
      seen.insert(Set(less.plan.forms.values.map(\.name)))
    }
    // From 4 bits over 8 and 16 to 32.
    #expect(seen.contains { $0.contains("i4") } && seen.contains { $0.contains("f16") } && seen.contains([]))
    #expect(seen.contains { $0.contains("i8") && !$0.contains("i4") })
  }

  @Test func depthwiseNetworksAreRefusedFourBits() throws {
    let recipe = try Self.digits()
    let error = #expect(throws: ZooError.self) { try Self.choose(.int4, of: recipe, largestError: 1) }
    #expect(error?.code == .unsuitable && error?.remedy?.contains("int8") == true)
    #expect(error?.why.contains("has none") == true, "\(error as Any)")
    var builder = GraphBuilder()
    var value = builder.add("input", .input(shape: [8, 8, 32]))
    let depthwise = DepthwiseConvolution(kernel: Extent2D(3), strides: .one, padding: .same, useBias: true)
    value = builder.add("depthwise", .depthwiseConvolution(depthwise), value)
    let pointwise = Convolution(
      filters: 200, kernel: .one, strides: .one, padding: .valid, useBias: true, activation: .relu)
    value = builder.add("pointwise", .convolution(pointwise), value)
    value = builder.add("pool", .globalAveragePooling(keepDimensions: false), value)
    value = builder.add("dense", .dense(Dense(units: 21, useBias: true)), value)
    let graph = try builder.build(outputs: [value])
    let refused = #expect(throws: ZooError.self) {
      try Self.choose(.int4, (graph, DictionaryWeights(randomFor: graph, seed: 1)), largestError: 1)
    }
    #expect(refused?.why.contains("depthwise") == true, "\(refused as Any)")
  }

  // MARK: What a reader has

  @Test("what is verified is what is read", arguments: StorageType.allCases)
  func readersHaveTheSameWeights(storage: StorageType) throws {
    var network = try Self.denseNetwork()
    // Beyond the range of 16 bits of one kind.
    var bias = try #require(network.weights.tensors["conv/bias"]).floats()
    bias[3] = 1e6
    network.weights.tensors["conv/bias"] = StoredTensor(shape: [64], values: bias)
    let choice = try Self.choose(storage, network, largestError: .infinity)
    let planned = PlannedWeights(source: network.weights, plan: choice.plan)
    let document = ZooDocument(
      graph: network.graph, card: ModelCard(architecture: "dense", variant: "", preprocessing: .none))
    try withFolder { folder in
      let path = folder.appending(path: "m.zoo").path
      try ZooWriter(document: document, plan: choice.plan).write(
        to: path, overwrite: false, weights: network.weights)
      let file = try ZooFile(path: path)
      for slot in network.graph.weightSlots {
        let (read, expected) = (try file.tensor(for: slot).floats(), try planned.tensor(for: slot).floats())
        #expect(read.map(\.bitPattern) == expected.map(\.bitPattern), "\(slot.name)")
        let codes = try planned.quantizedTensor(for: slot)
        #expect(try file.quantizedTensor(for: slot)?.form == codes?.form)
      }
    }
  }

  @Test func badWeightsAreNamed() throws {
    var network = try Self.denseNetwork()
    var kernel = try #require(network.weights.tensors["wide/kernel"]).floats()
    kernel[77] = .nan
    network.weights.tensors["wide/kernel"] = StoredTensor(shape: [256, 200], values: kernel)
    let bad = network
    let error = #expect(throws: ZooError.self) { try Self.choose(.int8, bad, largestError: 1) }
    #expect(error?.location == "wide/kernel" && error?.why.contains("value 77") == true, "\(error as Any)")
  }
}
