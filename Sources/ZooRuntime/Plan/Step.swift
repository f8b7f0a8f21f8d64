import CZooKernels
import ZooGraph
import ZooTensor

/// One call of a kernel.
struct Step {
  /// The layers that it computes.
  var layers: [String]
  var algorithm: String
  var macs: Int
  var arguments: Arguments
  var units: Int
  /// Whether the threads share it, or the caller does it alone.
  var isShared = true
  var inputs: [Place]
  var output: Place
  var residual: Place?
  /// Where it writes wide codes.
  var wide: Place?
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
  /// For the 1x1 convolution before it, together with them.
  var expansionWeights: WeightRequest?
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
    return max(arguments.isInteger ? macs / 2 : 2 * macs, perValue * output.pixels * output.channels)
  }

  /// Runs it on the activations that `pointer` finds.
  @inline(__always)
  func run(
    with kernels: UnsafePointer<zoo_kernels>, pool: OpaquePointer?,
    pointer: (Place) -> UnsafeMutablePointer<Float>
  ) {
    let activations = StepActivations(
      input: UnsafePointer(pointer(inputs[0])),
      other: inputs.count > 1 ? UnsafePointer(pointer(inputs[1])) : nil, output: pointer(output),
      residual: residual.map { UnsafePointer(pointer($0)) }, wide: wide.map(pointer),
      scratch: scratch.map(pointer), productScratch: productScratch.map(pointer))
    arguments.run(on: activations, units: units, kernels: kernels, pool: isShared ? pool : nil)
  }
}
