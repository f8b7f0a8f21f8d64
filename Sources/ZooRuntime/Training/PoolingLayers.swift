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
  /// The most positions of a window whose maximum is noted.
  static let windowLimit = 255

  let name: String
  var links: TrainingLinks
  let window: zoo_window
  let isAverage: Bool
  /// Whether positions outside of the image count as zeros or not at all.
  let zeros: Bool

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }

  /// Floats in which there is room for the place of each of so many maxima, in bytes.
  static func placeFloats(_ maxima: Int) -> Int { (maxima + 3) / 4 }

  private func places(_ run: TrainingRun) -> UnsafeMutablePointer<UInt8>? {
    links.notes.map { UnsafeMutableRawPointer(run.values[$0]).assumingMemoryBound(to: UInt8.self) }
  }

  private func arguments(_ run: TrainingRun) -> zoo_pooling_gradient {
    var arguments = zoo_pooling_gradient()
    arguments.window = window
    arguments.places = places(run)
    (arguments.in_image, arguments.out_image) = (input.floats, output.floats)
    arguments.places_image = 4 * WindowPoolingLayer.placeFloats(output.floats)
    arguments.channels = Int32(input.channels)
    arguments.average = isAverage ? 1 : 0
    arguments.zeros = zeros ? 1 : 0
    return arguments
  }

  func forward(_ run: TrainingRun) {
    guard isAverage || !run.isTraining else {
      var arguments = arguments(run)
      arguments.input = UnsafePointer(run.values(input))
      arguments.output = run.values(output)
      return run.call(.max_pooling_places, arguments, units: run.count * output.height)
    }
    var arguments = zoo_pooling()
    arguments.window = window
    arguments.channels = Int32(input.channels)
    arguments.average = isAverage ? 1 : 0
    arguments.zeros = zeros ? 1 : 0
    arguments.factor = 1
    (arguments.lo, arguments.hi) = (-.infinity, .infinity)
    for example in 0..<run.count {
      arguments.input = UnsafePointer(run.values(input, example))
      arguments.output = run.values(output, example)
      run.call(.pooling, arguments, units: output.height)
    }
  }

  func backwardScratch(part: Int) -> Int {
    links.inputGradients[0]?.accumulates == true ? part * input.floats + 16 : 0
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    var arguments = arguments(run)
    arguments.gradient = UnsafePointer(run.values[gradient])
    arguments.output = target.accumulates ? run.scratch : run.values[target.buffer]
    if !target.accumulates { arguments.mask = run.mask(target, input) }
    arguments.mask_image = input.floats
    run.call(.pooling_gradient, arguments, units: run.count * input.height)
    guard target.accumulates else { return }
    run.contribute(run.scratch, pixel: input.channels, example: input.floats, to: target, input)
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
