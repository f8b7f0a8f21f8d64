import CZooKernels

/// A batch norm by itself, by the statistics of the batch or its stored ones, or another scale and shift of
/// channels; with the rectifier after it.
struct NormLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let gamma: WeightPlace?
  let beta: WeightPlace?
  /// Stored; nil where nothing is subtracted.
  let mean: WeightPlace?
  let variance: WeightPlace?
  let epsilon: Double
  /// The share of the stored statistics that a step keeps; nil: it normalizes by the stored statistics.
  let momentum: Double?
  let (lo, hi): (Float, Float)
  /// The place in the packed weights of the scale and the shift of each channel.
  let coefficients: Int
  /// The place in the sums of (2, channels): the means and one over the deviations.
  let statistics: Int

  var learns: Bool { gamma?.learns == true || beta?.learns == true }
  var keepsInputs: Bool { gamma?.learns == true || momentum != nil }

  private var input: TrainingPlace { links.inputs[0] }
  private var channels: Int { input.channels }
  private var means: Int { statistics }
  private var inverses: Int { statistics + channels }
  /// Channels that a unit of work has.
  private static let block = 16

  // MARK: Forward

  private func storedStatistics(_ run: TrainingRun) {
    for channel in 0..<channels {
      run.sums[means + channel] = mean.map { Double(run.weights[$0.offset + channel]) } ?? 0
      run.sums[inverses + channel] =
        variance.map { 1 / (Double(run.weights[$0.offset + channel]) + epsilon).squareRoot() } ?? 1
    }
  }

  func forward(_ run: TrainingRun) {
    if momentum != nil, run.isTraining { batchStatistics(run) } else { storedStatistics(run) }
    let (scale, shift) = (run.packed + coefficients, run.packed + coefficients + channels)
    for channel in 0..<channels {
      let factor = factor(channel, run)
      scale[channel] = Float(factor)
      let beta = beta.map { Double(run.weights[$0.offset + channel]) } ?? 0
      shift[channel] = Float(beta - run.sums[means + channel] * factor)
    }
    var arguments = zoo_elementwise()
    arguments.a = UnsafePointer(run.values(input))
    (arguments.scale, arguments.shift) = (UnsafePointer(scale), UnsafePointer(shift))
    arguments.output = run.values(links.output)
    (arguments.a_pixel, arguments.out_pixel) = (channels, channels)
    arguments.channels = Int32(channels)
    (arguments.lo, arguments.hi) = (lo, hi)
    run.call(.affine, arguments, units: run.count * input.pixels)
  }

  /// What a channel is multiplied by.
  private func factor(_ channel: Int, _ run: TrainingRun) -> Double {
    run.sums[inverses + channel] * (gamma.map { Double(run.weights[$0.offset + channel]) } ?? 1)
  }

  /// Computes the batch's mean and biased variance of each channel, and moves the stored ones.
  private func batchStatistics(_ run: TrainingRun) {
    let pixels = run.count * input.pixels
    let x = run.values(input)
    forEachBlock(run) { columns, sums in
      for pixel in 0..<pixels {
        for channel in columns { sums[channel - columns.lowerBound] += Double(x[pixel * channels + channel]) }
      }
      for channel in columns {
        run.sums[means + channel] = sums[channel - columns.lowerBound] / Double(pixels)
        sums[channel - columns.lowerBound] = 0
      }
      for pixel in 0..<pixels {
        for channel in columns {
          let distance = Double(x[pixel * channels + channel]) - run.sums[means + channel]
          sums[channel - columns.lowerBound] += distance * distance
        }
      }
      for channel in columns {
        let variance = sums[channel - columns.lowerBound] / Double(pixels)
        run.sums[inverses + channel] = 1 / (variance + epsilon).squareRoot()
        move(self.mean, channel, to: run.sums[means + channel], run)
        move(self.variance, channel, to: variance, run)
      }
    }
  }

  private func move(_ place: WeightPlace?, _ channel: Int, to value: Double, _ run: TrainingRun) {
    guard let place, let momentum else { return }
    let old = Double(run.weights[place.offset + channel])
    run.weights[place.offset + channel] = Float(old * momentum + value * (1 - momentum))
  }

  /// Calls `body` with some channels and as many zeros for sums.
  private func forEachBlock(
    _ run: TrainingRun, _ body: (Range<Int>, UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    run.share((channels + NormLayer.block - 1) / NormLayer.block) { unit in
      let first = unit * NormLayer.block
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * NormLayer.block) { sums in
        sums.initialize(repeating: 0)
        body(first..<min(channels, first + NormLayer.block), sums)
      }
    }
  }

  // MARK: Backward

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    let x = UnsafePointer(run.values(input))
    let pixels = run.count * input.pixels
    let target = links.inputGradients[0]
    let isDirect = target.map { !$0.accumulates && $0.rectified == nil } ?? false
    let output = target.map { isDirect ? run.values[$0.buffer] : run.scratch }
    forEachBlock(run) { columns, sums in
      let (first, count) = (columns.lowerBound, columns.count)
      if learns || momentum != nil {
        for pixel in 0..<pixels {
          for channel in columns {
            let slope = Double(slopes[pixel * channels + channel])
            sums[channel - first] += slope
            if keepsInputs {
              sums[count + channel - first] +=
                slope * (Double(x[pixel * channels + channel]) - run.sums[means + channel])
            }
          }
        }
      }
      for channel in columns { sums[count + channel - first] *= run.sums[inverses + channel] }
      for channel in columns {
        if let beta, beta.learns { run.gradients[beta.offset + channel] += Float(sums[channel - first]) }
        if let gamma, gamma.learns {
          run.gradients[gamma.offset + channel] += Float(sums[count + channel - first])
        }
      }
      guard let output else { return }
      for channel in columns {
        // of_gradient * slope + of_value * x + constant.
        let factor = factor(channel, run)
        var (ofValue, constant) = (0.0, 0.0)
        if momentum != nil {
          let slant = sums[count + channel - first] / Double(pixels) * run.sums[inverses + channel]
          ofValue = -factor * slant
          constant = factor * (slant * run.sums[means + channel] - sums[channel - first] / Double(pixels))
        }
        let terms = (Float(factor), Float(ofValue), Float(constant))
        for pixel in 0..<pixels {
          let place = pixel * channels + channel
          output[place] = terms.0 * slopes[place] + (keepsInputs ? terms.1 * x[place] : 0) + terms.2
        }
      }
    }
    guard let target, !isDirect else { return }
    run.contribute(run.scratch, pixel: channels, example: input.floats, to: target, input)
  }
}
