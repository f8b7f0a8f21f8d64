import ZooSystem

extension BatchNormTestimony.Deviation {
  init(_ layer: BatchNormStatistics) {
    let epsilon = layer.epsilon
    let floor = 1e-6 * Self.median(layer.storedVariance.map(Double.init))
    var means: [Double] = []
    var storedMeans: [Double] = []
    var measured: [Double] = []
    var stored: [Double] = []
    for channel in layer.storedMean.indices where Double(layer.storedVariance[channel]) >= floor {
      let variance = Double(layer.storedVariance[channel]) + epsilon
      means.append(layer.mean[channel] / variance.squareRoot())
      storedMeans.append(Double(layer.storedMean[channel]) / variance.squareRoot())
      measured.append(log(layer.variance[channel] + epsilon))
      stored.append(log(variance))
    }
    self.init(
      layer: layer.layer, z: Self.median(zip(means, storedMeans).map { abs($0 - $1) }),
      v: Self.median(zip(measured, stored).map { abs($0 - $1) }), r: Self.correlation(measured, stored),
      m: Self.correlation(means, storedMeans))
  }

  /// The median; not a number where one of the values is none, or there are no values.
  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty, !values.contains(where: \.isNaN) else { return .nan }
    let sorted = values.sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }

  /// Pearson's correlation; 0 where one of the two does not vary.
  static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    guard !a.isEmpty else { return 0 }
    let meanA = a.reduce(0, +) / Double(a.count)
    let meanB = b.reduce(0, +) / Double(b.count)
    var (product, squareA, squareB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - meanA) * (y - meanB)
      squareA += (x - meanA) * (x - meanA)
      squareB += (y - meanB) * (y - meanB)
    }
    let scale = (squareA * squareB).squareRoot()
    return scale > 0 ? product / scale : 0
  }
}
