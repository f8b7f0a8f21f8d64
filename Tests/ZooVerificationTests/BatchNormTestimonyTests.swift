import Testing
import ZooImages
import ZooTensor
import ZooVerification

/// Layers with statistics of their own, and measurements that differ from them by a little.
private func network(
  layers: Int = 8, from first: Int = 0, channels: Int = 32, error: Double = 0.1
) -> [BatchNormStatistics] {
  (first..<first + layers).map { layer in
    let random = CounterRandom(seed: UInt64(layer))
    let means = (0..<channels).map { random.signed($0) * 3 }
    let variances = (0..<channels).map { 0.05 + 4 * random.unit(1000 + $0) * random.unit(2000 + $0) }
    return BatchNormStatistics(
      layer: "bn\(layer)", storedMean: means.map(Float.init), storedVariance: variances.map(Float.init),
      epsilon: 0.001,
      mean: (0..<channels).map { means[$0] + error * random.signed(3000 + $0) * variances[$0].squareRoot() },
      variance: (0..<channels).map { variances[$0] * (1 + error * random.signed(4000 + $0)) })
  }
}

extension BatchNormStatistics {
  fileprivate func with(
    storedMean: [Float]? = nil, storedVariance: [Float]? = nil, mean: [Double]? = nil,
    variance: [Double]? = nil
  ) -> BatchNormStatistics {
    BatchNormStatistics(
      layer: layer, storedMean: storedMean ?? self.storedMean,
      storedVariance: storedVariance ?? self.storedVariance, epsilon: epsilon, mean: mean ?? self.mean,
      variance: variance ?? self.variance)
  }
}

extension BatchNormTestimony.Verdict {
  fileprivate var disagreeingLayer: String? {
    if case .disagrees(let layer, _, _, _) = self { layer } else { nil }
  }
  /// The first layer that an error names.
  fileprivate var namedLayer: String? {
    if case .exchanged(let exchange) = self { exchange.first } else { disagreeingLayer }
  }
  fileprivate var saysNothing: Bool { if case .noTestimony = self { true } else { false } }
  fileprivate var agrees: Bool { if case .agrees = self { true } else { false } }
}

@Suite struct BatchNormTestimonyTests {
  @Test func whatIsRightAgrees() {
    let testimony = BatchNormTestimony(network())
    #expect(testimony.verdict.agrees)
    #expect(testimony.deviations.count == 8)
    #expect(testimony.deviations.allSatisfy { $0.z < 0.1 && $0.v < 0.11 && $0.r > 0.95 })
  }

  @Test func zAndVAreMediansOverChannels() throws {
    let layer = BatchNormStatistics(
      layer: "a", storedMean: [0, 1, 2], storedVariance: [0.75, 0.75, 0.75], epsilon: 0.25,
      mean: [0.5, 1.25, 7], variance: [0.75, 2.468281828459045, 0.75])
    let deviation = try #require(BatchNormTestimony([layer]).deviations.first)
    #expect(deviation.z == 0.5)
    #expect(deviation.v == 0)
    #expect(deviation.r == 0)
  }

  @Test func deadChannelsAreLeftOut() throws {
    let layer = BatchNormStatistics(
      layer: "a", storedMean: [1, 1, 0], storedVariance: [1, 1, 1e-9], epsilon: 0, mean: [1, 1, 5],
      variance: [1, 1, 5])
    let deviation = try #require(BatchNormTestimony([layer]).deviations.first)
    #expect(deviation.z == 0 && deviation.v == 0)
  }

  /// Weights that learned while statistics stayed move the means of all channels, which keep their order.
  @Test(arguments: [(0.6, true, false), (0.9, true, false), (1.2, false, true)])
  func learnedWeightsAreNoFault(shift: Double, agrees: Bool, saysNothing: Bool) {
    var layers = network()
    let deviations = layers[6].storedVariance.map { (Double($0) + 0.001).squareRoot() }
    layers[6] = layers[6].with(mean: zip(layers[6].mean, deviations).map { $0 + shift * $1 })
    let verdict = BatchNormTestimony(layers).verdict
    #expect(verdict.agrees == agrees && verdict.saysNothing == saysNothing, "\(verdict)")
    // The same distance in no order.
    let signs = deviations.indices.map { CounterRandom(seed: 9).signed($0) < 0 ? -1.0 : 1.0 }
    let places = deviations.indices.map { ($0 + 5) % deviations.count }
    layers[6] = layers[6].with(
      mean: places.map { Double(layers[6].storedMean[$0]) + 2 * signs[$0] * deviations[$0] })
    #expect(BatchNormTestimony(layers).verdict.disagreeingLayer == "bn6")
  }

  /// A foreign tensor in front of a layer changes what reaches it.
  @Test(arguments: 1..<7) func aJumpIsNamed(_ index: Int) {
    var layers = network()
    let foreign = network(layers: 1, from: 12 + index)[0]
    layers[index] = layers[index].with(mean: foreign.mean, variance: foreign.variance)
    let verdict = BatchNormTestimony(layers).verdict
    #expect(verdict.disagreeingLayer == "bn\(index)")
    guard case .disagrees(_, let previous, let z, _) = verdict else { return }
    #expect(previous == "bn\(index - 1)")
    #expect(z > 0.65)
  }

  @Test(arguments: 1..<7) func swappedMeansAreNamed(_ first: Int) {
    var layers = network()
    let means = layers[first].storedMean
    layers[first] = layers[first].with(storedMean: layers[7].storedMean)
    layers[7] = layers[7].with(storedMean: means)
    #expect(BatchNormTestimony(layers).verdict.namedLayer == "bn\(first)")
  }

