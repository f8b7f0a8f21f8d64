import CZooKernels
import ZooGraph

/// The mean or maximum over all pixels of an image.
struct GlobalPoolingLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let isAverage: Bool

  var keepsInputs: Bool { !isAverage }

  private var input: TrainingPlace { links.inputs[0] }

  func forward(_ run: TrainingRun) {
    var arguments = zoo_global_pooling()
    arguments.in_pixel = input.channels
    arguments.in_row = input.width * input.channels
    arguments.height = Int32(input.height)
    arguments.width = Int32(input.width)
    arguments.channels = Int32(input.channels)
    arguments.average = isAverage ? 1 : 0
    for example in 0..<run.count {
      arguments.input = UnsafePointer(run.values(input, example))
      arguments.output = run.values(links.output, example)
      run.call(.global_pooling, arguments, units: (input.channels + 15) / 16)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    let slopes = UnsafePointer(run.values[gradient])
    if isAverage {
      return run.contribute(
        slopes, pixel: 0, example: links.output.floats, factor: 1 / Float(input.pixels), to: target, input)
    }
    if !target.accumulates { run.clear(target, input) }
    run.share(run.count) { example in
      let x = run.values(input, example)
      for channel in 0..<input.channels {
        var best = channel
        for pixel in 1..<max(1, input.pixels) where x[pixel * input.channels + channel] > x[best] {
          best = pixel * input.channels + channel
        }
        run.add(slopes[example * input.channels + channel], at: best, example, to: target, input)
      }
    }
  }
}

/// The mean or maximum of the part of each window that lies on the image.
struct WindowPoolingLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let window: zoo_window
  let isAverage: Bool

  var keepsInputs: Bool { !isAverage }

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }

  func forward(_ run: TrainingRun) {
    var arguments = zoo_pooling()
    arguments.window = window
    arguments.channels = Int32(input.channels)
    arguments.average = isAverage ? 1 : 0
    arguments.factor = 1
    (arguments.lo, arguments.hi) = (-.infinity, .infinity)
    for example in 0..<run.count {
      arguments.input = UnsafePointer(run.values(input, example))
      arguments.output = run.values(output, example)
      run.call(.pooling, arguments, units: output.height)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    if !target.accumulates { run.clear(target, input) }
    run.share(run.count) { example in
      let slopes = run.values[gradient] + example * output.floats
      let x = run.values(input, example)
      var taps: [Int] = []
      for row in 0..<output.height {
        for column in 0..<output.width {
          findTaps(row, column, &taps)
          let slope = slopes + (row * output.width + column) * output.channels
          for channel in 0..<output.channels {
            if isAverage {
              let part = slope[channel] / Float(taps.count)
              for tap in taps { run.add(part, at: tap + channel, example, to: target, input) }
            } else if let first = taps.first {
              var best = first
              for tap in taps where x[tap + channel] > x[best + channel] { best = tap }
              run.add(slope[channel], at: best + channel, example, to: target, input)
            }
          }
        }
      }
    }
  }

  /// The places of the pixels of a window that lie on the image, row by row.
  private func findTaps(_ row: Int, _ column: Int, _ taps: inout [Int]) {
    taps.removeAll(keepingCapacity: true)
    for tapRow in 0..<Int(window.kernel_height) {
      let y = row * Int(window.stride_height) + tapRow - Int(window.pad_top)
      guard y >= 0, y < input.height else { continue }
      for tapColumn in 0..<Int(window.kernel_width) {
        let x = column * Int(window.stride_width) + tapColumn - Int(window.pad_left)
        if x >= 0, x < input.width { taps.append((y * input.width + x) * input.channels) }
      }
    }
  }
}

extension TrainingRun {
  /// Sets a gradient to zero.
  func clear(_ target: GradientTarget, _ place: TrainingPlace) {
    share(count) {
      values[target.buffer].advanced(by: $0 * place.floats).update(repeating: 0, count: place.floats)
    }
  }

  /// Adds to one value of a gradient, if it passes the rectifier.
  func add(_ slope: Float, at index: Int, _ example: Int, to target: GradientTarget, _ place: TrainingPlace) {
    let at = example * place.floats + index
    if let rectified = target.rectified {
      let value = values[rectified][at]
      guard value > 0, value < target.limit else { return }
    }
    values[target.buffer][at] += slope
  }
}
