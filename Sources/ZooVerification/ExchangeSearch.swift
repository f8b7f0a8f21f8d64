import ZooSystem
import ZooTensor

/// Looks through all pairs of a network's batch-norm layers for two that have each other's tensors.
///
/// Whether the tensors of each of two layers fit the other one by more than chance is a question of their
/// channels: where nothing was exchanged, the channels of two layers have no order in common, so that one
/// layer's tensors fit the other no better than they do with their channels shuffled. How well they fit with
/// many shuffles gives the mean and deviation of chance, whatever the images and whatever the layers hold.
///
/// The more pairs are tried, the more often chance alone goes far. Of N hypotheses, one or more pass a bar of
/// b standard deviations with a probability of at most N Q(b), where Q is the tail of the normal distribution
/// (Bonferroni's correction; it does not matter how the hypotheses depend on each other). Since
/// Q(b) <= exp(-b² / 2) / 2, the bar b = √(2 ln(N / 2α)) keeps that below α: see
/// ``BatchNormExchange/bar(hypotheses:)``.
struct ExchangeSearch {
  private let layers: [BatchNormStatistics]
  /// Layers of one shape, the earlier one first.
  private let pairs: [(first: Int, second: Int)]
  /// By how many standard deviations of chance an exchange has to fit, where only chance can tell.
  private let bar: Double
  /// Of the first layer from its training, and the most by which it may deviate if the images agree.
  private let firstDeviation: BatchNormTestimony.Deviation?
  private let start: (z: Double, v: Double)

  init(_ layers: [BatchNormStatistics], images: BatchNormTestimony.Images) {
    self.layers = layers
    start = Tolerances.firstLayer(images)
    pairs = layers.indices.flatMap { second in
      (0..<second).filter { first in
        layers[first].mean.count == layers[second].mean.count
          && layers[first].mean.count >= Tolerances.fewestChannels
      }.map { ($0, second) }
    }
    firstDeviation = layers.first.map(BatchNormTestimony.Deviation.init)
    bar = BatchNormExchange.bar(hypotheses: pairs.count * BatchNormExchange.Kind.allCases.count)
  }

  /// The clearest exchange among the layers, if there is one.
  func exchange() -> BatchNormExchange? {
    // Variances tell most, and what comes after them takes longer.
    if let exchange = clearest(of: [.variances], among: layers.map { Side($0) }) { return exchange }
    let indexByName = Dictionary(layers.indices.map { (layers[$0].layer, $0) }) { first, _ in first }
    let sides = layers.map { layer in
      let next = (layer.succession?.next).flatMap { indexByName[$0] }
      return Side(layer, next.flatMap { BatchNormPrediction(layer, next: layers[$0]) })
    }
    return clearest(of: [.means, .gammas, .betas, .gammasAndBetas], among: sides)
  }

  /// The exchange of the largest gain, among those that are beyond chance.
  private func clearest(of kinds: [BatchNormExchange.Kind], among sides: [Side]) -> BatchNormExchange? {
    var candidates: [(gain: Double, comparison: Comparison)] = []
    for (first, second) in pairs {
      for kind in kinds {
        let comparison = Comparison(kind: kind, first: sides[first], second: sides[second])
        if let gain = comparison.gain(
          imagesFit: firstLayer(isWithin: Tolerances.hopeless, after: comparison))
        {
          candidates.append((gain, comparison))
        }
      }
    }
    // Shuffling takes time, and few candidates need it.
    return candidates.sorted { $0.gain > $1.gain }
      .first { $0.comparison.deviationsBeyondChance >= bar(for: $0.comparison, gain: $0.gain) }?
      .comparison.exchange
  }

  /// By how many standard deviations of chance an exchange has to fit.
  private func bar(for comparison: Comparison, gain: Double) -> Double {
    guard let own = firstDeviation else { return bar }
    // Where the images are like those of training, every layer's own tensors should fit: that they do not is
    // no matter of chance.
    if own.isWithin(start) { return Tolerances.beyondChance.onImagesOfTraining }
    let channels = comparison.first.layer.mean.count
    if comparison.kind == .means, gain >= 1.5 * Tolerances.gainOfBoth(channels: channels),
      firstLayer(isWithin: start, after: comparison)
    {
      return Tolerances.beyondChance.onImagesOfTraining
    }
    return bar
  }

  /// Whether the first layer deviates by no more than `limit` with its own statistics, or with those that the
  /// exchange may have taken from it.
  private func firstLayer(isWithin limit: (z: Double, v: Double), after comparison: Comparison) -> Bool {
    guard let first = layers.first, let own = firstDeviation else { return false }
    if own.isWithin(limit) { return true }
    guard comparison.kind.isStored, comparison.first.layer.layer == first.layer else { return false }
    let other = BatchNormTestimony.Deviation(first.with(statisticsOf: comparison.second.layer))
    return min(own.z, other.z) <= limit.z && min(own.v, other.v) <= limit.v
  }
}

/// One of two layers that may have exchanged their tensors.
private struct Side {
  let layer: BatchNormStatistics
  /// How well its gamma and beta explain what another layer has stored, where that tells anything.
  private let prediction: BatchNormPrediction?
  /// How well its own tensors fit.
  private let own: (variances: Double?, means: Double?, parameters: Double?)

  init(_ layer: BatchNormStatistics, _ prediction: BatchNormPrediction? = nil) {
    self.layer = layer
    self.prediction = prediction
    func fit(_ kind: BatchNormExchange.Kind) -> Double? {
      Self.fit(kind, of: layer, at: layer, prediction)
    }
    own = (fit(.variances), fit(.means), fit(.gammasAndBetas))
  }

