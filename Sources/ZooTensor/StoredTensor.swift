import ZooSystem

/// A tensor as it is stored: row-major little-endian bytes of any element type.
package struct StoredTensor: Sendable {
  package let shape: Shape
  package let elementType: ElementType
  package let bytes: ByteSlice

  /// Returns `nil` where the number of bytes does not fit the shape and element type.
  package init?(shape: Shape, elementType: ElementType, bytes: ByteSlice) {
    guard bytes.count == shape.elementCount * elementType.byteCount else { return nil }
    self.shape = shape
    self.elementType = elementType
    self.bytes = bytes
  }

  /// Takes `values`, which must have as many elements as `shape`.
  package init(shape: Shape, values: [Float]) {
    precondition(values.count == shape.elementCount)
    self.shape = shape
    self.elementType = .float32
    self.bytes = ByteSlice(HeapBytes(values))
  }

  /// Takes `doubles`, which must have as many elements as `shape`.
  package init(shape: Shape, doubles: [Double]) {
    precondition(doubles.count == shape.elementCount)
    self.shape = shape
    self.elementType = .float64
    self.bytes = ByteSlice(HeapBytes(doubles))
  }

  /// Calls `body` with one part of the elements after another, each a tensor of one axis with at most
  /// `length` elements.
  package func forEachPart<Failure: Error>(
    length: Int, _ body: (StoredTensor) throws(Failure) -> Void
  ) throws(Failure) {
    let size = elementType.byteCount
    for start in stride(from: 0, to: shape.elementCount, by: length) {
      let count = min(length, shape.elementCount - start)
      let first = bytes.range.lowerBound + start * size
      guard let slice = ByteSlice(bytes.owner, range: first..<first + count * size),
        let part = StoredTensor(shape: [count], elementType: elementType, bytes: slice)
      else { return }
      try body(part)
    }
  }

  /// All values as 64-bit floats: exact for every element type but 64-bit integers beyond 2^53.
  package func doubles() -> [Double] {
    switch elementType {
    case .float16: convert(UInt16.self) { Double(Float(float16Bits: $0)) }
    case .bfloat16: convert(UInt16.self) { Double(Float(bfloat16Bits: $0)) }
    case .float32: convert(UInt32.self) { Double(Float(bitPattern: $0)) }
    case .float64: convert(UInt64.self) { Double(bitPattern: $0) }
    case .int8: convert(Int8.self) { Double($0) }
    case .int16: convert(Int16.self) { Double($0) }
    case .int32: convert(Int32.self) { Double($0) }
    case .int64: convert(Int64.self) { Double($0) }
    case .uint8, .bool: convert(UInt8.self) { Double($0) }
    case .uint16: convert(UInt16.self) { Double($0) }
    case .uint32: convert(UInt32.self) { Double($0) }
    case .uint64: convert(UInt64.self) { Double($0) }
    }
  }

  /// All values as 32-bit floats, rounded to nearest where they have more digits.
  package func floats() -> [Float] {
    switch elementType {
    case .float16: convert(UInt16.self) { Float(float16Bits: $0) }
    case .bfloat16: convert(UInt16.self) { Float(bfloat16Bits: $0) }
    case .float32: convert(UInt32.self) { Float(bitPattern: $0) }
    default: doubles().map(Float.init)
    }
  }

  private func convert<Bits: FixedWidthInteger & BitwiseCopyable, Value>(
    _: Bits.Type, _ body: (Bits) -> Value
  ) -> [Value] {
    bytes.withUnsafeBytes { raw in
      [Value](unsafeUninitializedCapacity: shape.elementCount) { target, count in
        for i in 0..<shape.elementCount {
          let bits = raw.loadUnaligned(fromByteOffset: i * MemoryLayout<Bits>.size, as: Bits.self)
          target.initializeElement(at: i, to: body(Bits(littleEndian: bits)))
        }
        count = shape.elementCount
      }
    }
  }
}
