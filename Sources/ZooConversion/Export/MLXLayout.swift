import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// A model's weights as the layers of Apple's MLX have them (`mlx.nn`): called `LAYER.weight`, with the output channel
/// as the first axis, and dense layers of 4 or 8 bits as `mlx.core.quantize` has them.
///
/// Source: https://ml-explore.github.io/mlx/build/html/python/nn/layers.html and `mlx.core.quantize`: value =
/// scale · code + bias, with a scale and a bias for each group of inputs, and codes in 32-bit words, the first one in the
/// lowest bits.
struct MLXLayout {
  /// A tensor of the file.
  struct Tensor {
    let name: String
    let shape: Shape
    let elementType: ElementType
    fileprivate let slot: WeightSlot
    fileprivate let part: Part

    var byteCount: Int { shape.elementCount * elementType.byteCount }
  }

  fileprivate enum Part {
    /// The values with their axes in this order.
    case values(axes: [Int])
    case codes(QuantizedTensor, group: Int)
    case scales(QuantizedTensor, group: Int)
    case biases(QuantizedTensor, group: Int)
  }

  let tensors: [Tensor]
  /// By the layer's name, the bits and the group of those that are quantized.
  private(set) var quantized: [String: (bits: Int, group: Int)] = [:]

  /// - Parameters:
  ///   - types: the element type of each weight as it is read.
  ///   - codes: a weight's codes, where it has some.
  /// - Throws: what `codes` throws.
  init(
    graph: Graph, types: [(slot: WeightSlot, elementType: ElementType)],
    codes: (WeightSlot) throws -> QuantizedTensor?
  ) throws {
    var tensors: [Tensor] = []
    for (slot, elementType) in types {
      guard let node = graph.node(named: slot.layer) else { continue }
      let name = "\(slot.layer).\(Self.name(slot.role, in: node.operation))"
      if case .dense = node.operation, slot.role == .kernel, let quantized = try codes(slot),
        let group = Self.group(of: quantized)
      {
        let (rows, bits) = (slot.shape[1], quantized.form.kind == .int8 ? 8 : 4)
        let groups = slot.shape[0] / group
        let scaleType = quantized.form.kind == .int8 ? ElementType.float32 : .float16
        func add(_ name: String, _ columns: Int, _ type: ElementType, _ part: Part) {
          tensors.append(
            Tensor(name: name, shape: Shape([rows, columns]), elementType: type, slot: slot, part: part))
        }
        add(name, slot.shape[0] * bits / 32, .uint32, .codes(quantized, group: group))
        add("\(slot.layer).scales", groups, scaleType, .scales(quantized, group: group))
        add("\(slot.layer).biases", groups, scaleType, .biases(quantized, group: group))
        self.quantized[slot.layer] = (bits, group)
        continue
      }
      let (axes, shape) = Self.axes(of: slot, in: node.operation)
      tensors.append(
        Tensor(name: name, shape: shape, elementType: elementType, slot: slot, part: .values(axes: axes)))
    }
    self.tensors = tensors
  }

  // MARK: Layout

  /// What `mlx.nn` calls a weight; layers that it has in two parts have two names.
  private static func name(_ role: WeightRole, in operation: Operation) -> String {
    if case .separableConvolution = operation {
      switch role {
      case .depthwiseKernel: return "depthwise.weight"
      case .pointwiseKernel: return "pointwise.weight"
      case .bias: return "pointwise.bias"
      default: break
      }
    }
    switch role {
    case .kernel, .depthwiseKernel, .pointwiseKernel, .gamma, .alpha: return "weight"
    case .bias, .beta: return "bias"
    case .movingMean: return "running_mean"
    case .movingVariance: return "running_var"
    case .mean, .variance: return role.rawValue
    }
  }

