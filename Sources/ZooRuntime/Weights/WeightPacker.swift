import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

/// Brings weights into the form in which the kernels read them.
struct WeightPacker {
  let kernels: Kernels
  let source: any WeightSource
  /// The threads that share the work; `nil`: the caller does it.
  let pool: OpaquePointer?

  /// Where packed weights are.
  struct Packed {
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    /// Row-major ones of a dense layer, in place of `weights`.
    var rows: Rows?
    /// What `rows` points into, where that is not the target.
    var inPlace: ByteSlice?
  }

  /// Weights in the form in which they are stored.
  struct Rows {
    let weights: UnsafeRawPointer
    let form: zoo_weight_form
    var scales: UnsafePointer<Float>?
  }

  /// Packs what `request` asks for to `target` and `bias`, which have the room that it says; a tensor that
  /// was copied need not stay in memory.
  func pack(
    _ request: WeightRequest, to target: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>
  ) throws -> Packed {
    bias.update(repeating: 0, count: request.sizes(kernels).bias)
    if case .integers(let integers) = request.layout { return try pack(integers, to: target, bias: bias) }
    let folded = try FoldedNorms(request.norms, bias: request.bias, filters: request.channels, from: source)
    folded.fill(bias, request.layout.biasChannels)
    switch request.layout {
    case .panels(let rows, let columns, let first):
      try packPanels(request.kernel, rows: rows, columns: columns, firstColumn: first, folded, to: target)
    case .winograd(let outputs, let channels, let columns):
      try packWinograd(
        request.kernel, outputs: outputs, channels: channels, columns: columns, folded, to: target)
    case .depthwise(let taps, let channels, let stride):
      try packDepthwise(request.kernel, taps: taps, channels: channels, stride: stride, folded, to: target)
    case .rows(let inputs, let columns):
      return try useRows(request.kernel, inputs: inputs, columns: columns, folded, target: target, bias: bias)
    case .transposedPanels(let taps, let filters, let channels):
      try packTransposedPanels(
        request.kernel, taps: taps, filters: filters, channels: channels, folded, to: target)
    case .bias, .integers: break
    case .values(let count): try copyValues(request.kernel, count: count, to: target)
    case .repeated(let shape): try repeatValues(request.kernel, along: shape, to: target)
    case .taps(let resize, let output, let input, let each):
      for (index, taps) in resize.allTaps(output: output, input: input).enumerated() {
        bias[index] = Float(taps.start)
        for (tap, weight) in taps.weights.enumerated() { target[index * each + tap] = weight }
      }
    case .affine(let channels):
      for channel in 0..<channels { target[channel] = Float(folded.scale?[channel] ?? 1) }
    }
    return Packed(weights: UnsafePointer(target), bias: UnsafePointer(bias))
  }

  // MARK: A method for each layout

  private func packPanels(
    _ kernel: WeightSlot?, rows: Int, columns: Int, firstColumn first: Int, _ folded: FoldedNorms,
    to target: UnsafeMutablePointer<Float>
  ) throws {
    try withFloats(of: kernel) { values in
      let stride = values.count / rows
      folded.withScale(from: first) { scale in
        let packing = zoo_packing(
          source: values.baseAddress.map { $0 + first }, scale: scale, packed: target, stride: stride,
          rows: Int32(rows), columns: Int32(columns), outputs: 0)
        share(packing, by: kernels.table.pointee.pack)
      }
    }
  }

  private func packWinograd(
    _ kernel: WeightSlot?, outputs: Int, channels: Int, columns: Int, _ folded: FoldedNorms,
    to target: UnsafeMutablePointer<Float>
  ) throws {
    try withFloats(of: kernel) { values in
      folded.withScale(from: 0) { scale in
        let packing = zoo_packing(
          source: values.baseAddress, scale: scale, packed: target, stride: columns, rows: Int32(channels),
          columns: Int32(columns), outputs: Int32(outputs))
        share(packing, by: kernels.table.pointee.winograd_pack)
      }
    }
  }

  private func packDepthwise(
    _ kernel: WeightSlot?, taps: Int, channels: Int, stride: Int, _ folded: FoldedNorms,
    to target: UnsafeMutablePointer<Float>
  ) throws {
    target.update(repeating: 0, count: taps * stride)
    try withFloats(of: kernel) { values in
      for tap in 0..<taps {
        for channel in 0..<channels {
          let weight = values[tap * channels + channel]
          target[tap * stride + channel] =
            folded.scale.map { Float(Double(weight) * $0[channel]) } ?? weight
        }
      }
    }
  }

  private func useRows(
    _ kernel: WeightSlot?, inputs: Int, columns: Int, _ folded: FoldedNorms,
    target: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>
  ) throws -> Packed {
    var packed = Packed(weights: UnsafePointer(target), bias: UnsafePointer(bias))
    let (rows, owner) = try codes(kernel, folded) ?? rowMajor(kernel, inputs * columns, columns, folded)
    (packed.rows, packed.inPlace) = (rows, owner)
    return packed
  }

