import CZooKernels
import ZooGraph

/// Each channel times a number and plus another, neither of which learns: rescaling by constants, or a
/// normalization by stored statistics; with the rectifier after it.
struct ScalingLayer: TrainingLayer {
  enum Source {
    case constants(Rescaling)
    case statistics(Normalization, mean: WeightPlace, variance: WeightPlace)
  }

  let name: String
  var links: TrainingLinks
  let source: Source
  let (lo, hi): (Float, Float)
  /// The place in the packed weights of the scale and the shift of each channel.
  let coefficients: Int

  private var channels: Int { links.output.channels }

  func prepare(_ run: TrainingRun) {
    let scale = run.packed + coefficients
    for channel in 0..<channels {
      let (factor, offset) = coefficients(channel, run)
      scale[channel] = Float(factor)
      scale[channels + channel] = Float(offset)
    }
  }

  private func coefficients(_ channel: Int, _ run: TrainingRun) -> (factor: Double, offset: Double) {
    switch source {
    case .constants(let r): return (r.scale[channel % r.scale.count], r.offset[channel % r.offset.count])
    case .statistics(let n, let mean, let variance):
      let center = Double(run.weights[mean.offset + channel % mean.count])
      let deviation = max(
        Double(run.weights[variance.offset + channel % variance.count]).squareRoot(), n.epsilon)
      return n.inverted ? (deviation, center) : (1 / deviation, -center / deviation)
    }
  }

  private func scale(
    _ run: TrainingRun, _ values: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>,
    shift: UnsafePointer<Float>, _ bounds: (lo: Float, hi: Float)
  ) {
    var arguments = zoo_elementwise()
    arguments.a = values
    (arguments.scale, arguments.shift) = (UnsafePointer(run.packed + coefficients), shift)
    arguments.output = output
    (arguments.a_pixel, arguments.out_pixel) = (channels, channels)
    arguments.channels = Int32(channels)
    (arguments.lo, arguments.hi) = bounds
    run.call(.affine, arguments, units: run.count * links.output.pixels)
  }

  func forward(_ run: TrainingRun) {
    scale(
      run, run.values(links.inputs[0]), to: run.values(links.output),
      shift: run.packed + coefficients + channels, (lo, hi))
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    scale(run, run.values[gradient], to: run.scratch, shift: run.zeros, (-.infinity, .infinity))
    run.contribute(
      run.scratch, pixel: channels, example: links.output.floats, to: target, links.inputs[0])
  }
}
