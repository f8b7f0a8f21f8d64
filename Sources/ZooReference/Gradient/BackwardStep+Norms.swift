import ZooGraph
import ZooTensor

// Norms, and what multiplies and shifts channels.

extension BackwardStep {
  // MARK: Channels

  /// A value becomes `gamma * (x - mean) * inverse + beta`, per channel or whatever else repeats every `period` values.
  ///
  /// - Parameters:
  ///   - factor: what the gradient is multiplied by; nil stands for 1.
  ///   - mean: nil stands for 0.
  ///   - inverse: nil stands for 1.
  ///   - gamma: where its gradient is wanted.
  ///   - beta: where its gradient is wanted.
  func affine(
    period: Int, factor: [Double]?, mean: [Double]? = nil, inverse: [Double]? = nil,
    gamma: ReferenceBuffer? = nil, beta: ReferenceBuffer? = nil
  ) {
    if gamma != nil || beta != nil {
      let sums = channelSums(period, mean: mean, inverse: inverse)
      gamma?.add(sums.ofProducts)
      beta?.add(sums.ofGradients)
    }
    guard let target = inputGradients[0] else { return }
    split(gradient.count / period, threads: threads) { part in
      for place in part.lowerBound * period..<part.upperBound * period {
        target.values[place] += gradient.values[place] * (factor?[place % period] ?? 1)
      }
    }
  }

  /// Per channel, the sums of the gradients, and of their products with the input as (x - mean) * inverse.
  private func channelSums(
    _ channels: Int, mean: [Double]?, inverse: [Double]?
  ) -> (ofGradients: [Double], ofProducts: [Double]) {
    let sums = ReferenceBuffer(count: channels)
    let products = ReferenceBuffer(count: channels)
    split(channels, threads: threads) { part in
      for pixel in 0..<gradient.count / channels {
        for channel in part {
          let place = pixel * channels + channel
          let slope = gradient.values[place]
          let x = (inputs[0].values[place] - (mean?[channel] ?? 0)) * (inverse?[channel] ?? 1)
          sums.values[channel] += slope
          products.values[channel] += slope * x
        }
      }
    }
    return (sums.array, products.array)
  }

  // MARK: Batch normalization

  func batchNormalization(_ b: BatchNormalization, channels: Int) {
    let gamma = b.scale ? weights[0].values : [Double](repeating: 1, count: channels)
    let mean = weights[weights.count - 2].values
    let inverse = weights[weights.count - 1].values.map { 1 / ($0 + b.epsilon).squareRoot() }
    let factor = zip(gamma, inverse).map { $0 * $1 }
    let gammaSums = b.scale ? weightGradients[0] : nil
    let betaSums = b.center ? weightGradients[b.scale ? 1 : 0] : nil
    guard usesBatchStatistics else {
      return affine(
        period: channels, factor: factor, mean: mean, inverse: inverse, gamma: gammaSums, beta: betaSums)
    }
    let sums = channelSums(channels, mean: mean, inverse: inverse)
    gammaSums?.add(sums.ofProducts)
    betaSums?.add(sums.ofGradients)
    guard let target = inputGradients[0] else { return }
    // The mean of the gradients, and of their products with the normalized input, moves with the statistics.
    let pixels = gradient.count / channels
    let (shift, slant) = (
      sums.ofGradients.map { $0 / Double(pixels) }, sums.ofProducts.map { $0 / Double(pixels) }
    )
    split(pixels, threads: threads) { part in
      for pixel in part {
        for channel in 0..<channels {
          let place = pixel * channels + channel
          let x = (inputs[0].values[place] - mean[channel]) * inverse[channel]
          target.values[place] +=
            factor[channel] * (gradient.values[place] - shift[channel] - x * slant[channel])
        }
      }
    }
  }

  // MARK: Layer normalization

  /// Over vectors of `length` values.
  func layerNormalization(_ n: LayerNormalization, length: Int) {
    let gamma = n.scale ? weights[0].values : [Double](repeating: 1, count: length)
    let vectors = gradient.count / length
    let normalized = ReferenceBuffer(count: gradient.count)
    let inverse = ReferenceBuffer(count: vectors)
    split(vectors, threads: threads) { part in
      for vector in part {
        let places = vector * length..<(vector + 1) * length
        let x = inputs[0].values[places]
        let (mean, deviation) = Double.moments(of: x, epsilon: n.epsilon)
        inverse.values[vector] = 1 / deviation
        for place in places { normalized.values[place] = (x[place] - mean) / deviation }
      }
    }
    let gammaSums = n.scale ? weightGradients[0] : nil
    let betaSums = n.center ? weightGradients[n.scale ? 1 : 0] : nil
    if gammaSums != nil || betaSums != nil {
      split(length, threads: threads) { part in
        for vector in 0..<vectors {
          for index in part {
            let place = vector * length + index
            gammaSums?.values[index] += gradient.values[place] * normalized.values[place]
            betaSums?.values[index] += gradient.values[place]
          }
        }
      }
    }
    guard let target = inputGradients[0] else { return }
    split(vectors, threads: threads) { part in
      for vector in part {
        let first = vector * length
        var (shift, slant) = (0.0, 0.0)
        for index in 0..<length {
          let slope = gradient.values[first + index] * gamma[index]
          shift += slope
          slant += slope * normalized.values[first + index]
        }
        shift /= Double(length)
        slant /= Double(length)
        for index in 0..<length {
          let slope = gradient.values[first + index] * gamma[index]
          target.values[first + index] +=
            (slope - shift - normalized.values[first + index] * slant) * inverse.values[vector]
        }
      }
    }
  }
}
