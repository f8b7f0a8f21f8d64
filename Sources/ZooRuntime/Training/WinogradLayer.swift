import CZooKernels

/// A convolution with a 3x3 window and stride 1 by Winograd's algorithm, with the norm and the rectifier
/// after it. The gradients of its input and of its weights take the same transforms.
struct WinogradLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// Of one image.
  let window: zoo_window
  /// (3, 3, channels, filters).
  let kernel: FoldedKernel
  let (lo, hi): (Float, Float)
  let (forwardTiling, backwardTiling): (WinogradTiling, WinogradTiling)
  /// Forward, and for the gradient of the input.
  let (forwardPanels, backwardPanels): (PanelPlace, PanelPlace)

  var keepsInputs: Bool { kernel.learns }
  var learns: Bool { kernel.learns }

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }

  // MARK: Sizes

  static func packedFloats(_ kernels: Kernels, _ tiling: WinogradTiling, rows: Int, columns: Int) -> Int {
    tiling.points * rows * Int(kernels.table.pointee.packed_columns(Int32(columns)))
  }

  /// How many channels and columns a unit of the weights' gradient has, and what scratch memory a thread
  /// needs for it.
  static func gradientGroups(
    _ tiling: WinogradTiling, channels: Int, columns: Int, threads: Int
  ) -> (channels: Int, columns: Int, slot: Int) {
    var group = min(channels, 64)
    func units(_ group: Int) -> Int { (channels + group - 1) / group * ((columns + 63) / 64) }
    // Every unit transforms the gradient of its columns.
    while group > 16, units(group) < threads { group = (group + 1) / 2 }
    return (group, 64, tiling.points * (Int(zoo_gradient_tiles) * (group + 48) + group * 64))
  }

  // MARK: Weights

  func prepare(_ run: TrainingRun) {
    kernel.folded.writeBias(run, to: run.packed + kernel.packedBias)
    if !forwardPanels.isTransient { packForward(run) }
    if !backwardPanels.isTransient, links.inputGradients[0] != nil { packBackward(run) }
  }

  private func packForward(_ run: TrainingRun) {
    let (channels, filters) = (input.channels, output.channels)
    kernel.folded.withScale(run) { scale in
      run.call(
        .winograd_pack,
        zoo_packing(
          source: kernel.weights(run), scale: scale, packed: forwardPanels.memory(run), stride: filters,
          rows: Int32(channels), columns: Int32(filters), outputs: Int32(forwardTiling.outputs)),
        units: Int(run.kernels.table.pointee.panels(Int32(filters))))
    }
  }

  private func packBackward(_ run: TrainingRun) {
    let (channels, filters) = (input.channels, output.channels)
    kernel.folded.withScale(run) { scale in
      var packing = zoo_transposed_packing()
      (packing.source, packing.scale) = (kernel.weights(run), scale)
      packing.packed = backwardPanels.memory(run)
      packing.stride = filters
      packing.taps = 9
      (packing.rows, packing.columns) = (Int32(filters), Int32(channels))
      packing.outputs = Int32(backwardTiling.outputs)
      run.call(
        .winograd_pack_transposed, packing, units: Int(run.kernels.table.pointee.panels(Int32(channels))))
    }
  }

  // MARK: Products

  func forward(_ run: TrainingRun) {
    if forwardPanels.isTransient { packForward(run) }
    var product = zoo_winograd()
    product.window = window
    (product.lo, product.hi) = (lo, hi)
    product.weights = UnsafePointer(forwardPanels.memory(run))
    product.bias = UnsafePointer(run.packed + kernel.packedBias)
    product.input = UnsafePointer(run.values(input))
    product.output = run.values(output)
    runImages(run, product, forwardTiling, from: input, to: output)
  }

  private func runImages(
    _ run: TrainingRun, _ product: zoo_winograd, _ tiling: WinogradTiling, from source: TrainingPlace,
    to target: TrainingPlace
  ) {
    var (product, tiling) = (product, tiling)
    // Of the last part of a batch there may be fewer.
    let side = tiling.outputs
    tiling.tiles = run.count * ((target.height + side - 1) / side) * ((target.width + side - 1) / side)
    product.images = Int32(run.count)
    product.zero = run.zeros
    product.scratch = run.scratch
    let units = product.divide(
      tiling, channels: source.channels, columns: target.channels, threads: run.threads, kernels: run.kernels)
    run.call(.winograd, product, units: units)
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    if learns { addWeightGradient(run, run.values[gradient]) }
    guard let target = links.inputGradients[0] else { return }
    if backwardPanels.isTransient { packBackward(run) }
    var product = zoo_winograd()
    product.window = .pixels(from: output, to: input)
    (product.window.kernel_height, product.window.kernel_width) = (3, 3)
    (product.window.pad_top, product.window.pad_left) = (2 - window.pad_top, 2 - window.pad_left)
    (product.lo, product.hi) = (-.infinity, .infinity)
    product.weights = UnsafePointer(backwardPanels.memory(run))
    product.bias = run.zeros
    product.input = UnsafePointer(run.values[gradient])
    product.output = run.values[target.buffer]
    if target.accumulates {
      product.residual = UnsafePointer(product.output)
      product.residual_pixel = input.channels
    }
    product.mask = run.mask(target, input)
    runImages(run, product, backwardTiling, from: output, to: input)
  }

  private func addWeightGradient(_ run: TrainingRun, _ gradient: UnsafeMutablePointer<Float>) {
    let (channels, filters) = (input.channels, output.channels)
    let groups = WinogradLayer.gradientGroups(
      forwardTiling, channels: channels, columns: filters, threads: run.threads)
    var arguments = zoo_winograd_gradient()
    arguments.window = window
    arguments.input = UnsafePointer(run.values(input))
    arguments.gradient = UnsafePointer(gradient)
    arguments.zero = run.zeros
    arguments.weights = kernel.gradient(run)
    arguments.column_sums = kernel.columnSums(run)
    (arguments.in_image, arguments.out_image) = (input.floats, output.floats)
    arguments.stride = filters
    arguments.images = Int32(run.count)
    (arguments.channels, arguments.columns) = (Int32(channels), Int32(filters))
    arguments.accumulate = 1
    (arguments.channel_group, arguments.column_group) = (Int32(groups.channels), Int32(groups.columns))
    arguments.outputs = Int32(forwardTiling.outputs)
    arguments.scratch = run.scratch
    arguments.slot_floats = groups.slot
    let units =
      (channels + groups.channels - 1) / groups.channels * ((filters + groups.columns - 1) / groups.columns)
    run.call(.winograd_gradient, arguments, units: units)
  }

  func finish(_ run: TrainingRun) { kernel.finish(run) }
}
