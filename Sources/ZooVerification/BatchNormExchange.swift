import ZooSystem

/// Two batch-norm layers of one shape whose tensors have changed places.
///
/// Each of the two layers' tensors then fit the other layer, and clearly better than their own:
/// - the stored means deviate less from the means of what reaches the other layer;
/// - the stored variances correlate more, over the channels, with the variances of what reaches the other
///   layer. Not their deviations are compared, because images of more or less contrast scale all variances;
/// - the gammas and betas predict what the layer behind the other one has stored (``BatchNormPrediction``).
///
/// A layer is compared with itself alone, so none of this needs the images to match the training data well:
/// exchanges show between layers that are much alike, and in the first layers. What was exchanged may also
/// be the weights in front of the two layers, where it is their statistics that have changed places.
package struct BatchNormExchange: Sendable, Equatable {
  package enum Kind: String, Sendable {
    case means = "moving means"
    case variances = "moving variances"
    case gammas, betas
    case gammasAndBetas = "gammas and betas"

    /// Whether it is a statistic of what reaches the layer, and not a parameter.
    var isStored: Bool { self == .means || self == .variances }
  }

  package let kind: Kind
  /// The layers in the order of the network.
  package let first: String
  package let second: String

  package init(kind: Kind, first: String, second: String) {
    self.kind = kind
    self.first = first
    self.second = second
  }

  /// The clearest exchange among the layers, if there is one.
  static func find(in layers: [BatchNormStatistics]) -> BatchNormExchange? {
    let fits = layers.map { $0.fit(of: $0) }
    let ofVariances = clearest(among: layers, of: [.variances]) { _, first, second in
      let crossed = (layers[first].fit(of: layers[second]), layers[second].fit(of: layers[first]))
      let gains = (crossed.0 - fits[first], crossed.1 - fits[second])
      let scale = Double(layers[first].mean.count - 3).squareRoot()
      let together = (gains.0 + gains.1) * scale / 2
      return min(crossed.0, crossed.1)
        >= max(atanh(Tolerances.exchangedVariances), Tolerances.beyondChance.atAll / scale)
        && together >= Tolerances.beyondChance.together
        && min(gains.0, gains.1) * scale / 2.0.squareRoot() >= Tolerances.beyondChance.each ? together : nil
    }
    if let ofVariances { return ofVariances }

    let indexByName = Dictionary(layers.indices.map { (layers[$0].layer, $0) }) { first, _ in first }
    let predictions = layers.map { layer in
      (layer.succession?.next).flatMap { indexByName[$0] }.flatMap {
        BatchNormPrediction(layer, next: layers[$0])
      }
    }
    return clearest(among: layers, of: [.means, .gammas, .betas, .gammasAndBetas]) { kind, first, second in
      if kind == .means { return gainOfMeans(layers[first], layers[second]) }
      let gains = [
        predictions[first]?.gain(kind, from: layers[second]),
        predictions[second]?.gain(kind, from: layers[first]),
      ].compactMap { $0 }
      let together = gains.reduce(0, +)
      return together >= Tolerances.gainOfBoth(channels: layers[first].mean.count)
        && gains.allSatisfy { $0 >= Tolerances.gainOfEach } ? together : nil
    }
  }

  private static func gainOfMeans(_ first: BatchNormStatistics, _ second: BatchNormStatistics) -> Double? {
    func gain(_ own: Double, _ exchanged: Double) -> Double {
      // Where nothing deviates, nothing can be gained either.
      log((own + 1e-6) / (exchanged + 1e-6))
    }
    let exchanged = first.deviation(from: second)
    guard exchanged <= Tolerances.exchangedMeans else { return nil }
    let gains = (
      gain(first.deviation(from: first), exchanged),
      gain(second.deviation(from: second), second.deviation(from: first))
    )
    let together = gains.0 + gains.1
    return together >= Tolerances.gainOfBoth(channels: first.mean.count)
      && min(gains.0, gains.1) >= Tolerances.gainOfEach
      ? together : nil
  }

  /// The exchange of the largest gain, among those that have one.
  private static func clearest(
    among layers: [BatchNormStatistics], of kinds: [Kind], gain: (Kind, Int, Int) -> Double?
  ) -> BatchNormExchange? {
    var best: (gain: Double, exchange: BatchNormExchange)?
    for second in layers.indices {
      for first in 0..<second
      where layers[first].mean.count == layers[second].mean.count
        && layers[first].mean.count >= Tolerances.fewestChannels
      {
        for kind in kinds {
          guard let gain = gain(kind, first, second), gain > best?.gain ?? 0 else { continue }
          best = (
            gain, BatchNormExchange(kind: kind, first: layers[first].layer, second: layers[second].layer)
          )
        }
      }
    }
    return best?.exchange
  }
}

extension BatchNormPrediction {
  /// The gain with the gammas, betas or both of another layer.
  fileprivate func gain(_ kind: BatchNormExchange.Kind, from other: BatchNormStatistics) -> Double {
    gain(gamma: kind == .betas ? nil : other.gamma, beta: kind == .gammas ? nil : other.beta)
  }
}

extension BatchNormStatistics {
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
  fileprivate func fit(of other: BatchNormStatistics) -> Double {
    let correlation = BatchNormTestimony.Deviation.correlation(
      variance.map { log($0 + epsilon) }, other.storedVariance.map { log(Double($0) + other.epsilon) })
    return atanh(min(0.9999, max(-0.9999, correlation)))
  }
}
