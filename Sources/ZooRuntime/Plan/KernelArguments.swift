import CZooKernels

/// A kernel's arguments, which are complete but for pointers when a step is planned.
protocol KernelArguments {
  mutating func point(to activations: StepActivations)
  /// Does nothing for kernels without weights.
  mutating func point(to weights: StepWeights)
}

extension KernelArguments {
  mutating func point(to weights: StepWeights) {}
}

/// Where a step finds what it reads and writes.
struct StepActivations {
  let input: UnsafePointer<Float>
  /// Of operations on two inputs.
  let other: UnsafePointer<Float>?
  let output: UnsafeMutablePointer<Float>
  let residual: UnsafePointer<Float>?
  /// Where wide codes go.
  let wide: UnsafeMutablePointer<Float>?
  let scratch: UnsafeMutablePointer<Float>?
  let productScratch: UnsafeMutablePointer<Float>?
}

/// Where a step finds its weights.
struct StepWeights {
  let packed: WeightPacker.Packed
  /// Of the 1x1 convolution that follows a depthwise one in the same step.
  let pointwise: WeightPacker.Packed?
  /// Of the one before it.
  let expansion: WeightPacker.Packed?
  /// For what lies outside of an image.
  let zeros: UnsafePointer<Float>
}

extension zoo_convolution: KernelArguments {
  mutating func point(to a: StepActivations) {
    (input, output, residual, scratch) = (a.input, a.output, a.residual, a.scratch)
  }

  mutating func point(to w: StepWeights) {
    (weights, bias, zero) = (w.packed.weights, w.packed.bias, w.zeros)
  }
}

extension zoo_winograd: KernelArguments {
  mutating func point(to a: StepActivations) {
    (input, output, residual, scratch) = (a.input, a.output, a.residual, a.scratch)
  }

  mutating func point(to w: StepWeights) {
    (weights, bias, zero) = (w.packed.weights, w.packed.bias, w.zeros)
  }
}

extension zoo_depthwise: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }

  mutating func point(to w: StepWeights) {
    (weights, bias, zero) = (w.packed.weights, w.packed.bias, w.zeros)
  }
}

extension zoo_separable: KernelArguments {
  mutating func point(to a: StepActivations) {
    (depthwise.input, expansion.input) = (a.input, a.input)
    (product.output, product.residual) = (a.output, a.residual)
    (scratch, product.scratch) = (a.scratch, a.productScratch)
  }

  mutating func point(to w: StepWeights) {
    depthwise.point(to: w)
    guard let pointwise = w.pointwise else { return }
    (product.weights, product.bias, product.zero) = (pointwise.weights, pointwise.bias, w.zeros)
    guard let expanding = w.expansion else { return }
    (expansion.weights, expansion.bias, expansion.zero) = (expanding.weights, expanding.bias, w.zeros)
  }
}

extension zoo_dense: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output, residual) = (a.input, a.output, a.residual) }

  mutating func point(to w: StepWeights) {
    bias = w.packed.bias
    guard let rows = w.packed.rows else { return }
    (weights, form, scales) = (rows.weights, rows.form, rows.scales)
  }
}

extension zoo_pooling: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output, residual) = (a.input, a.output, a.residual) }
}

extension zoo_global_pooling: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }
}

extension zoo_elementwise: KernelArguments {
  mutating func point(to activations: StepActivations) {
    (a, output) = (activations.input, activations.output)
    // Else these are weights, or nothing.
    if let other = activations.other { b = other }
  }

  /// A scale and a shift for `affine`, slopes for `rectify`.
  mutating func point(to w: StepWeights) {
    (b, scale, shift) = (w.packed.weights, w.packed.weights, w.packed.bias)
  }
}

extension zoo_activation: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }
}

extension zoo_layer_norm: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }

  mutating func point(to w: StepWeights) { (scale, shift) = (w.packed.weights, w.packed.bias) }
}

extension zoo_resize: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }
}

extension zoo_resample: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }

  mutating func point(to w: StepWeights) { (weights, starts) = (w.packed.weights, w.packed.bias) }
}

extension zoo_scatter: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }

  mutating func point(to w: StepWeights) { bias = w.packed.bias }
}

extension zoo_padding: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }
}

extension zoo_strided: KernelArguments {
  mutating func point(to a: StepActivations) { (input, output) = (a.input, a.output) }
}
