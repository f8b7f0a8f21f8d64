#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Two batch-norm layers of one shape whose stored means or variances have changed places.
///
/// Over its channels, what a layer has stored correlates with what reaches it. Where instead each of
/// two layers' stored values fit what reaches the other, and clearly better, they were exchanged. That
/// needs no threshold on how well the images match the training data, so it sees exchanges between
/// layers with much the same spread of values, and in the first layers too. What was exchanged may also
/// be the weights in front of the two layers.
package struct BatchNormExchange: Sendable, Equatable {
  package enum Statistic: String, Sendable {
    case means, variances
  }

  package let statistic: Statistic
  /// The layers in the order of the network.
  package let first: String
  package let second: String

  package init(statistic: Statistic, first: String, second: String) {
    self.statistic = statistic
    self.first = first
    self.second = second
  }

  /// Under so few channels anything correlates with anything.
  private static let fewestChannels = 8
  /// How well the exchanged values have to fit.
  private static let leastCorrelation = 0.6
  /// By how many standard deviations of chance the exchange has to fit better, together and for each
  /// layer. Fisher's transform of a correlation over n channels has the standard deviation
  /// 1 / sqrt(n - 3), a difference of two 1.4 times that, a sum of two such differences twice that.
  private static let deviations = (together: 4.0, each: 1.5)
  /// By how many such deviations the exchanged values have to fit at all.
  private static let fitDeviations = 2.5

  /// The clearest exchange among the layers, if there is one.
  static func find(in layers: [BatchNormStatistics]) -> BatchNormExchange? {
    var best: (gain: Double, exchange: BatchNormExchange)?
    for statistic in [Statistic.means, .variances] {
      let measured = layers.map { $0.measured(statistic) }
      let stored = layers.map { $0.stored(statistic) }
      let own = layers.indices.map { fit(measured[$0], stored[$0]) }
      for second in layers.indices {
        for first in 0..<second where measured[first].count == measured[second].count {
          let channels = measured[first].count
          guard channels >= fewestChannels else { continue }
          let crossed = (fit(measured[first], stored[second]), fit(measured[second], stored[first]))
          let gains = (crossed.0 - own[first], crossed.1 - own[second])
          let scale = Double(channels - 3).squareRoot()
          guard min(crossed.0, crossed.1) >= max(atanh(leastCorrelation), fitDeviations / scale) else {
            continue
          }
          let gain = (gains.0 + gains.1) * scale / 2
          guard gain >= deviations.together, gain > best?.gain ?? 0,
            min(gains.0, gains.1) * scale / 2.0.squareRoot() >= deviations.each
          else { continue }
          best = (
            gain,
            BatchNormExchange(statistic: statistic, first: layers[first].layer, second: layers[second].layer)
          )
        }
      }
    }
    return best?.exchange
  }

  /// Fisher's transform of the correlation, which spreads evenly.
  private static func fit(_ a: [Double], _ b: [Double]) -> Double {
    atanh(min(0.9999, max(-0.9999, BatchNormTestimony.Deviation.correlation(a, b))))
  }
}

extension BatchNormStatistics {
  fileprivate func measured(_ statistic: BatchNormExchange.Statistic) -> [Double] {
    switch statistic {
    case .means: mean
    case .variances: variance.map { log($0 + epsilon) }
    }
  }

  fileprivate func stored(_ statistic: BatchNormExchange.Statistic) -> [Double] {
    switch statistic {
    case .means: storedMean.map(Double.init)
    case .variances: storedVariance.map { log(Double($0) + epsilon) }
    }
  }
}
