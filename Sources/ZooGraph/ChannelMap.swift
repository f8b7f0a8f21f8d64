import ZooTensor

/// An operation that multiplies each channel by a number and adds one, by its weights.
package struct ChannelMap: Hashable, Sendable {
  package let operation: Operation
  package let slots: [WeightSlot]

  /// Nil for a layer of another kind.
  package init?(_ node: Node) {
    switch node.operation {
    case .batchNormalization, .normalization, .rescaling, .layerScale, .channelAffine: break
    default: return nil
    }
    operation = node.operation
    slots = node.weights
  }

  /// The factor and the shift of each of `channels`.
  package func coefficients(
    channels: Int, from source: some WeightSource
  ) throws -> (factors: [Double], shifts: [Double]) {
    var values: [WeightRole: [Double]] = [:]
    for slot in slots { values[slot.role] = try source.tensor(for: slot).doubles() }
    // One number for all channels, or one for each.
    func value(_ role: WeightRole, _ channel: Int, absent: Double) -> Double {
      guard let numbers = values[role] else { return absent }
      return numbers[channel % numbers.count]
    }
    var (factors, shifts): ([Double], [Double]) = ([], [])
    for channel in 0..<channels {
      switch operation {
      case .batchNormalization(let norm):
        let variance = value(.movingVariance, channel, absent: 1)
        let factor = value(.gamma, channel, absent: 1) / (variance + norm.epsilon).squareRoot()
        factors.append(factor)
        shifts.append(value(.beta, channel, absent: 0) - value(.movingMean, channel, absent: 0) * factor)
      case .normalization(let norm):
        let deviation = max(value(.variance, channel, absent: 1).squareRoot(), norm.epsilon)
        let mean = value(.mean, channel, absent: 0)
        factors.append(norm.inverted ? deviation : 1 / deviation)
        shifts.append(norm.inverted ? mean : -mean / deviation)
      case .rescaling(let rescaling):
        factors.append(rescaling.scale[channel % rescaling.scale.count])
        shifts.append(rescaling.offset[channel % rescaling.offset.count])
      default:
        factors.append(value(.gamma, channel, absent: 1))
        shifts.append(value(.beta, channel, absent: 0))
      }
    }
    return (factors, shifts)
  }
}
