import CZooKernels
import ZooGraph
import ZooTensor

/// How a step wants its weights, and the batch norms to fold into them.
struct WeightRequest {
  enum Layout {
    /// Panels of the matrix product, from `rows` x `columns`; columns `first ..< first + columns` of the
    /// kernel's, for a group of a grouped convolution.
    case panels(rows: Int, columns: Int, firstColumn: Int)
    /// Transformed panels, from 3 x 3 x `channels` x `columns`.
    case winograd(channels: Int, columns: Int)
    /// (taps, stride), for a depthwise convolution.
    case depthwise(taps: Int, channels: Int, stride: Int)
    /// Row-major, used where it lies if it can be.
    case rows(inputs: Int, columns: Int)
    /// A scale and a shift per channel.
    case affine(channels: Int)
  }

  var layout: Layout
  var kernel: WeightSlot?
  var bias: WeightSlot?
  var norms: [Norm] = []
  /// In floats, in the arena of packed weights.
  var offset = 0
  var biasOffset = 0

  /// Floats for the weights and for the bias, as this instruction set packs them.
  func sizes(_ kernels: Kernels) -> (weights: Int, bias: Int) {
    switch layout {
    case .panels(let rows, let columns, _):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(columns)))
      return (rows * packed, packed)
    case .winograd(let channels, let columns):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(columns)))
      return (36 * channels * packed, packed)
    case .depthwise(let taps, _, let stride): return (taps * stride, stride)
    case .rows(_, let columns): return (0, columns)
    case .affine(let channels): return (channels, channels)
    }
  }
}

/// A batch normalization by its weights.
struct Norm {
  let operation: BatchNormalization
  let slots: [WeightSlot]
}

/// Weights as the kernels read them.
final class PackedWeights: @unchecked Sendable {
  private let arena: FloatArena
  /// Tensors that are read where they lie.
  private var inPlace: [ByteSlice] = []
  private let zeroOffset: Int

  /// Zeros, for what lies outside of an image.
  var zeros: UnsafePointer<Float> { UnsafePointer(arena.base + zeroOffset) }

  /// Packs the weights of all steps, in their order, and fills in the pointers to them.
  init(
    for steps: inout [Step], from source: some WeightSource, kernels: Kernels, zeros: Int
  ) throws {
    var size = 0
    func reserve(_ floats: Int) -> Int {
      let offset = size
      size += (floats + 15) / 16 * 16
      return offset
    }
    for index in steps.indices {
      guard let sizes = steps[index].weights?.sizes(kernels) else { continue }
      steps[index].weights?.offset = reserve(sizes.weights)
      steps[index].weights?.biasOffset = reserve(sizes.bias)
    }
    zeroOffset = reserve(zeros)
    // A kernel's vector may reach past the last weight.
    arena = try FloatArena(floats: size + 64, for: "the packed weights")
    for index in steps.indices {
      guard let request = steps[index].weights else { continue }
      let kernel = try pack(request, from: source, kernels: kernels)
      steps[index].point(to: kernel, bias: arena.base + request.biasOffset, zeros: self.zeros)
    }
    steps.linkPrefetches()
  }

  private func pack(
    _ request: WeightRequest, from source: some WeightSource, kernels: Kernels
  ) throws -> UnsafePointer<Float> {
    let target = arena.base + request.offset
    let bias = arena.base + request.biasOffset
    let filters = request.bias?.shape[0] ?? request.norms.first?.slots.last?.shape[0]
    let folded = try FoldedNorms(request.norms, bias: request.bias, filters: filters, from: source)
    func fillBias(_ range: Range<Int>) {
      guard let shift = folded.shift else { return }
      for (i, channel) in range.enumerated() { bias[i] = Float(shift[channel]) }
    }
    switch request.layout {
    case .panels(let rows, let columns, let first):
      fillBias(first..<first + columns)
      try withFloats(of: request.kernel, from: source) { values in
        let stride = values.count / rows
        folded.withScale(from: first) { scale in
          var packing = zoo_packing(
            source: values.baseAddress.map { $0 + first }, scale: scale, packed: target, stride: stride,
            rows: Int32(rows), columns: Int32(columns))
          kernels.table.pointee.pack(&packing)
        }
      }
    case .winograd(let channels, let columns):
      fillBias(0..<columns)
      try withFloats(of: request.kernel, from: source) { values in
        folded.withScale(from: 0) { scale in
          var packing = zoo_packing(
            source: values.baseAddress, scale: scale, packed: target, stride: columns, rows: Int32(channels),
            columns: Int32(columns))
          kernels.table.pointee.winograd_pack(&packing)
        }
      }
    case .depthwise(let taps, let channels, let stride):
      fillBias(0..<channels)
      try withFloats(of: request.kernel, from: source) { values in
        for tap in 0..<taps {
          for channel in 0..<channels {
            let weight = values[tap * channels + channel]
            target[tap * stride + channel] =
              folded.scale.map { Float(Double(weight) * $0[channel]) } ?? weight
          }
        }
      }
    case .rows(let inputs, let columns):
      fillBias(0..<columns)
      return try rowMajor(request.kernel, inputs * columns, columns, folded, from: source)
    case .affine(let channels):
      fillBias(0..<channels)
      for channel in 0..<channels { target[channel] = Float(folded.scale?[channel] ?? 1) }
    }
    return UnsafePointer(target)
  }

