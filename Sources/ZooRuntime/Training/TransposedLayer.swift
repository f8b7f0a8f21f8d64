import CZooKernels

/// A transposed convolution, with the rectifier after it: forward what the gradient of a convolution's input is,
/// and backward that convolution.
struct TransposedLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// Of the convolution, from the output of one image to its input.
  let window: zoo_window
  /// (taps, filters, channels).
  let kernel: WeightPlace
  let bias: WeightPlace?
  let (lo, hi): (Float, Float)
  /// Places in the packed weights: forward, for the gradient of the input, and of the bias.
  let (forwardPanels, backwardPanels, packedBias): (Int, Int, Int)
  /// The place of the sums of the output's gradient.
  let sums: Int

  var keepsInputs: Bool { kernel.learns }
  var learns: Bool { kernel.learns || bias?.learns == true }

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }
  private var channels: Int { input.channels }
  private var filters: Int { output.channels }
  private var taps: Int { Int(window.kernel_height * window.kernel_width) }

  /// Floats of scratch memory.
  static func scratch(
    _ kernels: Kernels, _ window: zoo_window, input: TrainingPlace, filters: Int, threads: Int
  ) -> Int {
    let products = input.pixels * Int(window.kernel_height * window.kernel_width) * filters + 16
    let gradients = ProductLayer.scratch(kernels, window, channels: filters, groups: 1, threads: threads)
    return max(products, gradients)
  }

  func prepare(_ run: TrainingRun) {
    let table = run.kernels.table
    let source = UnsafePointer(run.weights + kernel.offset)
    for filter in 0..<filters {
      run.packed[packedBias + filter] = bias.map { run.weights[$0.offset + filter] } ?? 0
    }
    var packing = zoo_transposed_packing()
    packing.source = source
    packing.packed = run.packed + forwardPanels
    packing.stride = channels
    packing.taps = 1
    (packing.rows, packing.columns) = (Int32(channels), Int32(taps * filters))
    run.call(.pack_transposed, packing, units: Int(table.pointee.panels(Int32(taps * filters))))
    guard links.inputGradients[0] != nil else { return }
    run.call(
      .pack,
      zoo_packing(
        source: source, scale: nil, packed: run.packed + backwardPanels, stride: channels,
        rows: Int32(taps * filters), columns: Int32(channels), outputs: 0),
      units: Int(table.pointee.panels(Int32(channels))))
  }

  func forward(_ run: TrainingRun) {
    for example in 0..<run.count {
      var product = zoo_convolution()
      product.window = .pixels(from: input, to: input)
      product.window.out_pixel = taps * filters
      product.run = Int32(channels)
      product.columns = Int32(taps * filters)
      (product.lo, product.hi) = (-.infinity, .infinity)
      (product.zero, product.bias) = (run.zeros, run.zeros)
      product.weights = UnsafePointer(run.packed + forwardPanels)
      product.input = UnsafePointer(run.values(input, example))
      product.output = run.scratch
      let units = product.divide(run)
      run.call(.convolution, product, units: units)
      var scatter = zoo_scatter.back(through: window, columns: taps * filters, to: output)
      scatter.input = UnsafePointer(run.scratch)
      scatter.bias = UnsafePointer(run.packed + packedBias)
      scatter.output = run.values(output, example)
      scatter.channels = Int32(filters)
      (scatter.lo, scatter.hi) = (lo, hi)
      run.call(.scatter, scatter, units: output.height)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    if bias?.learns == true {
      run.addSums(of: slopes, pixels: run.count * output.pixels, channels: filters, to: run.sums + sums)
    }
    if kernel.learns {
      var arguments = zoo_weight_gradient()
      arguments.window = window
      (arguments.in_image, arguments.out_image) = (output.floats, input.floats)
      arguments.stride = channels
      (arguments.channels, arguments.columns) = (Int32(filters), Int32(channels))
      arguments.rows = Int32(run.count * input.pixels)
      arguments.accumulate = 1
      (arguments.input, arguments.gradient) = (slopes, UnsafePointer(run.values(input)))
      arguments.weights = run.gradient(kernel)
      let units = arguments.divide(run)
      run.call(.weight_gradient, arguments, units: units)
    }
    guard let target = links.inputGradients[0] else { return }
    var product = zoo_convolution()
    product.window = window
    product.run = Int32(filters)
    product.columns = Int32(channels)
    (product.lo, product.hi) = (-.infinity, .infinity)
    (product.zero, product.bias) = (run.zeros, run.zeros)
    product.weights = UnsafePointer(run.packed + backwardPanels)
    product.input = slopes
    product.output = run.values[target.buffer]
    if target.accumulates {
      product.residual = UnsafePointer(product.output)
      product.residual_pixel = channels
    }
    product.mask = run.mask(target, input)
    product.runImages(run, from: output, to: input)
  }

  func finish(_ run: TrainingRun) {
    guard let bias, bias.learns else { return }
    for filter in 0..<filters { run.gradient(bias)[filter] += Float(run.sums[sums + filter]) }
  }
}
