import CZooKernels

/// A depthwise convolution, with the norm and the rectifier after it.
struct DepthwiseLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// Of one image.
  let window: zoo_window
  let multiplier: Int
  /// (taps, filters).
  let kernel: FoldedKernel
  let (lo, hi): (Float, Float)
  /// The place in the packed weights.
  let packedKernel: Int

  var keepsInputs: Bool { kernel.learns }
  var learns: Bool { kernel.learns }

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }
  private var taps: Int { Int(window.kernel_height * window.kernel_width) }
  private var filters: Int { output.channels }
  private var stride: Int { DepthwiseLayer.stride(filters) }

  /// Floats of packed weights from tap to tap.
  static func stride(_ filters: Int) -> Int { (filters + 15) / 16 * 16 }

  /// Floats of scratch memory for the gradients.
  static func scratch(_ window: zoo_window, input: TrainingPlace, filters: Int, threads: Int, part: Int)
    -> Int
  {
    let taps = Int(window.kernel_height * window.kernel_width)
    return max(threads * (taps + 1) * stride(filters), part * input.floats + 16)
  }

  func prepare(_ run: TrainingRun) {
    kernel.folded.writeBias(run, to: run.packed + kernel.packedBias)
    let scale = kernel.folded.scale(run)
    for tap in 0..<taps {
      let source = kernel.weights(run) + tap * filters
      let target = run.packed + packedKernel + tap * stride
      for filter in 0..<filters {
        target[filter] = scale.map { Float(Double(source[filter]) * $0[filter]) } ?? source[filter]
      }
    }
  }

  func forward(_ run: TrainingRun) {
    var arguments = zoo_depthwise()
    arguments.window = window
    arguments.zero = run.zeros
    arguments.weights = UnsafePointer(run.packed + packedKernel)
    arguments.bias = UnsafePointer(run.packed + kernel.packedBias)
    arguments.channels = Int32(input.channels)
    arguments.multiplier = Int32(multiplier)
    arguments.weight_stride = Int32(stride)
    arguments.in_lo = -.infinity
    (arguments.lo, arguments.hi) = (lo, hi)
    for example in 0..<run.count {
      arguments.input = UnsafePointer(run.values(input, example))
      arguments.output = run.values(output, example)
      run.call(.depthwise, arguments, units: output.height)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    if learns { addWeightGradient(run, run.values[gradient]) }
    guard let target = links.inputGradients[0] else { return }
    var arguments = zoo_depthwise_gradient()
    arguments.window = window
    arguments.gradient = UnsafePointer(run.values[gradient])
    arguments.weights = UnsafePointer(run.packed + packedKernel)
    arguments.zero = run.zeros
    arguments.output = target.accumulates ? run.scratch : run.values[target.buffer]
    (arguments.in_image, arguments.out_image) = (input.floats, output.floats)
    arguments.channels = Int32(input.channels)
    arguments.multiplier = Int32(multiplier)
    arguments.weight_stride = Int32(stride)
    if !target.accumulates { arguments.mask = run.mask(target, input) }
    arguments.mask_image = input.floats
    run.call(.depthwise_gradient, arguments, units: run.count * input.height)
    guard target.accumulates else { return }
    run.contribute(run.scratch, pixel: input.channels, example: input.floats, to: target, input)
  }

  private func addWeightGradient(_ run: TrainingRun, _ gradient: UnsafeMutablePointer<Float>) {
    var arguments = zoo_depthwise_weight_gradient()
    arguments.window = window
    arguments.input = UnsafePointer(run.values(input))
    arguments.gradient = UnsafePointer(gradient)
    arguments.weights = kernel.gradient(run)
    arguments.column_sums = kernel.columnSums(run)
    (arguments.in_image, arguments.out_image) = (input.floats, output.floats)
    arguments.stride = filters
    arguments.images = Int32(run.count)
    arguments.channels = Int32(input.channels)
    arguments.multiplier = Int32(multiplier)
    arguments.accumulate = 1
    arguments.scratch = run.scratch
    arguments.slot_floats = (taps + 1) * stride
    run.call(.depthwise_weight_gradient, arguments, units: (filters + 15) / 16)
  }

  func finish(_ run: TrainingRun) { kernel.finish(run) }
}
