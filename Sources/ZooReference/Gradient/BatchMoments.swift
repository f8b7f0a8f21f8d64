import ZooGraph
import ZooTensor

/// The mean and the biased variance of each channel over all pixels of a batch.
struct BatchMoments: Sendable {
  let mean: [Double]
  let variance: [Double]
  /// How many values of each channel there are.
  let count: Int

  init(of batch: ReferenceBuffer, channels: Int, threads: Int) {
    let pixels = batch.count / channels
    let mean = ReferenceBuffer(count: channels)
    let variance = ReferenceBuffer(count: channels)
    // Each thread has some of the channels.
    split(channels, threads: threads) { part in
      for pixel in 0..<pixels {
        for channel in part { mean.values[channel] += batch.values[pixel * channels + channel] }
      }
      for channel in part { mean.values[channel] /= Double(pixels) }
      for pixel in 0..<pixels {
        for channel in part {
          let distance = batch.values[pixel * channels + channel] - mean.values[channel]
          variance.values[channel] += distance * distance
        }
      }
      for channel in part { variance.values[channel] /= Double(pixels) }
    }
    self.mean = mean.array
    self.variance = variance.array
    self.count = pixels
  }
}

/// The stored means and variances of batch norms, moved by batches.
struct MovingStatistics {
  private(set) var values: [WeightSlot: [Double]] = [:]

  /// - Parameters:
  ///   - step: a batch norm.
  ///   - stored: its weights, in the order of the step's.
  mutating func update(
    _ step: ReferenceStep, stored: [ReferenceWeight], by batch: BatchMoments, _ statistics: BatchStatistics
  ) {
    let isUnbiased =
      switch statistics.variance {
      case .biased: false
      case .unbiased: true
      case .unbiasedForImages: step.shape.rank == 3
      }
    let correction = isUnbiased ? Double(batch.count) / Double(max(1, batch.count - 1)) : 1
    for (slot, weight) in zip(step.weights, stored) where !slot.role.isTrainable {
      let new = slot.role == .movingMean ? batch.mean : batch.variance.map { $0 * correction }
      let old = values[slot] ?? weight.values
      values[slot] = zip(old, new).map { $0 * statistics.momentum + $1 * (1 - statistics.momentum) }
    }
  }
}
