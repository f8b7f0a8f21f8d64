/// How channels become those of the same values in another shape, in row-major order.
struct Rearrangement {
  let from: Int
  let to: Int

  /// Nil where values of one channel come to many and values of many channels to one.
  init?(from: Int, to: Int) {
    guard from > 0, to > 0, from % to == 0 || to % from == 0 else { return nil }
    self.from = from
    self.to = to
  }

  /// The channels that become `channel`.
  private func sources(of channel: Int) -> StrideTo<Int> {
    to >= from
      ? stride(from: channel % from, to: channel % from + 1, by: 1) : stride(from: channel, to: from, by: to)
  }

  /// A channel of several has the moments of their mixture.
  func apply(to input: ValuePrediction.ChannelMoments) -> ValuePrediction.ChannelMoments {
    let channels = input.channels
    return .init(
      (0..<to).map { channel in
        let parts = sources(of: channel).map { channels[$0] }
        let count = Double(parts.count)
        let mean = parts.reduce(0) { $0 + $1.mean } / count
        let square = parts.reduce(0) { $0 + $1.variance + $1.mean * $1.mean } / count
        return Moments(mean: mean, variance: max(0, square - mean * mean))
      })
  }

  /// A channel of several has the range that all of them are within.
  func apply(to input: ValuePrediction.ChannelRanges) -> ValuePrediction.ChannelRanges {
    .init(
      (0..<to).map { channel in
        let parts = sources(of: channel)
        return (parts.map { input.lowest[$0] }.min() ?? 0)...(parts.map { input.highest[$0] }.max() ?? 0)
      })
  }
}

extension ValuePrediction.ChannelMoments {
  /// The same channels so many times.
  func repeated(_ count: Int) -> Self {
    Self(
      means: (0..<count).flatMap { _ in means }, variances: (0..<count).flatMap { _ in variances })
  }
}
