import CZooKernels
import ZooGraph
import ZooTensor

/// An image with a border of zeros, or without a part of its border.
struct EdgesLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// Negative where the image is cropped.
  let edges: Edges

  private var input: TrainingPlace { links.inputs[0] }

  func forward(_ run: TrainingRun) {
    copy(run, top: edges.top, left: edges.left, from: input, to: links.output, run.values) {
      run.values(links.output, $0)
    }
  }

  private func copy(
    _ run: TrainingRun, top: Int, left: Int, from source: TrainingPlace, to target: TrainingPlace,
    _ values: [UnsafeMutablePointer<Float>], buffer: Int? = nil,
    _ output: (Int) -> UnsafeMutablePointer<Float>
  ) {
    var arguments = zoo_padding()
    arguments.window = .pixels(from: source, to: target)
    (arguments.window.pad_top, arguments.window.pad_left) = (Int32(top), Int32(left))
    arguments.channels = Int32(source.channels)
    for example in 0..<run.count {
      arguments.input = UnsafePointer(values[buffer ?? source.buffer] + example * source.floats)
      arguments.output = output(example)
      run.call(.pad, arguments, units: target.height)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    copy(
      run, top: -edges.top, left: -edges.left, from: links.output, to: input, run.values, buffer: gradient
    ) { run.scratch + $0 * input.floats }
    run.contribute(run.scratch, pixel: input.channels, example: input.floats, to: target, input)
  }
}

/// Joins images along their channels.
struct ConcatenationLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks

  func forward(_ run: TrainingRun) {
    let output = links.output
    run.share(run.count * output.height) { row in
      var first = 0
      for input in links.inputs {
        for x in 0..<output.width {
          let pixel = row * output.width + x
          (run.values(output) + pixel * output.channels + first).update(
            from: run.values(input) + pixel * input.channels, count: input.channels)
        }
        first += input.channels
      }
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    var first = 0
    for (input, target) in zip(links.inputs, links.inputGradients) {
      if let target {
        run.contribute(
          run.values[gradient] + first, pixel: links.output.channels, example: links.output.floats,
          to: target,
          input)
      }
      first += input.channels
    }
  }
}

/// Dropout and its like.
struct NoiseLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let noise: TrainingNoise
  let seed: UInt64
  let shape: Shape

  private func mask(_ run: TrainingRun) -> NoiseMask {
    NoiseMask(noise, seed: seed, step: run.step, layer: name, shape: shape)
  }

  func forward(_ run: TrainingRun) {
    let (input, output) = (run.values(links.inputs[0]), run.values(links.output))
    let size = links.output.floats
    guard run.isTraining else { return output.update(from: input, count: run.count * size) }
    let mask = mask(run)
    run.share(run.count) { example in
      for index in 0..<size {
        let (factor, offset) = mask.affine(example: run.first + example, index: index)
        let place = example * size + index
        output[place] = Float(Double(input[place]) * factor + offset)
      }
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    let size = links.output.floats
    let slopes = run.values[gradient]
    let mask = mask(run)
    run.share(run.count) { example in
      for index in 0..<size {
        let place = example * size + index
        let factor = mask.affine(example: run.first + example, index: index).factor
        run.scratch[place] = Float(Double(slopes[place]) * factor)
      }
    }
    run.contribute(
      run.scratch, pixel: links.output.channels, example: size, to: target, links.inputs[0])
  }
}
