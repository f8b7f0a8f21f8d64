/// The lowest and highest that a value of a network is expected to be: of all of it, or of each of its channels
/// (last axis).
package struct ValueRange: Sendable, Hashable {
  package let lowest: [Float]
  package let highest: [Float]

  /// Returns nil unless there are as many of both, at least one, finite and in order.
  package init?(lowest: [Float], highest: [Float]) {
    guard !lowest.isEmpty, lowest.count == highest.count,
      zip(lowest, highest).allSatisfy({ $0.isFinite && $1.isFinite && $0 <= $1 })
    else { return nil }
    self.lowest = lowest
    self.highest = highest
  }
}

/// How a value of a network is written in codes of 8 bits: value = scale · (code − origin).
///
/// Both follow from a range by one rule. The range is cut off at what its layer's activation cuts off, and widened
/// to hold 0. The scale is (highest − lowest) / 255, computed in 64 bits and rounded to a 32-bit float; 1 where that
/// is less than the smallest normal one. The origin is −lowest / scale, computed in 64 bits and rounded to the
/// nearest whole number, ties to the even one. So 0 has a code of its own, and a ReLU is where codes end.
///
/// Of a network's input, codes go from the lowest to the highest, and the origin isn't rounded: codes of pictures so are
/// their pixels, whatever these became before they enter the network.
///
/// A wide code has 16 bits, for values that are added up: 256 times as fine, value = scale / 256 · (code − 256 · origin).
package struct ValueCode: Sendable, Hashable {
  /// One, or one for each channel.
  package let scales: [Float]
  /// As many: the code of what is 0, or of an input what is nearest to it.
  package let zeros: [UInt8]
  /// As many.
  package let origins: [Double]

  package init(_ range: ValueRange, cutOff bounds: (lo: Float, hi: Float) = (-.infinity, .infinity)) {
    var (scales, zeros): ([Float], [UInt8]) = ([], [])
    for (lowest, highest) in zip(range.lowest, range.highest) {
      let lowest = Double(min(max(lowest, bounds.lo), 0))
      let highest = Double(max(min(highest, bounds.hi), 0))
      var scale = Float((highest - lowest) / 255)
      if scale < Float.leastNormalMagnitude { scale = 1 }
      scales.append(scale)
      zeros.append(UInt8(min(255, max(0, (-lowest / Double(scale)).rounded(.toNearestOrEven)))))
    }
    (self.scales, self.zeros, origins) = (scales, zeros, zeros.map(Double.init))
  }

  /// Of a network's input.
  package init(ofInput range: ValueRange) {
    let ends = zip(range.lowest, range.highest).map { (lowest: Double($0), highest: Double($1)) }
    let isSame = ends.allSatisfy { $0 == ends[0] }
    var (scales, origins): ([Float], [Double]) = ([], [])
    for (lowest, highest) in isSame ? Array(ends.prefix(1)) : ends {
      var scale = Float((highest - lowest) / 255)
      if scale < Float.leastNormalMagnitude { scale = 1 }
      scales.append(scale)
      origins.append(-lowest / Double(scale))
    }
    (self.scales, self.origins) = (scales, origins)
    zeros = origins.map { UInt8(min(255, max(0, $0.rounded(.toNearestOrEven)))) }
  }

  /// Whether all channels have the same.
  package var isUniform: Bool { scales.count == 1 }

  /// Of a channel.
  package func scale(_ channel: Int) -> Float { isUniform ? scales[0] : scales[channel] }
  package func zero(_ channel: Int) -> UInt8 { isUniform ? zeros[0] : zeros[channel] }
  package func origin(_ channel: Int) -> Double { isUniform ? origins[0] : origins[channel] }

  package var largestScale: Float { scales.max() ?? 1 }
  /// Of the largest scale.
  package var scaleShares: [Float] { scales.map { Float(Double($0) / Double(largestScale)) } }

  /// Of a channel, how far its code of 0 is off.
  package func zeroError(_ channel: Int) -> Double { Double(zero(channel)) - origin(channel) }

  /// What makes codes of `other` of these, as the offset of `code · factor + offset`; both have one scale.
  package func offset(into other: ValueCode, factor: Float) -> Float {
    Float(other.origins[0] - Double(factor) * origins[0])
  }
}