  private func rowMajor(
    _ slot: WeightSlot?, _ count: Int, _ columns: Int, _ folded: FoldedNorms, from source: some WeightSource
  ) throws -> UnsafePointer<Float> {
    let tensor = try slot.map { try source.tensor(for: $0) }
    var slice = tensor?.bytes
    let alignment = MemoryLayout<Float>.alignment
    let usable =
      tensor?.elementType == .float32 && folded.scale == nil
      && tensor?.bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % alignment == 0 } == true
    if !usable {
      var values = tensor?.floats() ?? []
      if let scale = folded.scale {
        for i in values.indices { values[i] = Float(Double(values[i]) * scale[i % columns]) }
      }
      slice = ByteSlice(HeapBytes(values))
    }
    guard let slice, slice.count == count * MemoryLayout<Float>.size,
      let base = slice.withUnsafeBytes({ $0.baseAddress })
    else { throw RuntimeError("cannot use weights", at: slot?.name ?? "", "the tensor has another size") }
    inPlace.append(slice)
    return UnsafePointer(base.assumingMemoryBound(to: Float.self))
  }
}

/// Batch norms after a linear layer as one scale and shift per channel, with the layer's bias.
struct FoldedNorms {
  /// `nil`: 1.
  private(set) var scale: [Double]?
  /// `nil`: 0.
  private(set) var shift: [Double]?

  init(_ norms: [Norm], bias: WeightSlot?, filters: Int?, from source: some WeightSource) throws {
    shift = try bias.map { try source.tensor(for: $0).doubles() }
    guard !norms.isEmpty, let filters else { return }
    var scale = [Double](repeating: 1, count: filters)
    var shift = shift ?? [Double](repeating: 0, count: filters)
    for norm in norms {
      var values: [WeightRole: [Double]] = [:]
      for slot in norm.slots { values[slot.role] = try source.tensor(for: slot).doubles() }
      for i in 0..<filters {
        let variance = values[.movingVariance]?[i] ?? 1
        let factor = (values[.gamma]?[i] ?? 1) / (variance + norm.operation.epsilon).squareRoot()
        scale[i] *= factor
        shift[i] = (shift[i] - (values[.movingMean]?[i] ?? 0)) * factor + (values[.beta]?[i] ?? 0)
      }
    }
    (self.scale, self.shift) = (scale, shift)
  }

  func withScale(from first: Int, _ body: (UnsafePointer<Double>?) -> Void) {
    guard let scale else { return body(nil) }
    scale.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + first }) }
  }
}

/// Calls `body` with the slot's values, where they lie if they are 32-bit floats.
private func withFloats(
  of slot: WeightSlot?, from source: some WeightSource, _ body: (UnsafeBufferPointer<Float>) -> Void
) throws {
  guard let slot else { return }
  let tensor = try source.tensor(for: slot)
  guard tensor.shape.elementCount == slot.shape.elementCount else {
    throw RuntimeError("cannot use weights", at: slot.name, "\(tensor.shape), expected \(slot.shape)")
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

extension Step {
  fileprivate mutating func point(
    to weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, zeros: UnsafePointer<Float>
  ) {
    switch arguments {
    case .convolution(var a):
      (a.weights, a.bias, a.zero) = (weights, bias, zeros)
      arguments = .convolution(a)
    case .winograd(var a):
      (a.weights, a.bias, a.zero) = (weights, bias, zeros)
      arguments = .winograd(a)
    case .depthwise(var a):
      (a.weights, a.bias, a.zero) = (weights, bias, zeros)
      arguments = .depthwise(a)
    case .dense(var a):
      (a.weights, a.bias) = (weights, bias)
      arguments = .dense(a)
    case .affine(var a):
      (a.scale, a.shift) = (weights, bias)
      arguments = .affine(a)
    default: break
    }
  }
}

extension [Step] {
  /// Lets each matrix product bring the next one's first weights into the cache.
  fileprivate mutating func linkPrefetches() {
    var next: UnsafePointer<Float>?
    for index in indices.reversed() {
      if case .convolution(var a) = self[index].arguments {
        a.next_weights = next.map(UnsafeRawPointer.init)
        next = a.weights
        self[index].arguments = .convolution(a)
      } else if case .winograd(let a) = self[index].arguments {
        next = a.weights
      }
    }
  }
}
