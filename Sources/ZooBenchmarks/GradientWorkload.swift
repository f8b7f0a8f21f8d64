import CZooKernels

/// What the kernels of training are timed on: 4 images of 56x56x128, and 128 filters; 16 examples of a dense layer.
final class GradientWorkload {
  private let table: UnsafePointer<zoo_kernels>
  private var allocated: [UnsafeMutablePointer<Float>] = []
  private let (images, size, channels) = (4, 56, 128)

  init(_ table: UnsafePointer<zoo_kernels>) { self.table = table }

  deinit { for memory in allocated { memory.deallocate() } }

  /// Has `time` time a call of the kernel; `nil` for kernels of inference.
  func time(_ kernel: zoo_kernel_id, by time: (() -> Void) -> Double) -> Double? {
    switch kernel {
    case .weight_gradient: return time(call(kernel, weightGradient()))
    case .winograd_gradient: return time(call(kernel, winogradGradient()))
    case .dense_gradient: return time(call(kernel, denseGradient()))
    case .dense_weight_gradient: return time(call(kernel, denseWeightGradient()))
    case .pack_transposed, .winograd_pack_transposed: return time(call(kernel, transposedPacking()))
    case .depthwise_gradient: return time(call(kernel, depthwiseGradient()))
    case .depthwise_weight_gradient: return time(call(kernel, depthwiseWeightGradient()))
    case .activation_gradient: return time(call(kernel, activationGradient()))
    case .batch_sums, .batch_gradient_sums: return time(call(kernel, batchSums()))
    case .batch_norm, .batch_norm_gradient: return time(call(kernel, batchNorm()))
    case .max_pooling_places, .pooling_gradient: return time(call(kernel, pooling(kernel)))
    case .softmax_gradient: return time(call(kernel, classGradient()))
    default: return nil
    }
  }

  /// A call with the arguments and number of units.
  private func call<A>(_ kernel: zoo_kernel_id, _ workload: (arguments: A, units: Int32)) -> () -> Void {
    let function = zoo_kernel_of(table, kernel)
    return { withUnsafePointer(to: workload.arguments) { zoo_pool_run(nil, function, $0, workload.units) } }
  }

