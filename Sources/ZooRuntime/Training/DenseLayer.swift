import CZooKernels

/// A dense layer whose weights take longer to read than to multiply: they are used where they lie, both ways, and their
/// gradient is kept as its factors.
struct DenseLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// (inputs, columns).
  let kernel: WeightPlace
  let bias: WeightPlace?
  let (lo, hi): (Float, Float)
  /// The place of the sums of the output's gradient.
  let sums: Int

  var keepsInputs: Bool { kernel.learns }
  var learns: Bool { kernel.learns || bias?.learns == true }

  private var input: TrainingPlace { links.inputs[0] }
  private var output: TrainingPlace { links.output }

  func forward(_ run: TrainingRun) {
    var product = zoo_dense()
    product.input = UnsafePointer(run.values(input))
    product.weights = UnsafeRawPointer(run.weights + kernel.offset)
    product.form = .f32
    product.bias = bias.map { UnsafePointer(run.weights + $0.offset) } ?? run.zeros
    product.output = run.values(output)
    (product.input_row, product.output_row) = (input.floats, output.floats)
    product.rows = Int32(run.count)
    (product.inputs, product.columns) = (Int32(input.floats), Int32(output.floats))
    (product.lo, product.hi) = (lo, hi)
    let units = product.divide(threads: run.threads)
    run.call(.dense, product, units: units)
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    if let factors = kernel.factors {
      (run.factors + factors.inputs + run.first * factors.rows).update(
        from: run.values(input), count: run.count * factors.rows)
      (run.factors + factors.gradients + run.first * factors.columns).update(
        from: slopes, count: run.count * factors.columns)
    }
    if bias?.learns == true {
      run.addSums(of: slopes, pixels: run.count, channels: output.floats, to: run.sums + sums)
    }
    guard let target = links.inputGradients[0] else { return }
    var product = zoo_dense_gradient()
    product.weights = UnsafePointer(run.weights + kernel.offset)
    product.gradient = slopes
    product.output = run.values[target.buffer]
    (product.gradient_row, product.output_row) = (output.floats, input.floats)
    product.rows = Int32(run.count)
    (product.inputs, product.columns) = (Int32(input.floats), Int32(output.floats))
    product.accumulate = target.accumulates ? 1 : 0
    product.mask = run.mask(target, input)
    product.mask.pixel = input.floats
    let unit = Int(zoo_dense_unit)
    run.call(.dense_gradient, product, units: (input.floats + unit - 1) / unit)
  }

  func finish(_ run: TrainingRun) {
    guard let bias, bias.learns else { return }
    for column in 0..<bias.count { run.gradient(bias)[column] += Float(run.sums[sums + column]) }
  }
}
