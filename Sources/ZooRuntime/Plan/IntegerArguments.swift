import CZooKernels

// Arguments of kernels on codes of 8 bits.

/// Where a step on codes finds what ``IntegerRequest`` packs.
private struct PackedIntegers {
  let weights: UnsafePointer<Int8>
  let starts: UnsafePointer<Int32>
  let multipliers: UnsafePointer<Float>
  let offsets: UnsafePointer<Float>
  let zeros: UnsafePointer<UInt8>

  init(_ packed: WeightPacker.Packed, channels: Int32) {
    let padded = IntegerRequest.padded(Int(channels))
    weights = UnsafeRawPointer(packed.weights).assumingMemoryBound(to: Int8.self)
    starts = UnsafeRawPointer(packed.bias).assumingMemoryBound(to: Int32.self)
    (multipliers, offsets) = (packed.bias + padded, packed.bias + 2 * padded)
    zeros = UnsafeRawPointer(packed.bias + 3 * padded).assumingMemoryBound(to: UInt8.self)
  }
}

private func codes(_ pointer: UnsafePointer<Float>) -> UnsafePointer<UInt8> {
  UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self)
}

private func codes(_ pointer: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt8> {
  UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt8.self)
}

private func wideCodes(_ pointer: UnsafeMutablePointer<Float>?) -> UnsafeMutablePointer<UInt16>? {
  pointer.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt16.self) }
}

extension Int32 {
  /// What a kernel is said to write.
  fileprivate var isWideOnly: Bool { self == Int32(zoo_write_wide) }
}

extension zoo_integer_product: KernelArguments {
  mutating func point(to a: StepActivations) {
    input = ZooRuntime.codes(a.input)
    residual = a.residual.map(UnsafeRawPointer.init)
    output = UnsafeMutableRawPointer(a.output)
    wide = wideCodes(writes.isWideOnly ? a.output : a.wide)
  }

  mutating func point(to w: StepWeights) {
    let packed = PackedIntegers(w.packed, channels: columns)
    (weights, bias, zero) = (packed.weights, packed.starts, packed.zeros)
    (multiplier, offset) = (packed.multipliers, packed.offsets)
  }
}

extension zoo_integer_winograd: KernelArguments {
  mutating func point(to a: StepActivations) {
    product.point(to: a)
    scratch = a.scratch.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt8.self) }
  }

  mutating func point(to w: StepWeights) { product.point(to: w) }
}

extension zoo_integer_depthwise: KernelArguments {
  mutating func point(to a: StepActivations) {
    (input, codes) = (ZooRuntime.codes(a.input), ZooRuntime.codes(a.output))
  }

  mutating func point(to w: StepWeights) {
    let packed = PackedIntegers(w.packed, channels: channels)
    (weights, bias, zero) = (packed.weights, packed.starts, packed.zeros)
    (multiplier, offset) = (packed.multipliers, packed.offsets)
  }
}

extension zoo_integer_pooling: KernelArguments {
  mutating func point(to a: StepActivations) {
    (input, codes) = (ZooRuntime.codes(a.input), ZooRuntime.codes(a.output))
  }

  mutating func point(to w: StepWeights) {
    let packed = PackedIntegers(w.packed, channels: channels)
    (multiplier, offset) = (packed.multipliers, packed.offsets)
    zero = packed.zeros
  }
}

extension zoo_integer_mean: KernelArguments {
  mutating func point(to a: StepActivations) {
    input = ZooRuntime.codes(a.input)
    output = UnsafeMutableRawPointer(a.output)
  }

  mutating func point(to w: StepWeights) {
    let packed = PackedIntegers(w.packed, channels: channels)
    (multiplier, offset) = (packed.multipliers, packed.offsets)
  }
}

extension zoo_integer_map: KernelArguments {
  mutating func point(to activations: StepActivations) {
    a = UnsafeRawPointer(activations.input)
    b = activations.other.map(UnsafeRawPointer.init)
    output = UnsafeMutableRawPointer(activations.output)
    wide = wideCodes(writes.isWideOnly ? activations.output : activations.wide)
  }

  mutating func point(to w: StepWeights) {
    let packed = PackedIntegers(w.packed, channels: channels)
    (multiplier, offset) = (packed.multipliers, packed.offsets)
  }
}

extension zoo_integer_padding: KernelArguments {
  mutating func point(to a: StepActivations) {
    (input, output) = (codes(a.input), codes(a.output))
  }

  mutating func point(to w: StepWeights) { zero = PackedIntegers(w.packed, channels: channels).zeros }
}
