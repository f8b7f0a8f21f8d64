import ZooGraph

/// Every few pixels of an image, without what lies between them.
struct SamplingLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let strides: Extent2D

  func forward(_ run: TrainingRun) {
    let (input, output) = (links.inputs[0], links.output)
    let channels = input.channels
    let (source, target) = (run.values(input), run.values(output))
    run.share(run.count * output.height) { unit in
      let (example, row) = unit.quotientAndRemainder(dividingBy: output.height)
      let line = source + (example * input.height + row * strides.height) * input.width * channels
      for x in 0..<output.width {
        (target + (unit * output.width + x) * channels).update(
          from: line + x * strides.width * channels, count: channels)
      }
    }
  }

  /// The output's gradient has passed the rectifier that made the input already.
  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    let (input, output) = (links.inputs[0], links.output)
    let channels = input.channels
    let (slopes, sums) = (run.values[gradient], run.values[target.buffer])
    let accumulates = target.accumulates
    run.share(run.count * input.height) { unit in
      let (example, row) = unit.quotientAndRemainder(dividingBy: input.height)
      let line = sums + unit * input.width * channels
      defer { if accumulates { mask(run, line, unit, target) } }
      if !accumulates { line.update(repeating: 0, count: input.width * channels) }
      guard row % strides.height == 0, row / strides.height < output.height else { return }
      let source = slopes + (example * output.height + row / strides.height) * output.width * channels
      for x in 0..<output.width {
        let pixel = line + x * strides.width * channels
        if accumulates {
          for c in 0..<channels { pixel[c] += source[x * channels + c] }
        } else {
          pixel.update(from: source + x * channels, count: channels)
        }
      }
    }
  }

  /// Takes away from a row of the sum what does not pass the rectifier that made the input.
  private func mask(
    _ run: TrainingRun, _ line: UnsafeMutablePointer<Float>, _ row: Int, _ target: GradientTarget
  ) {
    guard let rectified = target.rectified else { return }
    let count = links.inputs[0].width * links.inputs[0].channels
    let values = run.values[rectified] + row * count
    for index in 0..<count where !(values[index] > 0 && values[index] < target.limit) { line[index] = 0 }
  }
}
