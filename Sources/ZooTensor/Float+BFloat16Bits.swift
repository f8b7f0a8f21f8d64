// bfloat16 by its bits: the upper half of a 32-bit float.

extension Float {
  /// The value of a bfloat16 number; exact.
  package init(bfloat16Bits bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

  /// The nearest bfloat16 number, ties to even; infinity beyond its range.
  package var bfloat16Bits: UInt16 {
    guard !isNaN else { return UInt16(truncatingIfNeeded: bitPattern >> 16) | 0x40 }
    let odd = (bitPattern >> 16) & 1
    return UInt16(truncatingIfNeeded: (bitPattern &+ 0x7fff &+ odd) >> 16)
  }
}

// In bulk: the conversions are inlined only inside this module.
extension Float {
  /// The nearest bfloat16 numbers, as little-endian bits.
  package static func bfloat16Bits(of values: [Float]) -> [UInt16] {
    values.map { $0.bfloat16Bits.littleEndian }
  }

  /// The nearest bfloat16 numbers, as single-precision ones.
  package static func roundedToBFloat16(_ values: [Float]) -> [Float] {
    values.map { Float(bfloat16Bits: $0.bfloat16Bits) }
  }
}
