import CZooKernels

extension Step {
  /// A kernel with its arguments.
  enum Arguments {
    case convolution(zoo_convolution)
    case winograd(zoo_winograd)
    case depthwise(zoo_depthwise)
    case separable(zoo_separable)
    case dense(zoo_dense)
    case pooling(zoo_pooling)
    case globalPooling(zoo_global_pooling)
    case elementwise(zoo_kernel_id, zoo_elementwise)
    case activation(zoo_activation)
    case softmax(zoo_activation)
    case layerNorm(zoo_layer_norm)
    case resize(zoo_resize)
    case resample(zoo_resample)
    case scatter(zoo_scatter)
    case padding(zoo_padding)
    case strided(zoo_strided)
    case integerProduct(zoo_integer_product)
    case integerWinograd(zoo_integer_winograd)
    case integerDepthwise(zoo_integer_depthwise)
    case integerPooling(zoo_integer_pooling)
    case integerMean(zoo_integer_mean)
    case integerMap(zoo_kernel_id, zoo_integer_map)
    case integerPadding(zoo_integer_padding)
  }
}

extension Step.Arguments {
  /// Sets how many floats lie between the scratch memory of one thread and that of the next.
  mutating func setSlot(floats: Int) {
    switch self {
    case .convolution(var a):
      a.slot_floats = floats
      self = .convolution(a)
    case .winograd(var a):
      a.slot_floats = floats
      self = .winograd(a)
    case .separable(var a):
      (a.slot_floats, a.product.slot_floats) = (floats, floats)
      self = .separable(a)
    case .integerWinograd(var a):
      a.slot_bytes = floats * MemoryLayout<Float>.size
      self = .integerWinograd(a)
    default: break
    }
  }

  /// The one place that says which kernel takes which arguments.
  @inline(__always)
  private mutating func visit(by visitor: inout some ArgumentsVisitor) {
    switch self {
    case .convolution(var a):
      visitor.visit(.convolution, &a)
      self = .convolution(a)
    case .winograd(var a):
      visitor.visit(.winograd, &a)
      self = .winograd(a)
    case .depthwise(var a):
      visitor.visit(.depthwise, &a)
      self = .depthwise(a)
    case .separable(var a):
      visitor.visit(.separable, &a)
      self = .separable(a)
    case .dense(var a):
      visitor.visit(.dense, &a)
      self = .dense(a)
    case .pooling(var a):
      visitor.visit(.pooling, &a)
      self = .pooling(a)
    case .globalPooling(var a):
      visitor.visit(.global_pooling, &a)
      self = .globalPooling(a)
    case .elementwise(let kernel, var a):
      visitor.visit(kernel, &a)
      self = .elementwise(kernel, a)
    case .activation(var a):
      visitor.visit(.activation, &a)
      self = .activation(a)
    case .softmax(var a):
      visitor.visit(.softmax, &a)
      self = .softmax(a)
    case .layerNorm(var a):
      visitor.visit(.layer_norm, &a)
      self = .layerNorm(a)
    case .resize(var a):
      visitor.visit(.resize, &a)
      self = .resize(a)
    case .resample(var a):
      visitor.visit(.resample, &a)
      self = .resample(a)
    case .scatter(var a):
      visitor.visit(.scatter, &a)
      self = .scatter(a)
    case .padding(var a):
      visitor.visit(.pad, &a)
      self = .padding(a)
    case .strided(var a):
      visitor.visit(.copy_strided, &a)
      self = .strided(a)
    case .integerProduct(var a):
      visitor.visit(.integer_product, &a)
      self = .integerProduct(a)
    case .integerWinograd(var a):
      visitor.visit(.integer_winograd, &a)
      self = .integerWinograd(a)
    case .integerDepthwise(var a):
      visitor.visit(.integer_depthwise, &a)
      self = .integerDepthwise(a)
    case .integerPooling(var a):
      visitor.visit(.integer_pooling, &a)
      self = .integerPooling(a)
    case .integerMean(var a):
      visitor.visit(.integer_mean, &a)
      self = .integerMean(a)
    case .integerMap(let kernel, var a):
      visitor.visit(kernel, &a)
      self = .integerMap(kernel, a)
    case .integerPadding(var a):
      visitor.visit(.integer_pad, &a)
      self = .integerPadding(a)
    }
  }

  /// Whether it multiplies codes of 8 bits.
  var isInteger: Bool {
    switch self {
    case .integerProduct, .integerWinograd, .integerDepthwise: true
    default: false
    }
  }

  var kernel: zoo_kernel_id {
    var name = KernelName()
    var copy = self
    copy.visit(by: &name)
    return name.kernel
  }

  mutating func point(to weights: StepWeights) {
    var pointing = WeightPointing(weights: weights)
    visit(by: &pointing)
  }

  /// Calls the kernel for units 0 ..< `units`; `pool` may be `nil`.
  func run(
    on activations: StepActivations, units: Int, kernels: UnsafePointer<zoo_kernels>, pool: OpaquePointer?
  ) {
    var call = KernelCall(activations: activations, units: units, kernels: kernels, pool: pool)
    var copy = self
    copy.visit(by: &call)
  }
}

private protocol ArgumentsVisitor {
  mutating func visit<A: KernelArguments>(_ kernel: zoo_kernel_id, _ arguments: inout A)
}

private struct KernelName: ArgumentsVisitor {
  var kernel = zoo_kernel_id.peak

  mutating func visit<A: KernelArguments>(_ kernel: zoo_kernel_id, _ arguments: inout A) {
    self.kernel = kernel
  }
}

private struct WeightPointing: ArgumentsVisitor {
  let weights: StepWeights

  func visit<A: KernelArguments>(_ kernel: zoo_kernel_id, _ arguments: inout A) {
    arguments.point(to: weights)
  }
}

private struct KernelCall: ArgumentsVisitor {
  let activations: StepActivations
  let units: Int
  let kernels: UnsafePointer<zoo_kernels>
  let pool: OpaquePointer?

  @inline(__always)
  func visit<A: KernelArguments>(_ kernel: zoo_kernel_id, _ arguments: inout A) {
    arguments.point(to: activations)
    withUnsafePointer(to: arguments) {
      zoo_pool_run(pool, zoo_kernel_of(kernels, kernel), $0, Int32(truncatingIfNeeded: units))
    }
  }
}
