import Testing
import ZooGraph
import ZooImages
import ZooTensor
import ZooVerification

/// Two batch norms, each with another one behind it, as they are in a trained network: every layer has
/// stored what reaches it, and then gammas or betas change places.
@Suite struct BatchNormExchangeTests {
  private static let channels = 24
  private static let sampleCount = 512

  /// A batch norm and the layers around it.
  private struct Block {
    let samples: [[Float]]
    let gamma: [Double]
    let beta: [Double]
    /// Row-major (input channels, output channels); nil: the response is per channel.
    let mixing: [Float]?

    init(seed: Int, mixes: Bool) {
      let random = CounterRandom(seed: UInt64(seed))
      let (channels, count) = (BatchNormExchangeTests.channels, BatchNormExchangeTests.sampleCount)
      samples = (0..<channels).map { channel in
        (0..<count).map { Float(random.signed(channel * count + $0) * 3 + random.signed(channel)) }
      }
      gamma = (0..<channels).map { 0.4 + 1.6 * random.unit(1_000_000 + $0) }
      beta = (0..<channels).map { random.signed(2_000_000 + $0) }
      mixing = mixes ? (0..<channels * channels * 2).map { Float(random.signed(3_000_000 + $0)) } : nil
    }

    /// What leaves the ReLU behind the batch norm.
    func output(gamma: [Double], beta: [Double]) -> [[Double]] {
      zip(samples.indices, statistics(samples.map { $0.map(Double.init) })).map { channel, moments in
        let scale = gamma[channel] / (moments.variance + 0.001).squareRoot()
        return samples[channel].map { max(0, (Double($0) - moments.mean) * scale + beta[channel]) }
      }
    }

    /// What reaches the batch norm behind.
    func response(gamma: [Double], beta: [Double]) -> [(mean: Double, variance: Double)] {
      let output = output(gamma: gamma, beta: beta)
      guard let mixing else { return statistics(output.map { $0.map { $0 * 0.7 } }) }
      let columns = mixing.count / output.count
      return statistics(
        (0..<columns).map { column in
          (0..<BatchNormExchangeTests.sampleCount).map { sample in
            output.indices.reduce(0) { $0 + output[$1][sample] * Double(mixing[$1 * columns + column]) }
          }
        })
    }

    func statistics(_ values: [[Double]]) -> [(mean: Double, variance: Double)] {
      values.map { values in
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
      }
    }

    /// The batch norm and the one behind it, where `gamma` and `beta` stand in the place of its own.
    func layers(_ name: String, gamma: [Double]? = nil, beta: [Double]? = nil) -> [BatchNormStatistics] {
      let own = statistics(samples.map { $0.map(Double.init) })
      let trained = response(gamma: self.gamma, beta: self.beta)
      let measured = response(gamma: gamma ?? self.gamma, beta: beta ?? self.beta)
      return [
        BatchNormStatistics(
          layer: name, storedMean: own.map { Float($0.mean) }, storedVariance: own.map { Float($0.variance) },
          epsilon: 0.001, mean: own.map(\.mean), variance: own.map(\.variance), gamma: gamma ?? self.gamma,
          beta: beta ?? self.beta,
          succession: BatchNormSuccession(
            next: name + "_next", activations: [.relu],
            response: mixing.map { .mixing($0) } ?? .perChannel, samples: samples)),
        BatchNormStatistics(
          layer: name + "_next", storedMean: trained.map { Float($0.mean) },
          storedVariance: trained.map { Float($0.variance) }, epsilon: 0.001, mean: measured.map(\.mean),
          variance: measured.map(\.variance)),
      ]
    }
  }

  private func isExchange(_ verdict: BatchNormTestimony.Verdict) -> Bool {
    if case .exchanged = verdict { true } else { false }
  }

  @Test(arguments: [(false, false), (false, true), (true, true)])
  func gammasAndBetasOfTwoLayersAreNamed(mixes: (first: Bool, second: Bool)) {
    for seed in stride(from: 0, to: 20, by: 2) {
      let (a, b) = (Block(seed: seed, mixes: mixes.first), Block(seed: seed + 1, mixes: mixes.second))
      #expect(!isExchange(BatchNormTestimony(a.layers("a") + b.layers("b")).verdict), "seed \(seed)")
      let exchanged: [(BatchNormExchange.Kind, [BatchNormStatistics])] = [
        (.gammas, a.layers("a", gamma: b.gamma) + b.layers("b", gamma: a.gamma)),
        (.betas, a.layers("a", beta: b.beta) + b.layers("b", beta: a.beta)),
        (
          .gammasAndBetas,
          a.layers("a", gamma: b.gamma, beta: b.beta) + b.layers("b", gamma: a.gamma, beta: a.beta)
        ),
      ]
      // Where nothing mixes the channels, gammas and betas together look like the layers behind exchanged.
      let isSeen = mixes.first || mixes.second
      for (kind, layers) in exchanged where kind != .gammasAndBetas || isSeen {
        #expect(
          BatchNormTestimony(layers).verdict
            == .exchanged(BatchNormExchange(kind: kind, first: "a", second: "b")), "\(kind), seed \(seed)")
      }
    }
  }

  /// The order of the channels is no exchange between layers: it is for other checks to find.
  @Test func whatFitsNeitherLayerIsNoExchange() {
    for seed in stride(from: 100, to: 120, by: 2) {
      let (a, b) = (Block(seed: seed, mixes: false), Block(seed: seed + 1, mixes: true))
      let layers = a.layers("a", gamma: a.gamma.reversed()) + b.layers("b", gamma: b.gamma.reversed())
      #expect(!isExchange(BatchNormTestimony(layers).verdict), "seed \(seed)")
    }
  }

  /// What a layer that is called twice has stored is of neither call.
  @Test func aSharedLayerDoesNotTestify() throws {
    let norm = BatchNormalization(epsilon: 0.001)
    let graph = try Graph(
      layers: [
        .init(name: "input", operation: .input(shape: [8, 8, 3]), inputs: []),
        .init(name: "own", operation: .batchNormalization(norm), inputs: [0]),
        .init(name: "twice", operation: .batchNormalization(norm), inputs: [1]),
        .init(name: "twice:2", operation: .batchNormalization(norm), inputs: [2], sharing: 2),
      ], outputs: [3])
    #expect(graph.layersWithTestimony == ["input", "own"])
  }
}
