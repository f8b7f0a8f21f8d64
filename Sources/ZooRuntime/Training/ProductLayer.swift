import CZooKernels

/// A convolution or dense layer as a matrix product, with the norm and the rectifier after it.
struct ProductLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// Of one image, from the whole input to the whole output.
  let window: zoo_window
  let groups: Int
  /// (taps, channels of a group, filters).
  let kernel: FoldedKernel
  let (lo, hi): (Float, Float)
  /// Forward, and for the gradient of the input.
  let (forwardPanels, backwardPanels): (PanelPlace, PanelPlace)

  var keepsInputs: Bool { kernel.learns }
  var learns: Bool { kernel.learns }

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }
  private var taps: Int { Int(window.kernel_height * window.kernel_width) }
  /// Of a group.
  private var channels: Int { input.channels / groups }
  private var filters: Int { output.channels / groups }

  private var hasUnitStride: Bool { window.stride_height == 1 && window.stride_width == 1 }

  // MARK: Sizes

  static func packedForward(_ kernels: Kernels, rows: Int, filters: Int) -> Int {
    rows * Int(kernels.table.pointee.packed_columns(Int32(filters)))
  }

  /// Floats of scratch memory for the gradients.
  static func scratch(
    _ kernels: Kernels, _ window: zoo_window, channels: Int, groups: Int, threads: Int
  ) -> Int {
    var window = window
    let tiles = Int(kernels.table.pointee.gradient_tiles(&window, Int32(channels / groups)))
    let slots =
      threads * Int(kernels.table.pointee.gradient_scratch(Int32(min(tiles, zoo_weight_gradient.tileGroup))))
    guard window.stride_height != 1 || window.stride_width != 1 else { return slots }
    let taps = Int(window.kernel_height * window.kernel_width)
    let columns = Int(window.out_height * window.out_width) * taps * (channels / groups)
    return max(slots, columns + 16 + Int(window.in_height * window.in_width) * channels + 16)
  }

  // MARK: Weights

  func prepare(_ run: TrainingRun) {
    kernel.folded.writeBias(run, to: run.packed + kernel.packedBias)
    if !forwardPanels.isTransient { packForward(run) }
    if !backwardPanels.isTransient, links.inputGradients[0] != nil { packBackward(run) }
  }

  private func packForward(_ run: TrainingRun) {
    let size = ProductLayer.packedForward(run.kernels, rows: taps * channels, filters: filters)
    kernel.folded.withScale(run) { scale in
      for group in 0..<groups {
        run.call(
          .pack,
          zoo_packing(
            source: kernel.weights(run) + group * filters, scale: scale.map { $0 + group * filters },
            packed: forwardPanels.memory(run) + group * size, stride: output.channels,
            rows: Int32(taps * channels), columns: Int32(filters), outputs: 0),
          units: Int(run.kernels.table.pointee.panels(Int32(filters))))
      }
    }
  }

  private func packBackward(_ run: TrainingRun) {
    let table = run.kernels.table
    let columns = hasUnitStride ? channels : taps * channels
    let size = (hasUnitStride ? taps : 1) * filters * Int(table.pointee.packed_columns(Int32(columns)))
    kernel.folded.withScale(run) { scale in
      for group in 0..<groups {
        var packing = zoo_transposed_packing()
        packing.source = kernel.weights(run) + group * filters
        packing.scale = scale.map { $0 + group * filters }
        packing.packed = backwardPanels.memory(run) + group * size
        packing.stride = output.channels
        packing.taps = Int32(hasUnitStride ? taps : 1)
        (packing.rows, packing.columns) = (Int32(filters), Int32(columns))
        run.call(.pack_transposed, packing, units: Int(table.pointee.panels(Int32(columns))))
      }
    }
  }

  // MARK: Products

  func forward(_ run: TrainingRun) {
    if forwardPanels.isTransient { packForward(run) }
    let size = ProductLayer.packedForward(run.kernels, rows: taps * channels, filters: filters)
    for group in 0..<groups {
      var product = zoo_convolution()
      product.window = window
      product.run = Int32(channels)
      product.columns = Int32(filters)
      (product.lo, product.hi) = (lo, hi)
      product.zero = run.zeros
      product.weights = UnsafePointer(forwardPanels.memory(run) + group * size)
      product.bias = UnsafePointer(run.packed + kernel.packedBias + group * filters)
      product.input = UnsafePointer(run.values(input) + group * channels)
      product.output = run.values(output) + group * filters
      product.runImages(run, from: input, to: output)
    }
  }

  // MARK: Gradients

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    if learns { addWeightGradient(run, run.values[gradient]) }
    guard let target = links.inputGradients[0] else { return }
    if backwardPanels.isTransient { packBackward(run) }
    guard hasUnitStride else { return scatter(run, run.values[gradient], to: target) }
    for group in 0..<groups { multiply(run, group, run.values[gradient], to: target) }
  }

  private func addWeightGradient(_ run: TrainingRun, _ gradient: UnsafeMutablePointer<Float>) {
    var arguments = zoo_weight_gradient()
    arguments.window = window
    (arguments.in_image, arguments.out_image) = (input.floats, output.floats)
    arguments.stride = output.channels
    (arguments.channels, arguments.columns) = (Int32(channels), Int32(filters))
    arguments.rows = Int32(run.count * output.pixels)
    arguments.accumulate = 1
    let units = arguments.divide(run)
    let target = kernel.gradient(run)
    for group in 0..<groups {
      arguments.input = UnsafePointer(run.values(input) + group * channels)
      arguments.gradient = UnsafePointer(gradient + group * filters)
      arguments.weights = target + group * filters
      arguments.column_sums = kernel.columnSums(run) + group * filters
      run.call(.weight_gradient, arguments, units: units)
    }
  }

  /// The gradient of the input as a convolution of the output's.
  private func multiply(
    _ run: TrainingRun, _ group: Int, _ gradient: UnsafeMutablePointer<Float>, to target: GradientTarget
  ) {
    let size = taps * filters * Int(run.kernels.table.pointee.packed_columns(Int32(channels)))
    var product = zoo_convolution()
    product.window = .pixels(from: output, to: input)
    product.window.kernel_height = window.kernel_height
    product.window.kernel_width = window.kernel_width
    product.window.dilation_height = window.dilation_height
    product.window.dilation_width = window.dilation_width
    product.window.pad_top = (window.kernel_height - 1) * window.dilation_height - window.pad_top
    product.window.pad_left = (window.kernel_width - 1) * window.dilation_width - window.pad_left
    product.run = Int32(filters)
    product.columns = Int32(channels)
    (product.lo, product.hi) = (-.infinity, .infinity)
    (product.zero, product.bias) = (run.zeros, run.zeros)
    product.weights = UnsafePointer(backwardPanels.memory(run) + group * size)
    product.input = UnsafePointer(gradient + group * filters)
    product.output = run.values[target.buffer] + group * channels
    if target.accumulates {
      product.residual = UnsafePointer(product.output)
      product.residual_pixel = input.channels
    }
    product.mask = run.mask(target, input)
    product.mask.values = product.mask.values.map { $0 + group * channels }
    product.runImages(run, from: output, to: input)
  }

  /// The gradient of the input where the window jumps: what each pixel of the output hands back, added up.
  private func scatter(
    _ run: TrainingRun, _ gradient: UnsafeMutablePointer<Float>, to target: GradientTarget
  ) {
    let columns = taps * channels
    let image = run.scratch + (output.pixels * columns + 16 + 15) / 16 * 16
    let size = filters * Int(run.kernels.table.pointee.packed_columns(Int32(columns)))
    for example in 0..<run.count {
      for group in 0..<groups {
        var product = zoo_convolution()
        product.window = .pixels(from: output, to: output)
        product.window.out_pixel = columns
        product.run = Int32(filters)
        product.columns = Int32(columns)
        (product.lo, product.hi) = (-.infinity, .infinity)
        (product.zero, product.bias) = (run.zeros, run.zeros)
        product.weights = UnsafePointer(backwardPanels.memory(run) + group * size)
        product.input = UnsafePointer(gradient + example * output.floats + group * filters)
        product.output = run.scratch
        let units = product.divide(run)
        run.call(.convolution, product, units: units)
        var scatter = zoo_scatter.back(through: window, columns: columns, to: input)
        scatter.input = UnsafePointer(run.scratch)
        scatter.bias = run.zeros
        scatter.output = image + group * channels
        scatter.channels = Int32(channels)
        (scatter.lo, scatter.hi) = (-.infinity, .infinity)
        run.call(.scatter, scatter, units: input.height)
      }
      run.contribute(
        image, pixel: channels * groups, example: 0, of: example..<example + 1, to: target, input)
    }
  }

  func finish(_ run: TrainingRun) { kernel.finish(run) }
}
