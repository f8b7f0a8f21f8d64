import ZooTensor

/// What follows a linear layer channel by channel, as one scale and shift, with the layer's bias.
package struct FoldedNorms: Sendable {
  /// `nil`: 1.
  package private(set) var scale: [Double]?
  /// `nil`: 0.
  package private(set) var shift: [Double]?

  package init(
    _ norms: [ChannelMap], bias: WeightSlot?, filters: Int, from source: some WeightSource
  ) throws {
    shift = try bias.map { try source.tensor(for: $0).doubles() }
    guard !norms.isEmpty else { return }
    var scale = [Double](repeating: 1, count: filters)
    var shift = shift ?? [Double](repeating: 0, count: filters)
    for norm in norms {
      let (factors, shifts) = try norm.coefficients(channels: filters, from: source)
      for i in 0..<filters {
        scale[i] *= factors[i]
        shift[i] = shift[i] * factors[i] + shifts[i]
      }
    }
    (self.scale, self.shift) = (scale, shift)
  }

  package func withScale(from first: Int, _ body: (UnsafePointer<Double>?) -> Void) {
    guard let scale else { return body(nil) }
    scale.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + first }) }
  }

  /// Writes the shift of these channels; leaves `bias` as it is where there is none.
  package func fill(_ bias: UnsafeMutablePointer<Float>, _ channels: Range<Int>) {
    guard let shift else { return }
    for (index, channel) in channels.enumerated() { bias[index] = Float(shift[channel]) }
  }
}