  /// How much better another layer's tensors fit than its own, and how well. Nil where nothing tells.
  func gain(_ kind: BatchNormExchange.Kind, of other: BatchNormStatistics) -> (gain: Double, fit: Double)? {
    guard let crossed = fit(kind, of: other) else { return nil }
    let own =
      switch kind {
      case .variances: own.variances
      case .means: own.means
      case .gammas, .betas, .gammasAndBetas: own.parameters
      }
    return own.map { (crossed - $0, crossed) }
  }

  /// How well another layer's tensors fit: the larger the better. Nil where nothing tells.
  func fit(_ kind: BatchNormExchange.Kind, of other: BatchNormStatistics) -> Double? {
    Self.fit(kind, of: other, at: layer, prediction)
  }

  private static func fit(
    _ kind: BatchNormExchange.Kind, of other: BatchNormStatistics, at layer: BatchNormStatistics,
    _ prediction: BatchNormPrediction?
  ) -> Double? {
    switch kind {
    case .variances: layer.correlation(withVariancesOf: other)
    // Where nothing deviates, nothing can be gained either.
    case .means: -log(layer.deviation(from: other) + 1e-6)
    case .gammas: (prediction?.error(gamma: other.gamma, beta: layer.beta)).map { -log($0) }
    case .betas: (prediction?.error(gamma: layer.gamma, beta: other.beta)).map { -log($0) }
    case .gammasAndBetas: (prediction?.error(gamma: other.gamma, beta: other.beta)).map { -log($0) }
    }
  }
}

/// Whether two layers have exchanged their tensors of a kind.
private struct Comparison {
  let kind: BatchNormExchange.Kind
  let first: Side
  let second: Side

  private static let shuffles = 100

  var exchange: BatchNormExchange {
    BatchNormExchange(kind: kind, first: first.layer.layer, second: second.layer.layer)
  }

  private var channels: Int { first.layer.mean.count }

  /// By how much better the tensors fit the other layer than their own, both together; nil where that is not
  /// clearly so.
  ///
  /// - Parameter imagesFit: whether the images are like those of training.
  func gain(imagesFit: Bool) -> Double? {
    let fits = [first.gain(kind, of: second.layer), second.gain(kind, of: first.layer)].compactMap { $0 }
    guard let least = fits.map(\.gain).min() else { return nil }
    let together = fits.reduce(0) { $0 + $1.gain }
    switch kind {
    case .variances:
      let scale = Double(channels - 3).squareRoot()
      let deviations = together * scale / 2
      guard
        fits.allSatisfy({
          $0.fit >= max(atanh(Tolerances.exchangedVariances), Tolerances.beyondChance.atAll / scale)
        }), deviations >= Tolerances.beyondChance.together,
        least * scale / 2.0.squareRoot() >= Tolerances.beyondChance.each
      else { return nil }
      return deviations
    case .means where !(first.layer.deviation(from: second.layer) <= Tolerances.exchangedMeans):
      return nil
    case .means, .gammas, .betas, .gammasAndBetas:
      return together >= Tolerances.gainOfBoth(channels: channels)
        && least >= Tolerances.gainOfEach(imagesFit: imagesFit) ? together : nil
    }
  }

  /// By how many standard deviations the tensors fit the other layers better than with their channels shuffled.
  var deviationsBeyondChance: Double {
    /// Both layers' tensors in the other's place, where the second layer's channels are in another order.
    func fit(_ order: [Int]) -> Double {
      var inverse = order
      for (place, channel) in order.enumerated() { inverse[channel] = place }
      return (first.fit(kind, of: second.layer.inOrder(order)) ?? 0)
        + (second.fit(kind, of: first.layer.inOrder(inverse)) ?? 0)
    }
    let fits = (0..<Self.shuffles).map { fit(shuffled(channels, seed: UInt64($0))) }
    let mean = fits.reduce(0, +) / Double(fits.count)
    let variance = fits.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(fits.count - 1)
    return (fit(Array(0..<channels)) - mean) / max(variance.squareRoot(), Tolerances.leastChance)
  }

  private func shuffled(_ count: Int, seed: UInt64) -> [Int] {
    let random = CounterRandom(seed: seed)
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(random.unit(last) * Double(last + 1)))
    }
    return order
  }
}

extension BatchNormStatistics {
  /// The same with its channels' tensors in another order; what reaches it stays.
  fileprivate func inOrder(_ order: [Int]) -> BatchNormStatistics {
    BatchNormStatistics(
      layer: layer, storedMean: order.map { storedMean[$0] },
      storedVariance: order.map { storedVariance[$0] },
      epsilon: epsilon, mean: mean, variance: variance, gamma: order.map { gamma[$0] },
      beta: order.map { beta[$0] })
  }

  /// The same with what another layer has stored.
  fileprivate func with(statisticsOf other: BatchNormStatistics) -> BatchNormStatistics {
    BatchNormStatistics(
      layer: layer, storedMean: other.storedMean, storedVariance: other.storedVariance, epsilon: epsilon,
      mean: mean, variance: variance)
  }

  /// The median over channels of the distance, in standard deviations, of the mean from the one that
  /// `other` has stored.
  fileprivate func deviation(from other: BatchNormStatistics) -> Double {
    BatchNormTestimony.Deviation.median(
      mean.indices.map {
        abs(mean[$0] - Double(other.storedMean[$0])) / (variance[$0] + epsilon).squareRoot()
      })
  }

  /// How well the variances that `other` has stored correlate with those that reach this layer, in
  /// logarithms: Fisher's transform, which spreads evenly.
  fileprivate func correlation(withVariancesOf other: BatchNormStatistics) -> Double {
    let correlation = BatchNormTestimony.Deviation.correlation(
      variance.map { log($0 + epsilon) }, other.storedVariance.map { log(Double($0) + other.epsilon) })
    return atanh(min(0.9999, max(-0.9999, correlation)))
  }
}
