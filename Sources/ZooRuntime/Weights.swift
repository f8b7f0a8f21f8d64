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
    case winograd(outputs: Int, channels: Int, columns: Int)
    /// (taps, stride), for a depthwise convolution.
    case depthwise(taps: Int, channels: Int, stride: Int)
    /// Row-major, used where it lies if it can be.
    case rows(inputs: Int, columns: Int)
    /// As `panels`, from the kernel of a transposed convolution, (taps, `filters`, `channels`).
    case transposedPanels(taps: Int, filters: Int, channels: Int)
    /// A scale and a shift per channel.
    case affine(channels: Int)
    /// The bias alone.
    case bias(channels: Int)
    /// `count` values as they are, 1 where there is no kernel, and as many of the bias, 0 where there is none.
    case values(count: Int)
    /// The values of a smaller tensor, repeated along its axes of extent 1.
    case repeated(to: Shape)
  }

  var layout: Layout
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// Of the layer's output.
  var channels: Int
  var norms: [ChannelMap] = []
  /// In floats, in the arena of packed weights.
  var offset = 0
  var biasOffset = 0

  /// Floats for the weights and for the bias, as this instruction set packs them.
  func sizes(_ kernels: Kernels) -> (weights: Int, bias: Int) {
    switch layout {
    case .panels(let rows, let columns, _):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(columns)))
      return (rows * packed, packed)
    case .winograd(let outputs, let channels, let columns):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(columns)))
      return ((outputs + 2) * (outputs + 2) * channels * packed, packed)
    case .depthwise(let taps, _, let stride): return (taps * stride, stride)
    case .rows(_, let columns): return (0, columns)
    case .transposedPanels(let taps, let filters, let channels):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(taps * filters)))
      return (channels * packed, packed)
    case .affine(let channels): return (channels, channels)
    case .bias(let channels): return (0, channels)
    case .values(let count): return (count, count)
    case .repeated(let shape): return (shape.elementCount, 0)
    }
  }
}

/// An operation that multiplies each channel by a number and adds one, by its weights.
struct ChannelMap {
  let operation: Operation
  let slots: [WeightSlot]

  /// Nil for a layer of another kind.
  init?(_ node: Node) {
    switch node.operation {
    case .batchNormalization, .normalization, .rescaling, .channelScaling: break
    default: return nil
    }
    operation = node.operation
    slots = node.weights
  }