  @Test(arguments: 1..<7) func swappedVariancesAreNamed(_ first: Int) {
    var layers = network()
    let variances = layers[first].storedVariance
    layers[first] = layers[first].with(storedVariance: layers[7].storedVariance)
    layers[7] = layers[7].with(storedVariance: variances)
    #expect(BatchNormTestimony(layers).verdict.namedLayer == "bn\(first)")
  }

  /// In the first layer nothing comes before that could agree, but its values are found elsewhere.
  @Test func exchangesWithTheFirstLayerAreNamed() {
    var layers = network()
    let (means, variances) = (layers[0].storedMean, layers[0].storedVariance)
    layers[0] = layers[0].with(storedMean: layers[5].storedMean)
    layers[5] = layers[5].with(storedMean: means)
    #expect(
      BatchNormTestimony(layers).verdict
        == .exchanged(BatchNormExchange(kind: .means, first: "bn0", second: "bn5")))
    layers = network()
    layers[0] = layers[0].with(storedVariance: layers[5].storedVariance)
    layers[5] = layers[5].with(storedVariance: variances)
    #expect(
      BatchNormTestimony(layers).verdict
        == .exchanged(BatchNormExchange(kind: .variances, first: "bn0", second: "bn5")))
  }

  /// Neither layers that are alike nor statistics that fit nothing look exchanged.
  @Test func whatIsNotExchangedIsNotNamed() {
    let alike = network(layers: 1)[0]
    #expect(BatchNormTestimony([alike, alike, alike]).verdict.agrees)
    for seed in 0..<200 {
      let strangers = network(layers: 6, from: 100 * seed, channels: 8)
      let others = network(layers: 6, from: 100 * seed + 50, channels: 8)
      let layers = zip(strangers, others).map { $0.with(mean: $1.mean, variance: $1.variance) }
      #expect(BatchNormTestimony(layers).verdict.saysNothing, "seed \(seed)")
    }
  }

  @Test func driftIsNoFault() {
    let layers = network(layers: 12).enumerated().map { index, layer in
      let deviations = layer.storedVariance.map { Double($0).squareRoot() * 0.04 * Double(index) }
      return layer.with(
        mean: zip(layer.mean, deviations).map { $0 + $1 },
        variance: layer.variance.map { $0 * (1 + 0.1 * Double(index)) })
    }
    #expect(BatchNormTestimony(layers).verdict.agrees)
  }

  @Test func anotherDomainSaysNothing() {
    let layers = network().map { $0.with(variance: $0.variance.map { $0 * 4 }) }
    #expect(BatchNormTestimony(layers).verdict.saysNothing)
  }

  @Test func untrainedAndAbsentStatisticsSayNothing() {
    let layers = network().map {
      $0.with(
        storedMean: $0.storedMean.map { _ in 0 }, storedVariance: $0.storedVariance.map { _ in 1 })
    }
    #expect(
      BatchNormTestimony(layers).verdict == .noTestimony("the batch-norm statistics were never trained"))
    #expect(
      BatchNormTestimony([]).verdict == .noTestimony("the network has no batch normalization"))
  }

  @Test func valuesThatAreNoNumbersNeverAgree() {
    var layers = network()
    layers[5] = layers[5].with(mean: layers[5].mean.map { _ in .nan })
    #expect(BatchNormTestimony(layers).verdict.disagreeingLayer == "bn5")
    layers[0] = layers[0].with(variance: layers[0].variance.map { _ in .nan })
    #expect(BatchNormTestimony(layers).verdict.saysNothing)
  }

  @Test func theModeThatAgreesIsSuggested() {
    let right = BatchNormTestimony(network())
    let wrong = BatchNormTestimony(network().map { $0.with(variance: $0.variance.map { $0 * 100 }) })
    #expect(
      BatchNormTestimony.suggestedMode(
        insteadOf: "caffe", testimonies: ["caffe": wrong, "tf": right, "torch": wrong]) == "tf")
    #expect(
      BatchNormTestimony.suggestedMode(insteadOf: "tf", testimonies: ["caffe": wrong, "tf": right]) == nil)
    #expect(
      BatchNormTestimony.suggestedMode(insteadOf: "caffe", testimonies: ["caffe": wrong, "tf": wrong]) == nil)
  }

  @Test func theOnlyModeThatAgreesIsFound() throws {
    let right = BatchNormTestimony(network())
    let wrong = BatchNormTestimony(network().map { $0.with(variance: $0.variance.map { $0 * 100 }) })
    #expect(BatchNormTestimony.onlyMode(of: ["caffe": wrong, "unit": right, "none": wrong]) == "unit")
    #expect(BatchNormTestimony.onlyMode(of: ["caffe": right, "unit": right]) == nil)
    #expect(BatchNormTestimony.onlyMode(of: ["caffe": wrong]) == nil)
    // A first layer that is no witness for weights still tells scales apart.
    let dim = BatchNormTestimony(network().map { $0.with(variance: $0.variance.map { $0 * 1.5 }) })
    #expect(dim.verdict.saysNothing && dim.misfit == nil)
    #expect(BatchNormTestimony.onlyMode(of: ["tf": wrong, "unit": dim]) == "unit")
    #expect(
      BatchNormTestimony.suggestedMode(insteadOf: "unit", testimonies: ["tf": right, "unit": dim]) == nil)
    #expect(try #require(wrong.misfit) > 4)
    let broken = network().map { $0.with(variance: $0.variance.map { _ in .nan }) }
    #expect(BatchNormTestimony(broken).misfit == nil)
  }

  @Test func momentsOfSeveralTensors() {
    var moments = ChannelMoments(channels: 2)
    moments.add([1000, 1, 1002, 1])
    moments.add([1004, 4])
    #expect(moments.mean == [1002, 2])
    #expect(zip(moments.variance, [8.0 / 3, 2]).allSatisfy { abs($0 - $1) < 1e-12 })
  }
}
