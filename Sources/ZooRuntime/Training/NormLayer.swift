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
  /// The place in the packed weights of ``coefficientRows`` times a number for each channel.
  let coefficients: Int
  /// The place in the sums of ``sumRows`` times a number for each channel.
  let sums: Int

  /// Whether the layer that reads its output computes it, from ``links``' input and the coefficients.
  var isDeferred = false

  /// What kernels read: the scale and shift of values, those of gradients, and the center.
  static let coefficientRows = 6
  /// Means, one over deviations, and the two sums of a pass.
  static let sumRows = 4

  var learns: Bool { gamma?.learns == true || beta?.learns == true }
  var keepsInputs: Bool { gamma?.learns == true || momentum != nil }
  var replacesGradient: Bool { true }
  var writesOutput: Bool { !isDeferred }
  var isCheap: Bool { !isDeferred && keepsInputs }

  private var input: TrainingPlace { links.inputs[0] }
  private var channels: Int { input.channels }

  private func coefficients(_ row: Int, _ run: TrainingRun) -> UnsafeMutablePointer<Float> {
    run.packed + coefficients + row * channels
  }

  private func sums(_ row: Int, _ run: TrainingRun) -> UnsafeMutablePointer<Double> {
    run.sums + sums + row * channels
  }

  // MARK: Forward

  func forward(_ run: TrainingRun) {
    if momentum != nil, run.isTraining { batchStatistics(run) } else { storedStatistics(run) }
    let (scale, shift) = (coefficients(0, run), coefficients(1, run))
    let means = sums(0, run)
    for channel in 0..<channels {
      let factor = factor(channel, run)
      scale[channel] = Float(factor)
      let beta = beta.map { Double(run.weights[$0.offset + channel]) } ?? 0
      shift[channel] = Float(beta - means[channel] * factor)
    }
    if !isDeferred { repeatForward(run) }
  }

  func repeatForward(_ run: TrainingRun) { apply(run, to: links.output, adding: nil, (lo, hi)) }

  /// Writes the normalized values and those of another place, added up.
  func apply(
    _ run: TrainingRun, to output: TrainingPlace, adding other: TrainingPlace?,
    _ bounds: (lo: Float, hi: Float)
  ) {
    var arguments = zoo_batch_norm()
    arguments.values = UnsafePointer(run.values(input))
    arguments.scale = UnsafePointer(coefficients(0, run))
    arguments.shift = UnsafePointer(coefficients(1, run))
    arguments.residual = other.map { UnsafePointer(run.values($0)) }
    arguments.output = run.values(output)
    (arguments.values_pixel, arguments.residual_pixel, arguments.out_pixel) = (channels, channels, channels)
    arguments.channels = Int32(channels)
    (arguments.lo, arguments.hi) = bounds
    run.call(.batch_norm, arguments, units: run.count * input.pixels)
  }

  func backwardScratch(part: Int) -> Int {
    guard let target = links.inputGradients[0], target.accumulates || target.rectified != nil else {
      return 0
    }
    return part * input.floats + 16
  }

  /// What a channel is multiplied by.
  private func factor(_ channel: Int, _ run: TrainingRun) -> Double {
    sums(1, run)[channel] * (gamma.map { Double(run.weights[$0.offset + channel]) } ?? 1)
  }

  private func storedStatistics(_ run: TrainingRun) {
    let (means, inverses) = (sums(0, run), sums(1, run))
    for channel in 0..<channels {
      means[channel] = mean.map { Double(run.weights[$0.offset + channel]) } ?? 0
      inverses[channel] =
        variance.map { 1 / (Double(run.weights[$0.offset + channel]) + epsilon).squareRoot() } ?? 1
    }
  }

  /// Computes the batch's mean and biased variance of each channel, and moves the stored ones.
  private func batchStatistics(_ run: TrainingRun) {
    let pixels = Double(run.count * input.pixels)
    var arguments = zoo_batch_sums()
    arguments.values = UnsafePointer(run.values(input))
    arguments.values_pixel = channels
    (arguments.pixels, arguments.channels) = (Int32(run.count * input.pixels), Int32(channels))
    arguments.sums = sums(2, run)
    run.call(.batch_sums, arguments, units: (channels + 15) / 16)
    let (means, inverses) = (sums(0, run), sums(1, run))
    let (values, squares) = (sums(2, run), sums(3, run))
    for channel in 0..<channels {
      let mean = values[channel] / pixels
      let variance = max(0, squares[channel] / pixels - mean * mean)
      (means[channel], inverses[channel]) = (mean, 1 / (variance + epsilon).squareRoot())
      move(self.mean, channel, to: mean, run)
      move(self.variance, channel, to: variance, run)
    }
  }

  private func move(_ place: WeightPlace?, _ channel: Int, to value: Double, _ run: TrainingRun) {
    guard let place, let momentum else { return }
    let old = Double(run.weights[place.offset + channel])
    run.weights[place.offset + channel] = Float(old * momentum + value * (1 - momentum))
  }

  // MARK: Backward

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    if learns || momentum != nil { addSums(run, slopes) }
    guard let target = links.inputGradients[0] else { return }
    setTerms(run)
    let isDirect = !target.accumulates && target.rectified == nil
    var arguments = zoo_batch_norm()
    arguments.gradient = slopes
    // Without batch statistics they count nothing, and may be gone.
    arguments.values = momentum != nil ? UnsafePointer(run.values(input)) : slopes
    arguments.of_gradient = UnsafePointer(coefficients(2, run))
    arguments.of_values = UnsafePointer(coefficients(3, run))
    arguments.constant = UnsafePointer(coefficients(4, run))
    arguments.output = isDirect ? run.values[target.buffer] : run.scratch
    (arguments.values_pixel, arguments.gradient_pixel, arguments.out_pixel) = (channels, channels, channels)
    arguments.channels = Int32(channels)
    run.call(.batch_norm_gradient, arguments, units: run.count * input.pixels)
    guard !isDirect else { return }
    run.contribute(run.scratch, pixel: channels, example: input.floats, to: target, input)
  }

  /// Leaves the sums of gradients, and of their products with the normalized values, and adds them to the
  /// gradients of beta and gamma.
  private func addSums(_ run: TrainingRun, _ slopes: UnsafePointer<Float>) {
    let (means, inverses) = (sums(0, run), sums(1, run))
    let (ofGradients, ofProducts) = (sums(2, run), sums(3, run))
    let center = coefficients(5, run)
    for channel in 0..<channels { center[channel] = Float(means[channel]) }
    run.addSums(
      of: slopes, times: keepsInputs ? run.values(input) : nil, around: keepsInputs ? center : nil,
      pixels: run.count * input.pixels, channels: channels, to: ofGradients, afresh: true)
    for channel in 0..<channels {
      // What rounding left of the mean.
      let rest = means[channel] - Double(center[channel])
      ofProducts[channel] = (ofProducts[channel] - rest * ofGradients[channel]) * inverses[channel]
      if let beta, beta.learns { run.gradient(beta)[channel] += Float(ofGradients[channel]) }
      if let gamma, gamma.learns { run.gradient(gamma)[channel] += Float(ofProducts[channel]) }
    }
  }

  /// Sets the terms of the input's gradient: of the output's, of the input and a constant.
  private func setTerms(_ run: TrainingRun) {
    let (means, inverses) = (sums(0, run), sums(1, run))
    let (ofGradients, ofProducts) = (sums(2, run), sums(3, run))
    let pixels = Double(run.count * input.pixels)
    for channel in 0..<channels {
      let factor = factor(channel, run)
      var (ofValues, constant) = (0.0, 0.0)
      if momentum != nil {
        let slant = ofProducts[channel] / pixels * inverses[channel]
        ofValues = -factor * slant
        constant = factor * (slant * means[channel] - ofGradients[channel] / pixels)
      }
      coefficients(2, run)[channel] = Float(factor)
      coefficients(3, run)[channel] = Float(ofValues)
      coefficients(4, run)[channel] = Float(constant)
    }
  }
}