  /// The order of a weight's axes in MLX, and the shape that results.
  private static func axes(of slot: WeightSlot, in operation: Operation) -> ([Int], Shape) {
    let extents = slot.shape.dimensions
    switch (operation, slot.role) {
    case (.dense, .kernel):
      return ([1, 0], Shape([extents[1], extents[0]]))
    case (.convolution, .kernel), (.separableConvolution, .pointwiseKernel):
      return ([3, 0, 1, 2], Shape([extents[3], extents[0], extents[1], extents[2]]))
    case (.depthwiseConvolution, .depthwiseKernel), (.separableConvolution, .depthwiseKernel):
      // In groups of one channel each; the multiplier counts within.
      return ([2, 3, 0, 1], Shape([extents[2] * extents[3], extents[0], extents[1], 1]))
    case (.transposedConvolution, .kernel):
      return ([2, 0, 1, 3], Shape([extents[2], extents[0], extents[1], extents[3]]))
    default:
      return (Array(extents.indices), slot.shape)
    }
  }

  /// The inputs that share a scale in MLX; nil where it has no such form.
  private static func group(of tensor: QuantizedTensor) -> Int? {
    let inputs = tensor.shape[0]
    guard inputs > 0 else { return nil }
    if let group = tensor.form.group { return inputs % group == 0 ? group : nil }
    return QuantizedForm.groups.reversed().first { inputs % $0 == 0 }
  }

  // MARK: Values

  /// Calls `body` with one part of the tensor's bytes after another and the place of its first byte, in any order.
  ///
  /// - Parameters:
  ///   - length: how many elements of values a part has at most.
  ///   - source: a weight as it is read.
  /// - Throws: what `source` and `body` throw.
  func forEachPart(
    of tensor: Tensor, length: Int, _ source: (WeightSlot) throws -> StoredTensor,
    _ body: (ByteSlice, Int) throws -> Void
  ) throws {
    var count = 0
    func hand(_ part: ByteSlice, at place: Int = 0) throws {
      count += part.count
      try body(part, place)
    }
    switch tensor.part {
    case .values(let axes):
      let values = try source(tensor.slot)
      var order = StridedView(of: tensor.slot.shape)
      order.permute(axes)
      let view = TensorView(
        values, in: axes == Array(axes.indices) ? nil : order, shape: tensor.shape)
      try view?.forEachPart(length: length) { part, place in
        try hand(part.bytes, at: place * part.elementType.byteCount)
      }
    case .codes(let codes, _): try hand(Self.codes(codes))
    case .scales(let codes, let group): try hand(Self.numbers(codes.scales, of: codes, group: group))
    case .biases(let codes, let group):
      let biases =
        switch codes.form.kind {
        case .uint4: codes.minima
        // Codes with a sign begin at the lowest one.
        case .int4: codes.scales.map { -8 * $0 }
        case .int8: codes.scales.map { -128 * $0 }
        }
      try hand(Self.numbers(biases, of: codes, group: group))
    }
    guard count == tensor.byteCount else {
      throw ZooError(
        .malformed, what: "cannot export", at: tensor.name,
        "it has \(count) bytes, expected \(tensor.byteCount)")
    }
  }

  /// Codes without a sign, output after output.
  private static func codes(_ tensor: QuantizedTensor) -> ByteSlice {
    let codes = tensor.bytes.withUnsafeBytes { Array($0[tensor.layout.codes]) }
    switch tensor.form.kind {
    case .uint4: return ByteSlice(HeapBytes(codes))
    case .int4: return ByteSlice(HeapBytes(codes.map { $0 ^ 0x88 }))
    case .int8:
      var view = StridedView(of: tensor.shape)
      view.permute([1, 0])
      return ByteSlice(
        HeapBytes(count: codes.count) { target in
          codes.map { $0 ^ 0x80 }.withUnsafeBytes { source in view.copy(source, into: target, size: 1) }
        })
    }
  }

  /// A number for each group: those of 8 bits have one for all groups of an output.
  private static func numbers(_ numbers: [Float], of tensor: QuantizedTensor, group: Int) -> ByteSlice {
    guard tensor.form.kind == .int8 else { return ByteSlice(HeapBytes(Float.float16Bits(of: numbers))) }
    let groups = tensor.shape[0] / group
    return ByteSlice(
      HeapBytes(numbers.flatMap { repeatElement($0.bitPattern.littleEndian, count: groups) }))
  }
}
