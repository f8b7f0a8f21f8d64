import CZooKernels
import ZooGraph

/// Two or more values of one shape, value by value, with the rectifier after it.
struct MergeLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let merge: Merge
  let (lo, hi): (Float, Float)

  var keepsInputs: Bool { [.multiply, .maximum, .minimum].contains(merge) }
  var passesGradient: Bool { merge == .add }

  func forward(_ run: TrainingRun) {
    let kernel: zoo_kernel_id =
      switch merge {
      case .add, .average: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .maximum: .maximum
      case .minimum: .minimum
      }
    let output = links.output
    for index in links.inputs.indices.dropFirst() {
      var arguments = zoo_elementwise()
      arguments.a = UnsafePointer(run.values(index == 1 ? links.inputs[0] : output))
      arguments.b = UnsafePointer(run.values(links.inputs[index]))
      arguments.output = run.values(output)
      (arguments.a_pixel, arguments.b_pixel, arguments.out_pixel) = (
        output.channels, output.channels, output.channels
      )
      arguments.channels = Int32(output.channels)
      let isLast = index == links.inputs.count - 1
      (arguments.lo, arguments.hi) = isLast ? (lo, hi) : (-.infinity, .infinity)
      arguments.factor = 1 / Float(links.inputs.count)
      let isMean = isLast && merge == .average
      run.call(isMean ? .average : kernel, arguments, units: run.count * output.pixels)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    let output = links.output
    for (own, target) in links.inputGradients.enumerated() {
      guard let target else { continue }
      let input = links.inputs[own]
      switch merge {
      case .add, .subtract, .average:
        let factor: Float =
          merge == .average ? 1 / Float(links.inputs.count) : merge == .subtract && own > 0 ? -1 : 1
        run.contribute(
          slopes, pixel: output.channels, example: output.floats, factor: factor, to: target, input)
      case .multiply, .maximum, .minimum:
        run.share(run.count * output.height) { row in
          let start = row * output.width * output.channels
          for index in start..<start + output.width * output.channels {
            run.scratch[index] = part(of: slopes[index], own, index, run)
          }
        }
        run.contribute(
          run.scratch, pixel: output.channels, example: output.floats, to: target, input)
      }
    }
  }

  /// What an input gets of the slope at a place; of several equal maxima or minima the first gets all.
  private func part(of slope: Float, _ own: Int, _ index: Int, _ run: TrainingRun) -> Float {
    func value(_ input: Int) -> Float { run.values(links.inputs[input])[index] }
    if merge == .multiply { return links.inputs.indices.reduce(slope) { $1 == own ? $0 : $0 * value($1) } }
    let best = links.inputs.indices.dropFirst().reduce(0) { best, other in
      (merge == .maximum ? value(other) > value(best) : value(other) < value(best)) ? other : best
    }
    return own == best ? slope : 0
  }
}
