import Testing
import ZooSystem
import ZooTensor
import ZooVerification

/// What chance makes up is no exchange, however well it fits; the more is tried, the farther chance goes.
@Suite struct ExchangeSearchTests {
  /// A layer whose stored means are around `stored` and which `measured` reaches, over `channels` channels: each
  /// scattered by 0.3, by the random numbers of its key.
  private func layer(
    _ name: String, channels: Int = 32, stored: (around: Double, key: Int),
    measured: (around: Double, key: Int),
    noise: Double = 0, variances: Int = 0
  ) -> BatchNormStatistics {
    func values(_ value: (around: Double, key: Int)) -> [Double] {
      let random = CounterRandom(seed: UInt64(value.key))
      return (0..<channels).map { value.around + 0.3 * random.signed($0) }
    }
    let random = CounterRandom(seed: UInt64(variances))
    let scatter = CounterRandom(seed: UInt64(1_000_000 + measured.key))
    let variance = (0..<channels).map { 0.5 + random.unit($0) }
    return BatchNormStatistics(
      layer: name, storedMean: values(stored).map(Float.init), storedVariance: variance.map(Float.init),
      epsilon: 0.001, mean: values(measured).enumerated().map { $1 + noise * scatter.signed($0) },
      variance: variance)
  }

  /// A first layer that images of another kind reach.
  private var stem: BatchNormStatistics { layer("stem", channels: 40, stored: (9, 5), measured: (0, 6)) }

  private func exchange(_ layers: [BatchNormStatistics]) -> BatchNormExchange? {
    if case .exchanged(let exchange) = BatchNormTestimony(layers).verdict { exchange } else { nil }
  }

  /// As in a network that scales the pixels, calibrated on noise: the first layer has stored large means and small
  /// ones reach it, and one of the others happens to have it the other way round.
  @Test(arguments: 0..<50) func meansThatFitInAnyOrderAreNoExchange(seed: Int) {
    let keys = (1..<5).map { 10 * seed + $0 }
    let first = layer("a", stored: (3, keys[0]), measured: (0, keys[1]), variances: seed)
    let second = layer("b", stored: (0, keys[2]), measured: (3, keys[3]), variances: seed + 1000)
    #expect(exchange([stem, first, second]) == nil)
  }

  /// The same means, but each channel of one layer is reached by what the other has stored for it.
  @Test(arguments: 0..<50) func meansThatFitChannelByChannelAreAnExchange(seed: Int) {
    let keys = [20 * seed + 1, 20 * seed + 2]
    let first = layer("a", stored: (3, keys[0]), measured: (0, keys[1]), noise: 0.05, variances: seed)
    let second = layer("b", stored: (0, keys[1]), measured: (3, keys[0]), noise: 0.05, variances: seed + 1000)
    #expect(exchange([stem, first, second]) == BatchNormExchange(kind: .means, first: "a", second: "b"))
  }

  /// What is beyond chance for two layers is not where thousands of pairs are tried.
  @Test func theBarRisesWithTheNumberOfPairs() {
    let keys = [7, 8]
    let pair = [
      layer("a", channels: 24, stored: (2, keys[0]), measured: (0, keys[1]), noise: 0.16, variances: 1),
      layer("b", channels: 24, stored: (0, keys[1]), measured: (2, keys[0]), noise: 0.16, variances: 2),
    ]
    #expect(exchange([stem] + pair) == BatchNormExchange(kind: .means, first: "a", second: "b"))
    let sound = (0..<120).map {
      layer(
        "sound\($0)", channels: 24, stored: (10 + Double($0), 100 + $0),
        measured: (10 + Double($0), 100 + $0),
        variances: 100 + $0)
    }
    #expect(exchange([stem] + Array(sound[..<2]) + pair) != nil)
    #expect(exchange([stem] + sound + pair) == nil)
  }

  /// All hypotheses together pass it with a probability below 0.0001, and the bound is not far from that.
  @Test(arguments: [1, 5, 332, 10_000, 1_000_000]) func theBarKeepsChanceSmall(hypotheses: Int) {
    let bar = BatchNormExchange.bar(hypotheses: hypotheses)
    let chance = Double(hypotheses) * erfc(bar / 2.0.squareRoot()) / 2
    #expect(chance <= 0.0001 && chance >= 0.000005, "\(bar): \(chance)")
    #expect(bar < BatchNormExchange.bar(hypotheses: hypotheses + 1))
  }

  /// Layers that read one sum, on other images than those of training: what reaches each is more than what all
  /// have stored, and the tensors of the later one fit better at both, or nearly so.
  @Test func layersOfOneSumOnForeignImagesAreNoExchange() {
    let random = CounterRandom(seed: 3)
    let direction = (0..<32).map { random.signed($0) }
    func grown(_ name: String, stored: Double, measured: Double, variances: Int) -> BatchNormStatistics {
      let plain = layer(name, stored: (0, 1), measured: (0, 1), variances: variances)
      return BatchNormStatistics(
        layer: name, storedMean: direction.map { Float($0 * stored) }, storedVariance: plain.storedVariance,
        epsilon: 0.001, mean: direction.map { $0 * measured }, variance: plain.variance)
    }
    let layers = [
      grown("stem", stored: 0.1, measured: 20, variances: 1),
      grown("a", stored: 1, measured: 2.2, variances: 2),
      grown("b", stored: 2, measured: 10, variances: 3),
    ]
    #expect(exchange(layers) == nil)
  }
}
