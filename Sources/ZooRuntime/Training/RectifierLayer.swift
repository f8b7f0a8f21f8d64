import CZooKernels

/// A rectifier by itself: where several layers read what it reads.
struct RectifierLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let hi: Float

  var passesGradient: Bool { true }

  func forward(_ run: TrainingRun) {
    let output = links.output
    var arguments = zoo_elementwise()
    arguments.a = UnsafePointer(run.values(links.inputs[0]))
    arguments.output = run.values(output)
    (arguments.a_pixel, arguments.out_pixel) = (output.channels, output.channels)
    arguments.channels = Int32(output.channels)
    (arguments.lo, arguments.hi) = (0, hi)
    run.call(.clamp, arguments, units: run.count * output.pixels)
  }

  /// The output's gradient is that of what entered the rectifier already.
  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    run.contribute(
      run.values[gradient], pixel: links.output.channels, example: links.output.floats, to: target,
      links.inputs[0])
  }
}