  private func floats(_ count: Int, _ value: Float = 0.5) -> UnsafeMutablePointer<Float> {
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: count + 64)
    memory.initialize(repeating: value, count: count + 64)
    allocated.append(memory)
    return memory
  }

  private var pixels: Int { images * size * size }
  private var values: Int { pixels * channels }

  /// A window over the images with as much padding as keeps their size, or half of it for stride 2.
  private func window(kernel: Int, stride: Int = 1) -> zoo_window {
    var window = zoo_window()
    (window.in_height, window.in_width) = (Int32(size), Int32(size))
    (window.out_height, window.out_width) = (Int32(size / stride), Int32(size / stride))
    (window.kernel_height, window.kernel_width) = (Int32(kernel), Int32(kernel))
    (window.stride_height, window.stride_width) = (Int32(stride), Int32(stride))
    (window.dilation_height, window.dilation_width) = (1, 1)
    (window.pad_top, window.pad_left) = (Int32(kernel / 2), Int32(kernel / 2))
    (window.in_pixel, window.in_row, window.out_pixel) = (channels, size * channels, channels)
    return window
  }

  private func weightGradient() -> (zoo_weight_gradient, Int32) {
    var arguments = zoo_weight_gradient()
    arguments.window = window(kernel: 1)
    (arguments.input, arguments.gradient) = (UnsafePointer(floats(values)), UnsafePointer(floats(values)))
    arguments.weights = floats(channels * channels)
    (arguments.in_image, arguments.out_image) = (size * size * channels, size * size * channels)
    (arguments.channels, arguments.columns) = (Int32(channels), Int32(channels))
    (arguments.stride, arguments.rows) = (channels, Int32(pixels))
    arguments.tile_group = table.pointee.gradient_tiles(&arguments.window, Int32(channels))
    arguments.slot_floats = Int(table.pointee.gradient_scratch(arguments.tile_group))
    arguments.scratch = floats(arguments.slot_floats)
    return (arguments, table.pointee.gradient_panels(Int32(channels)))
  }

  private let (examples, inputs, columns) = (16, 2048, 1000)

  private func denseGradient() -> (zoo_dense_gradient, Int32) {
    var arguments = zoo_dense_gradient()
    arguments.weights = UnsafePointer(floats(inputs * columns))
    (arguments.gradient, arguments.output) = (
      UnsafePointer(floats(examples * columns)), floats(examples * inputs)
    )
    (arguments.gradient_row, arguments.output_row) = (columns, inputs)
    (arguments.rows, arguments.inputs, arguments.columns) = (Int32(examples), Int32(inputs), Int32(columns))
    return (arguments, Int32(inputs) / Int32(zoo_dense_unit))
  }

  private func denseWeightGradient() -> (zoo_dense_weight_gradient, Int32) {
    var arguments = zoo_dense_weight_gradient()
    (arguments.input, arguments.gradient) = (
      UnsafePointer(floats(examples * inputs)), UnsafePointer(floats(examples * columns))
    )
    arguments.output = floats(inputs * columns)
    (arguments.input_row, arguments.gradient_row) = (inputs, columns)
    (arguments.rows, arguments.columns) = (Int32(examples), Int32(columns))
    (arguments.end, arguments.block) = (Int64(inputs * columns), Int64(16 * columns))
    return (arguments, Int32(inputs) / 16)
  }

  private func transposedPacking() -> (zoo_transposed_packing, Int32) {
    var arguments = zoo_transposed_packing()
    arguments.source = UnsafePointer(floats(9 * channels * channels))
    arguments.packed = floats(36 * channels * Int(table.pointee.packed_columns(Int32(channels))))
    (arguments.stride, arguments.taps, arguments.outputs) = (channels, 9, 4)
    (arguments.rows, arguments.columns) = (Int32(channels), Int32(channels))
    return (arguments, table.pointee.panels(Int32(channels)))
  }

  private func depthwiseGradient() -> (zoo_depthwise_gradient, Int32) {
    var arguments = zoo_depthwise_gradient()
    arguments.window = window(kernel: 3)
    (arguments.gradient, arguments.output) = (UnsafePointer(floats(values)), floats(values))
    (arguments.weights, arguments.zero) = (
      UnsafePointer(floats(9 * channels)), UnsafePointer(floats(channels, 0))
    )
    (arguments.in_image, arguments.out_image) = (size * size * channels, size * size * channels)
    (arguments.channels, arguments.multiplier, arguments.weight_stride) = (
      Int32(channels), 1, Int32(channels)
    )
    arguments.mask = zoo_mask(values: UnsafePointer(floats(values)), pixel: channels, hi: 6)
    arguments.mask_image = size * size * channels
    return (arguments, Int32(images * size))
  }

  private func depthwiseWeightGradient() -> (zoo_depthwise_weight_gradient, Int32) {
    var arguments = zoo_depthwise_weight_gradient()
    arguments.window = window(kernel: 3)
    (arguments.input, arguments.gradient) = (UnsafePointer(floats(values)), UnsafePointer(floats(values)))
    arguments.weights = floats(9 * channels)
    (arguments.in_image, arguments.out_image) = (size * size * channels, size * size * channels)
    (arguments.stride, arguments.images) = (channels, Int32(images))
    (arguments.channels, arguments.multiplier) = (Int32(channels), 1)
    arguments.slot_floats = 10 * channels
    arguments.scratch = floats(arguments.slot_floats)
    return (arguments, Int32((channels + 15) / 16))
  }

  private func winogradGradient() -> (zoo_winograd_gradient, Int32) {
    var arguments = zoo_winograd_gradient()
    arguments.window = window(kernel: 3)
    (arguments.input, arguments.gradient) = (UnsafePointer(floats(values)), UnsafePointer(floats(values)))
    (arguments.zero, arguments.weights) = (
      UnsafePointer(floats(channels, 0)), floats(9 * channels * channels)
    )
    (arguments.in_image, arguments.out_image) = (size * size * channels, size * size * channels)
    (arguments.stride, arguments.images) = (channels, Int32(images))
    (arguments.channels, arguments.columns) = (Int32(channels), Int32(channels))
    (arguments.channel_group, arguments.column_group) = (Int32(channels), 64)
    arguments.outputs = 4
    arguments.slot_floats = 36 * (zoo_gradient_tiles * (channels + 48) + channels * 64)
    arguments.scratch = floats(arguments.slot_floats)
    return (arguments, Int32(channels / 64))
  }

  private func activationGradient() -> (zoo_activation_gradient, Int32) {
    var arguments = zoo_activation_gradient()
    (arguments.gradient, arguments.values) = (UnsafePointer(floats(values)), UnsafePointer(floats(values)))
    arguments.output = floats(values)
    (arguments.gradient_pixel, arguments.values_pixel) = (channels, channels)
    (arguments.out_pixel, arguments.channels) = (channels, Int32(channels))
    (arguments.function, arguments.factor) = (Int32(zoo_silu), 1)
    return (arguments, Int32(pixels))
  }

  private func batchSums() -> (zoo_batch_sums, Int32) {
    var arguments = zoo_batch_sums()
    (arguments.values, arguments.gradient) = (UnsafePointer(floats(values)), UnsafePointer(floats(values)))
    (arguments.scale, arguments.shift) = (UnsafePointer(floats(channels)), UnsafePointer(floats(channels)))
    arguments.hi = 6
    (arguments.values_pixel, arguments.gradient_pixel) = (channels, channels)
    (arguments.pixels, arguments.channels) = (Int32(pixels), Int32(channels))
    floats(4 * channels).withMemoryRebound(to: Double.self, capacity: 2 * channels) { arguments.sums = $0 }
    return (arguments, Int32((channels + 15) / 16))
  }

  private func batchNorm() -> (zoo_batch_norm, Int32) {
    var arguments = zoo_batch_norm()
    (arguments.values, arguments.gradient) = (UnsafePointer(floats(values)), UnsafePointer(floats(values)))
    (arguments.scale, arguments.shift) = (UnsafePointer(floats(channels)), UnsafePointer(floats(channels)))
    arguments.of_gradient = UnsafePointer(floats(channels))
    arguments.of_values = UnsafePointer(floats(channels))
    arguments.constant = UnsafePointer(floats(channels))
    arguments.output = floats(values)
    (arguments.lo, arguments.hi) = (0, 6)
    (arguments.values_pixel, arguments.gradient_pixel, arguments.out_pixel) = (channels, channels, channels)
    arguments.channels = Int32(channels)
    return (arguments, Int32(pixels))
  }

  /// The maxima of 3x3 windows of stride 2.
  private func pooling(_ kernel: zoo_kernel_id) -> (zoo_pooling_gradient, Int32) {
    var arguments = zoo_pooling_gradient()
    arguments.window = window(kernel: 3, stride: 2)
    arguments.input = UnsafePointer(floats(values))
    (arguments.output, arguments.gradient) = (floats(values), UnsafePointer(floats(values / 4)))
    floats(values / 16).withMemoryRebound(to: UInt8.self, capacity: values / 4) { arguments.places = $0 }
    (arguments.in_image, arguments.out_image) = (values / images, values / images / 4)
    arguments.places_image = values / images / 4
    arguments.channels = Int32(channels)
    return (arguments, Int32(kernel == .pooling_gradient ? images * size : images * size / 2))
  }

  /// 16 rows of a thousand classes.
  private func classGradient() -> (zoo_class_gradient, Int32) {
    let (rows, classes) = (16, 1000)
    var arguments = zoo_class_gradient()
    arguments.output = UnsafePointer(floats(rows * classes))
    arguments.gradient = UnsafePointer(floats(rows * classes))
    arguments.result = floats(rows * classes)
    (arguments.output_row, arguments.gradient_row, arguments.result_row) = (classes, classes, classes)
    (arguments.classes, arguments.factor) = (Int32(classes), 1)
    return (arguments, Int32(rows))
  }
}