  private func packTransposedPanels(
    _ kernel: WeightSlot?, taps: Int, filters: Int, channels: Int, _ folded: FoldedNorms,
    to target: UnsafeMutablePointer<Float>
  ) throws {
    let columns = taps * filters
    var matrix = [Float](repeating: 0, count: channels * columns)
    try withFloats(of: kernel) { values in
      for column in 0..<columns {
        let scale = folded.scale?[column % filters] ?? 1
        for channel in 0..<channels {
          matrix[channel * columns + column] = Float(Double(values[column * channels + channel]) * scale)
        }
      }
    }
    matrix.withUnsafeBufferPointer { values in
      let packing = zoo_packing(
        source: values.baseAddress, scale: nil, packed: target, stride: columns, rows: Int32(channels),
        columns: Int32(columns), outputs: 0)
      share(packing, by: kernels.table.pointee.pack)
    }
  }

  private func copyValues(
    _ kernel: WeightSlot?, count: Int, to target: UnsafeMutablePointer<Float>
  ) throws {
    guard let kernel else { return target.update(repeating: 1, count: count) }
    try withFloats(of: kernel) { values in
      for index in 0..<min(count, values.count) { target[index] = values[index] }
    }
  }

  private func repeatValues(
    _ kernel: WeightSlot?, along shape: Shape, to target: UnsafeMutablePointer<Float>
  ) throws {
    guard let kernel else { return }
    try withFloats(of: kernel) { values in
      for index in 0..<shape.elementCount {
        var (rest, place, stride) = (index, 0, 1)
        for (extent, own) in zip(shape.dimensions, kernel.shape.dimensions).reversed() {
          if own > 1 { place += rest % extent * stride }
          stride *= own
          rest /= extent
        }
        target[index] = values[place]
      }
    }
  }

  // MARK: Memory and threads

  private func share(_ packing: zoo_packing, by kernel: zoo_kernel?) {
    var packing = packing
    let panels = kernels.table.pointee.panels(packing.columns)
    // A small matrix is packed before another thread has heard of it.
    let isSmall = Int(packing.rows) * Int(packing.columns) < 1 << 14
    zoo_pool_run(isSmall ? nil : pool, kernel, &packing, panels)
  }

  private func tensor(for slot: WeightSlot) throws -> StoredTensor {
    try source.tensor(for: slot) { count, body in ZooRuntime.share(count, on: pool, body) }
  }

  /// Codes of 8 bits where they lie; nil where weights are stored otherwise, or a factor has to be folded into them.
  private func codes(_ slot: WeightSlot?, _ folded: FoldedNorms) throws -> (Rows, ByteSlice)? {
    guard folded.scale == nil, let slot, let tensor = try source.quantizedTensor(for: slot),
      tensor.form.kind == .int8, tensor.form.inner == 1, tensor.shape == slot.shape
    else { return nil }
    return tensor.bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0 else {
        return nil
      }
      let layout = tensor.layout
      let rows = Rows(
        weights: base + layout.codes.lowerBound, form: .i8,
        scales: (base + layout.scales.lowerBound).assumingMemoryBound(to: Float.self))
      return (rows, tensor.bytes)
    }
  }

  /// Floats of 32 or 16 bits where they lie, unless a factor has to be folded into them.
  private func rowMajor(
    _ slot: WeightSlot?, _ count: Int, _ columns: Int, _ folded: FoldedNorms
  ) throws -> (Rows, ByteSlice) {
    let tensor = try slot.map(tensor)
    var slice = tensor?.bytes
    var type = tensor?.elementType ?? .float32
    let isAligned =
      slice?.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % type.byteCount == 0 } == true
    if !isAligned || folded.scale != nil || zoo_weight_form(type) == nil {
      var values = tensor?.floats() ?? []
      if let scale = folded.scale {
        for i in values.indices { values[i] = Float(Double(values[i]) * scale[i % columns]) }
      }
      (slice, type) = (ByteSlice(HeapBytes(values)), .float32)
    }
    guard let slice, slice.count == count * type.byteCount, let form = zoo_weight_form(type),
      let base = slice.withUnsafeBytes({ $0.baseAddress })
    else {
      throw ZooError(
        .doesNotFit, what: "cannot use weights", at: slot?.name ?? "", "the tensor has another size")
    }
    return (Rows(weights: base, form: form), slice)
  }

  /// Calls `body` with the slot's values, where they lie if they are 32-bit floats.
  private func withFloats(of slot: WeightSlot?, _ body: (UnsafeBufferPointer<Float>) -> Void) throws {
    guard let slot else { return }
    let tensor = try tensor(for: slot)
    defer { tensor.bytes.letGo() }
    guard tensor.shape.elementCount == slot.shape.elementCount else {
      throw ZooError(
        .doesNotFit, what: "cannot use weights", at: slot.name, "\(tensor.shape), expected \(slot.shape)")
    }
    let aligned = tensor.bytes.withUnsafeBytes {
      Int(bitPattern: $0.baseAddress) % MemoryLayout<Float>.alignment == 0
    }
    if tensor.elementType == .float32, aligned {
      tensor.bytes.withUnsafeBytes { body($0.assumingMemoryBound(to: Float.self)) }
    } else {
      tensor.floats().withUnsafeBufferPointer(body)
    }
  }
}

extension zoo_weight_form {
  /// Nil for types that dense layers don't read as they lie.
  fileprivate init?(_ type: ElementType) {
    switch type {
    case .float32: self = .f32
    case .float16: self = .f16
    case .bfloat16: self = .bf16
    default: return nil
    }
  }
}