  /// The factor and the shift of each of `channels`.
  func coefficients(
    channels: Int, from source: some WeightSource
  ) throws -> (factors: [Double], shifts: [Double]) {
    var values: [WeightRole: [Double]] = [:]
    for slot in slots { values[slot.role] = try source.tensor(for: slot).doubles() }
    // One number for all channels, or one for each.
    func value(_ role: WeightRole, _ channel: Int, absent: Double) -> Double {
      guard let numbers = values[role] else { return absent }
      return numbers[channel % numbers.count]
    }
    var (factors, shifts): ([Double], [Double]) = ([], [])
    for channel in 0..<channels {
      switch operation {
      case .batchNormalization(let norm):
        let variance = value(.movingVariance, channel, absent: 1)
        let factor = value(.gamma, channel, absent: 1) / (variance + norm.epsilon).squareRoot()
        factors.append(factor)
        shifts.append(value(.beta, channel, absent: 0) - value(.movingMean, channel, absent: 0) * factor)
      case .normalization(let norm):
        let deviation = max(value(.variance, channel, absent: 1).squareRoot(), norm.epsilon)
        let mean = value(.mean, channel, absent: 0)
        factors.append(norm.inverted ? deviation : 1 / deviation)
        shifts.append(norm.inverted ? mean : -mean / deviation)
      case .rescaling(let rescaling):
        factors.append(rescaling.scale[channel % rescaling.scale.count])
        shifts.append(rescaling.offset[channel % rescaling.offset.count])
      default:
        factors.append(value(.gamma, channel, absent: 1))
        shifts.append(0)
      }
    }
    return (factors, shifts)
  }
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
      for request in [\Step.weights, \Step.pointwiseWeights] {
        guard let sizes = steps[index][keyPath: request]?.sizes(kernels) else { continue }
        steps[index][keyPath: request]?.offset = reserve(sizes.weights)
        steps[index][keyPath: request]?.biasOffset = reserve(sizes.bias)
      }
    }
    zeroOffset = reserve(zeros)
    // A kernel's vector may reach past the last weight.
    arena = try FloatArena(floats: size + 64, for: "the packed weights")
    for index in steps.indices {
      guard let request = steps[index].weights else { continue }
      let kernel = try pack(request, from: source, kernels: kernels)
      steps[index].point(to: kernel, bias: arena.base + request.biasOffset, zeros: self.zeros)
      guard let pointwise = steps[index].pointwiseWeights else { continue }
      let second = try pack(pointwise, from: source, kernels: kernels)
      steps[index].pointPointwise(to: second, bias: arena.base + pointwise.biasOffset, zeros: self.zeros)
    }
    steps.linkPrefetches()
  }

  private func pack(
    _ request: WeightRequest, from source: some WeightSource, kernels: Kernels
  ) throws -> UnsafePointer<Float> {
    let target = arena.base + request.offset
    let bias = arena.base + request.biasOffset
    let folded = try FoldedNorms(request.norms, bias: request.bias, filters: request.channels, from: source)
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
    case .winograd(let outputs, let channels, let columns):
      fillBias(0..<columns)
      try withFloats(of: request.kernel, from: source) { values in
        folded.withScale(from: 0) { scale in
          var packing = zoo_packing(
            source: values.baseAddress, scale: scale, packed: target, stride: columns, rows: Int32(channels),
            columns: Int32(columns))
          kernels.table.pointee.winograd_pack(&packing, Int32(outputs))
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
    case .transposedPanels(let taps, let filters, let channels):
      // The scatter that follows adds the shift.
      let columns = taps * filters
      var matrix = [Float](repeating: 0, count: channels * columns)
      try withFloats(of: request.kernel, from: source) { values in
        for column in 0..<columns {
          let scale = folded.scale?[column % filters] ?? 1
          for channel in 0..<channels {
            matrix[channel * columns + column] = Float(Double(values[column * channels + channel]) * scale)
          }
        }
      }
      matrix.withUnsafeBufferPointer { values in
        var packing = zoo_packing(
          source: values.baseAddress, scale: nil, packed: target, stride: columns, rows: Int32(channels),
          columns: Int32(columns))
        kernels.table.pointee.pack(&packing)
      }
    case .bias(let channels):
      fillBias(0..<channels)
    case .values(let count):
      fillBias(0..<count)
      if request.kernel == nil { for index in 0..<count { target[index] = 1 } }
      try withFloats(of: request.kernel, from: source) { values in
        for index in 0..<min(count, values.count) { target[index] = values[index] }
      }
    case .repeated(let shape):
      guard let kernel = request.kernel else { break }
      try withFloats(of: kernel, from: source) { values in
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

/// What follows a linear layer channel by channel, as one scale and shift, with the layer's bias.
struct FoldedNorms {
  /// `nil`: 1.
  private(set) var scale: [Double]?
  /// `nil`: 0.
  private(set) var shift: [Double]?

  init(_ norms: [ChannelMap], bias: WeightSlot?, filters: Int, from source: some WeightSource) throws {
    shift = try bias.map { try source.tensor(for: $0).doubles() }
    guard !norms.isEmpty else { return }
    var scale = [Double](repeating: 1, count: filters)
    var shift = shift ?? [Double](repeating: 0, count: filters)
    for norm in norms {
      let (factors, shifts) = try norm.coefficients(channels: filters, from: source)
      for i in 0..<filters {
        scale[i] *= factors[i]
        shift[i] = shift[i] * factors[i] + shifts[i]
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
    case .separable(var a):
      (a.depthwise.weights, a.depthwise.bias, a.depthwise.zero) = (weights, bias, zeros)
      arguments = .separable(a)
    case .dense(var a):
      (a.weights, a.bias) = (weights, bias)
      arguments = .dense(a)
    case .affine(var a):
      (a.scale, a.shift) = (weights, bias)
      arguments = .affine(a)
    case .rectify(var a):
      a.b = weights
      arguments = .rectify(a)
    case .layerNorm(var a):
      (a.scale, a.shift) = (weights, bias)
      arguments = .layerNorm(a)
    case .scatter(var a):
      a.bias = bias
      arguments = .scatter(a)
    default: break
    }
  }

  fileprivate mutating func pointPointwise(
    to weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, zeros: UnsafePointer<Float>
  ) {
    guard case .separable(var a) = arguments else { return }
    (a.product.weights, a.product.bias, a.product.zero) = (weights, bias, zeros)
    arguments = .separable(a)
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
      } else if case .separable(var a) = self[index].arguments {
        a.product.next_weights = next.map(UnsafeRawPointer.init)
        next = a.product.weights
        self[index].arguments = .separable(a)
      } else if case .winograd(let a) = self[index].arguments {
        next = a.weights
      }
    }
  }
}
