import CZooKernels
import ZooGraph
import ZooTensor

/// One call of a kernel.
struct Step {
  /// The layers that it computes.
  var layers: [String]
  var algorithm: String
  var multiplications: Int
  var arguments: Arguments
  var units: Int
  /// Whether the threads share it, or the caller does it alone.
  var isShared = true
  var inputs: [Place]
  var output: Place
  var residual: Place?
  /// Memory that it uses while it runs.
  var scratch: Place?
  /// The same for the 1x1 convolution that follows a depthwise one in the same step.
  var productScratch: Place?
  /// Values that are in memory once this step is done.
  var produced: [Value] = []
  /// What it needs from the weights.
  var weights: WeightRequest?
  /// For the 1x1 convolution that follows a depthwise one in the same step.
  var pointwiseWeights: WeightRequest?

  /// A kernel's arguments; pointers to activations are filled in by the session.
  enum Arguments {
    case convolution(zoo_convolution)
    case winograd(zoo_winograd)
    case depthwise(zoo_depthwise)
    case separable(zoo_separable)
    case pooling(zoo_pooling)
    case globalPooling(zoo_global_pooling)
    /// Of two inputs.
    case merge(Merge, zoo_elementwise)
    case affine(zoo_elementwise)
    case clamp(zoo_elementwise)
    case rectify(zoo_elementwise)
    case dense(zoo_dense)
    case padding(zoo_padding)
    case activation(zoo_activation)
    case softmax(zoo_activation)
    case layerNorm(zoo_layer_norm)
    case resize(zoo_resize)
    case scatter(zoo_scatter)
    case strided(zoo_strided)
  }
}

/// What a step does, for people.
package struct StepDescription: Sendable {
  /// The layers that it computes, in the graph's order.
  package let layers: [String]
  /// The kernel or algorithm.
  package let kernel: String
  /// Multiplications and additions of convolutions and dense layers, for one example.
  package let macs: Int
  /// What it reads of weights that are used once each and so come from memory: of dense layers; 0 for others.
  package let streamedBytes: Int
}

extension StepDescription {
  init(_ step: Step) {
    var bytes = 0
    if case .dense(let a) = step.arguments { bytes = step.multiplications * (a.half_weights == nil ? 4 : 2) }
    self.init(
      layers: step.layers, kernel: step.algorithm, macs: step.multiplications, streamedBytes: bytes)
  }
}

extension Step {
  /// A dense layer's step for so many images at a time, `stride` floats apart, on so many threads; `nil` for
  /// other steps.
  func forRows(_ count: Int, threads: Int, stride: (Place) -> Int) -> Step? {
    guard case .dense(var a) = arguments else { return nil }
    var step = self
    a.rows = Int32(count)
    a.input_row = stride(inputs[0])
    a.output_row = stride(output)
    a.residual_row = residual.map(stride) ?? 0
    step.units = a.divide(threads: threads)
    if count > 1 { step.isShared = true }
    step.arguments = .dense(a)
    return step
  }

  /// The operations on floats that it takes, roughly: values that are only moved or added count as eight.
  var operations: Int {
    var perValue = 8
    if case .pooling(let a) = arguments {
      perValue += 4 * Int(a.window.kernel_height) * Int(a.window.kernel_width)
    }
    return max(2 * multiplications, perValue * output.pixels * output.channels)
  }

  /// Runs it on the activations that `pointer` finds.
  func run(
    with kernels: zoo_kernels, pool: OpaquePointer?, pointer: (Place) -> UnsafeMutablePointer<Float>
  ) {
    let input = UnsafePointer(pointer(inputs[0]))
    let output = pointer(output)
    let residual = residual.map { UnsafePointer(pointer($0)) }
    switch arguments {
    case .convolution(var a):
      (a.input, a.output, a.residual) = (input, output, residual)
      a.scratch = scratch.map(pointer)
      call(kernels.convolution, &a, pool)
    case .winograd(var a):
      (a.input, a.output, a.residual) = (input, output, residual)
      guard let scratch else { return }
      a.scratch = pointer(scratch)
      call(kernels.winograd, &a, pool)
    case .depthwise(var a):
      (a.input, a.output) = (input, output)
      call(kernels.depthwise, &a, pool)
    case .separable(var a):
      guard let scratch else { return }
      (a.depthwise.input, a.product.output, a.product.residual) = (input, output, residual)
      a.scratch = pointer(scratch)
      a.product.scratch = productScratch.map(pointer)
      call(kernels.separable, &a, pool)
    case .pooling(var a):
      (a.input, a.output, a.residual) = (input, output, residual)
      call(kernels.pooling, &a, pool)
    case .globalPooling(var a):
      (a.input, a.output) = (input, output)
      call(kernels.global_pooling, &a, pool)
    case .merge(let merge, var a):
      (a.a, a.b, a.output) = (input, UnsafePointer(pointer(inputs[1])), output)
      call(kernels.kernel(for: merge), &a, pool)
    case .rectify(var a):
      (a.a, a.output) = (input, output)
      call(kernels.rectify, &a, pool)
    case .affine(var a):
      (a.a, a.output) = (input, output)
      call(kernels.affine, &a, pool)
    case .clamp(var a):
      (a.a, a.output) = (input, output)
      call(kernels.clamp, &a, pool)
    case .dense(var a):
      (a.input, a.output, a.residual) = (input, output, residual)
      call(kernels.dense, &a, pool)
    case .padding(var a):
      (a.input, a.output) = (input, output)
      call(kernels.pad, &a, pool)
    case .activation(var a):
      (a.input, a.output) = (input, output)
      call(kernels.activation, &a, pool)
    case .softmax(var a):
      (a.input, a.output) = (input, output)
      call(kernels.softmax, &a, pool)
    case .layerNorm(var a):
      (a.input, a.output) = (input, output)
      call(kernels.layer_norm, &a, pool)
    case .resize(var a):
      (a.input, a.output) = (input, output)
      call(kernels.resize, &a, pool)
    case .scatter(var a):
      (a.input, a.output) = (input, output)
      call(kernels.scatter, &a, pool)
    case .strided(var a):
      (a.input, a.output) = (input, output)
      call(kernels.copy_strided, &a, pool)
    }
  }

  @inline(__always)
  private func call(_ kernel: zoo_kernel?, _ arguments: UnsafeRawPointer, _ pool: OpaquePointer?) {
    zoo_pool_run(isShared ? pool : nil, kernel, arguments, Int32(truncatingIfNeeded: units))
  }
}

extension zoo_dense {
  /// Divides the columns into units, at least one for each thread. Returns the number of units.
  mutating func divide(threads: Int) -> Int {
    let parts = Int32(threads)
    let block = (columns + parts - 1) / parts
    column_block = min(2048, (block + 63) / 64 * 64)
    return Int((columns + column_block - 1) / column_block)
  }
}

extension zoo_kernels {
  fileprivate func kernel(for merge: Merge) -> zoo_kernel? {
    switch merge {
    case .add: add
    case .subtract: subtract
    case .multiply: multiply
    case .average: average
    case .maximum: maximum
    case .minimum: minimum
    }
  }
}
