import ZooGraph
import ZooSystem
import ZooTensor

/// A weight tensor whose elements are converted as they are read, where they are stored: the decoded
/// copy of a large dense layer alone would take close to a gigabyte.
final class ReferenceWeight: Sendable {
  private let tensor: StoredTensor
  /// The tensor's memory; `tensor` keeps it alive.
  private nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

  /// Fetches the tensor for `slot`.
  ///
  /// Throws what the source throws, and `ZooError` where the tensor's shape is not the slot's.
  init(_ slot: WeightSlot, from source: some WeightSource) throws {
    let tensor = try source.tensor(for: slot)
    guard tensor.shape == slot.shape else {
      throw ZooError(
        .doesNotFit, what: "weight does not fit", at: slot.name,
        "expected shape \(slot.shape), found \(tensor.shape)")
    }
    guard tensor.elementType.isFloatingPoint else {
      throw ZooError(
        .doesNotFit, what: "weight does not fit", at: slot.name,
        "expected floating-point numbers, found \(tensor.elementType.rawValue)")
    }
    self.tensor = tensor
    self.bytes = tensor.bytes.withUnsafeBytes { $0 }
  }

  /// A vector of numbers that no source has.
  init(_ values: [Double]) {
    tensor = StoredTensor(shape: [values.count], doubles: values)
    bytes = tensor.bytes.withUnsafeBytes { $0 }
  }

  /// The element `index` in row-major order.
  subscript(index: Int) -> Double {
    switch tensor.elementType {
    case .float16: float16(index)
    case .bfloat16: bfloat16(index)
    case .float32: float32(index)
    default: float64(index)
    }
  }

  /// All elements.
  var values: [Double] { tensor.doubles() }

  /// Copies the elements from `start` on, as many as `target` holds.
  func copy(from start: Int, to target: UnsafeMutableBufferPointer<Double>) {
    switch tensor.elementType {
    case .float16: for i in target.indices { target[i] = float16(start &+ i) }
    case .bfloat16: for i in target.indices { target[i] = bfloat16(start &+ i) }
    case .float32: for i in target.indices { target[i] = float32(start &+ i) }
    default: for i in target.indices { target[i] = float64(start &+ i) }
    }
  }

  private func float16(_ index: Int) -> Double { Double(Float(float16Bits: load(index))) }

  private func bfloat16(_ index: Int) -> Double {
    Double(Float(bitPattern: UInt32(load(index) as UInt16) << 16))
  }

  private func float32(_ index: Int) -> Double { Double(Float(bitPattern: load(index))) }

  private func float64(_ index: Int) -> Double { Double(bitPattern: load(index)) }

  private func load<Bits: FixedWidthInteger & BitwiseCopyable>(_ index: Int) -> Bits {
    Bits(
      littleEndian: bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Bits>.size, as: Bits.self))
  }
}
