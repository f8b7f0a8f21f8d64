import ZooGraph
import ZooSystem
import ZooTensor

/// Numbers that a step of a ``LoweredGraph`` reads, as 32-bit floats.
package struct LoweredConstant: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    /// A weight in its own order.
    case weight(WeightSlot)
    /// A weight of the axes (positions, inputs, outputs) as (outputs, inputs, positions).
    case reversed(WeightSlot, inputs: Int, outputs: Int)
    /// max(sqrt(variance), epsilon).
    case deviation(variance: WeightSlot, epsilon: Double)
    /// gamma / sqrt(variance + epsilon).
    case normFactor(gamma: WeightSlot?, variance: WeightSlot, epsilon: Double)
    case filled(Float)
    case numbers([Float])
  }

  package let source: Source
  package let shape: [Int]

  package var elementCount: Int { shape.reduce(1, *) }
  package var byteCount: Int { elementCount * MemoryLayout<Float>.size }

  /// The weights that it is made of.
  package var slots: [WeightSlot] {
    switch source {
    case .weight(let slot), .reversed(let slot, _, _), .deviation(let slot, _): [slot]
    case .normFactor(let gamma, let variance, _): (gamma.map { [$0] } ?? []) + [variance]
    case .filled, .numbers: []
    }
  }
}

// MARK: Values

extension LoweredConstant {
  /// The values that are handed on at a time.
  private static let partLength = 1 << 18

  /// Calls `body` with all values in their order, part after part, as little-endian bytes, which it lets go.
  package func forEachPart(of weights: some WeightSource, _ body: (ByteSlice) throws -> Void) throws {
    switch source {
    case .weight(let slot):
      let tensor = try weights.tensor(for: slot)
      try tensor.forEachPart(length: Self.partLength) { part throws in
        if part.elementType == .float32 {
          try body(part.bytes)
        } else {
          let values = part.floats()
          part.bytes.letGo()
          try hand(values, to: body)
        }
      }
    case .reversed(let slot, let inputs, let outputs):
      let tensor = try weights.tensor(for: slot)
      if tensor.shape.elementCount == inputs * outputs {
        try Self.forEachTransposedPart(of: tensor, inputs: inputs, outputs: outputs, body)
      } else {
        try Self.forEachReversedPart(of: tensor, inputs: inputs, outputs: outputs, body)
      }
      tensor.bytes.letGo()
    case .deviation(let slot, let epsilon):
      try hand(weights.tensor(for: slot).doubles().map { Float(max($0.squareRoot(), epsilon)) }, to: body)
    case .normFactor(let gamma, let slot, let epsilon):
      let variance = try weights.tensor(for: slot).doubles()
      let gamma = try gamma.map { try weights.tensor(for: $0).doubles() }
      try hand(
        variance.indices.map { Float((gamma?[$0] ?? 1) / (variance[$0] + epsilon).squareRoot()) }, to: body)
    case .filled(let value): try hand([Float](repeating: value, count: elementCount), to: body)
    case .numbers(let numbers): try hand(numbers, to: body)
    }
  }

  private func hand(_ values: [Float], to body: (ByteSlice) throws -> Void) throws {
    try body(ByteSlice(HeapBytes(values)))
  }

  /// The same of a matrix.
  private static func forEachTransposedPart(
    of tensor: StoredTensor, inputs: Int, outputs: Int, _ body: (ByteSlice) throws -> Void
  ) throws {
    let order = StridedView(extents: [outputs, inputs], strides: [1, outputs])
    guard let view = TensorView(tensor.inFloats, in: order, shape: [outputs, inputs]) else { return }
    if view.comesInOrder {
      try view.forEachPart(length: partLength) { part, _ in try body(part.bytes) }
    } else {
      try view.ordered().forEachPart(length: partLength) { part in try body(part.bytes) }
    }
  }

  /// The outputs that are read together: as many as lie in a line of the cache.
  private static let block = 16

  private static func forEachReversedPart(
    of tensor: StoredTensor, inputs: Int, outputs: Int, _ body: (ByteSlice) throws -> Void
  ) throws {
    let rows = inputs * outputs
    guard rows > 0 else { return }
    let positions = tensor.shape.elementCount / rows
    let length = inputs * positions
    let wide = tensor.inFloats
    let count = max(1, partLength / length / block) * block
    for first in stride(from: 0, to: outputs, by: count) {
      try Cancellation.check()
      let end = min(first + count, outputs)
      let part = HeapBytes(count: (end - first) * length * MemoryLayout<Float>.size) { target in
        wide.bytes.withUnsafeBytes { source in
          let part = target.bindMemory(to: Float.self)
          for start in stride(from: first, to: end, by: block) {
            let width = min(block, end - start)
            for input in 0..<inputs {
              for position in 0..<positions {
                let row = ((position * inputs + input) * outputs + start) * MemoryLayout<Float>.size
                let place = (start - first) * length + input * positions + position
                for column in 0..<width {
                  part[place + column * length] = source.loadUnaligned(
                    fromByteOffset: row + column * MemoryLayout<Float>.size, as: Float.self)
                }
              }
            }
          }
        }
      }
      try body(ByteSlice(part))
    }
  }
}

extension StoredTensor {
  /// The same in 32-bit floats.
  fileprivate var inFloats: StoredTensor {
    elementType == .float32 ? self : StoredTensor(shape: shape, values: floats())
  }
}
