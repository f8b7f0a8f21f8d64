import CZooKernels

/// What the kernels on codes of 8 bits are timed on: an image of 56x56x128.
final class IntegerWorkload {
  private let table: UnsafePointer<zoo_kernels>
  private var allocated: [UnsafeMutableRawPointer] = []
  private let (size, channels) = (56, 128)

  init(_ table: UnsafePointer<zoo_kernels>) { self.table = table }

  deinit { for memory in allocated { memory.deallocate() } }

  /// Has `time` time a call of the kernel; `nil` for other kernels.
  func time(_ kernel: zoo_kernel_id, by time: (() -> Void) -> Double) -> Double? {
    switch kernel {
    case .integer_product:
      var a = product(1)
      (a.weights, a.row_block) = (memory(channels * channels), 56)
      return time(call(kernel, a, units: size))
    case .integer_winograd:
      guard table.pointee.integer_winograd != nil else { return nil }
      let (tiles, block) = ((size / 4) * (size / 4), 28)
      var a = zoo_integer_winograd()
      a.product = product(3)
      (a.product.weights, a.product.row_block) = (memory(9 * channels * channels), Int32(block))
      a.slot_bytes = Int(zoo_winograd_slot(Int32(block), a.product.panel_group))
      a.scratch = memory(a.slot_bytes)
      return time(call(kernel, a, units: tiles / block))
    case .integer_depthwise:
      var a = zoo_integer_depthwise()
      a.window = window(3)
      (a.input, a.zero, a.weights) = (codes, codes, memory(12 * channels))
      (a.bias, a.multiplier, a.offset) = (memory(4 * channels), memory(4 * channels), memory(4 * channels))
      (a.codes, a.channels) = (memory(values), Int32(channels))
      return time(call(kernel, a, units: size))
    case .integer_pooling:
      var a = zoo_integer_pooling()
      a.window = window(3)
      (a.input, a.codes, a.channels) = (codes, memory(values), Int32(channels))
      (a.multiplier, a.offset, a.average) = (memory(4 * channels), memory(4 * channels), 1)
      return time(call(kernel, a, units: size))
    case .integer_mean:
      var a = zoo_integer_mean()
      (a.input, a.output, a.writes) = (codes, raw(4 * channels), Int32(zoo_write_floats))
      (a.multiplier, a.offset) = (memory(4 * channels), memory(4 * channels))
      (a.in_pixel, a.in_row) = (channels, size * channels)
      (a.height, a.width, a.channels) = (Int32(size), Int32(size), Int32(channels))
      return time(call(kernel, a, units: (channels + 63) / 64))
    case .integer_add, .quantize, .dequantize:
      var a = zoo_integer_map()
      (a.a, a.b) = (UnsafeRawPointer(raw(4 * values)), UnsafeRawPointer(raw(values)))
      (a.output, a.writes) = (raw(4 * values), Int32(zoo_write_codes))
      (a.multiplier, a.offset) = (memory(4 * channels), memory(4 * channels))
      (a.a_pixel, a.b_pixel, a.out_pixel) = (channels, channels, channels)
      (a.b_factor, a.channels) = (0.5, Int32(channels))
      return time(call(kernel, a, units: size * size))
    case .integer_pad:
      var a = zoo_integer_padding()
      a.window = window(1)
      (a.input, a.zero, a.output, a.channels) = (codes, codes, memory(values), Int32(channels))
      return time(call(kernel, a, units: size))
    case .integer_pack:
      var a = zoo_integer_packing()
      (a.source, a.packed, a.stride) = (memory(512 * 512), memory(512 * 512), 512)
      (a.taps, a.run, a.columns) = (1, 512, 512)
      return time(call(kernel, a, units: Int(zoo_integer_panels(512))))
    default: return nil
    }
  }

  private func product(_ kernel: Int) -> zoo_integer_product {
    var a = zoo_integer_product()
    a.window = window(kernel)
    (a.input, a.zero) = (codes, codes)
    (a.bias, a.multiplier, a.offset) = (memory(4 * channels), memory(4 * channels), memory(4 * channels))
    (a.output, a.writes) = (raw(values), Int32(zoo_write_codes))
    (a.run, a.columns, a.panel_group) = (
      Int32(channels), Int32(channels), zoo_integer_panels(Int32(channels))
    )
    return a
  }

  private func call<A>(_ kernel: zoo_kernel_id, _ arguments: A, units: Int) -> () -> Void {
    let function = zoo_kernel_of(table, kernel)
    return { withUnsafePointer(to: arguments) { zoo_pool_run(nil, function, $0, Int32(units)) } }
  }

  private var values: Int { size * size * channels }
  private var codes: UnsafePointer<UInt8> { memory(values) }

  private func raw(_ bytes: Int) -> UnsafeMutableRawPointer {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes + 64, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes + 64)
    allocated.append(memory)
    return memory
  }

  private func memory<T>(_ bytes: Int) -> UnsafeMutablePointer<T> {
    raw(bytes).bindMemory(to: T.self, capacity: bytes / MemoryLayout<T>.stride)
  }

  private func memory<T>(_ bytes: Int) -> UnsafePointer<T> {
    let memory: UnsafeMutablePointer<T> = memory(bytes)
    return UnsafePointer(memory)
  }

  private func window(_ kernel: Int) -> zoo_window {
    var window = zoo_window()
    (window.in_height, window.in_width) = (Int32(size), Int32(size))
    (window.out_height, window.out_width) = (Int32(size), Int32(size))
    (window.kernel_height, window.kernel_width) = (Int32(kernel), Int32(kernel))
    (window.stride_height, window.stride_width) = (1, 1)
    (window.dilation_height, window.dilation_width) = (1, 1)
    (window.pad_top, window.pad_left) = (Int32(kernel / 2), Int32(kernel / 2))
    (window.in_pixel, window.in_row, window.out_pixel) = (channels, size * channels, channels)
    return window
  }
}
