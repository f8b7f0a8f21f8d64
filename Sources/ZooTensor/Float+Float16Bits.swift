// IEEE 754 binary16 by its bits: the standard library's `Float16` does not exist on every platform.

extension Float {
  /// The value of a binary16 number; exact.
  package init(float16Bits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7fff)
    if magnitude >= 0x7c00 {
      self.init(bitPattern: sign | 0x7f80_0000 | (magnitude & 0x3ff) << 13)
    } else if magnitude >= 0x0400 {
      self.init(bitPattern: sign | ((magnitude << 13) &+ 0x3800_0000))
    } else {
      // A subnormal is its integer significand times 2^-24.
      self = Float(bitPattern: sign | (Float(magnitude) * 0x1p-24).bitPattern)
    }
  }

  /// The nearest binary16 number, ties to even; infinity beyond its range.
  package var float16Bits: UInt16 {
    let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
    let magnitude = bitPattern & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 }
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
    if magnitude < 0x3880_0000 {
      // Below 2^-14 the spacing is 2^-24 throughout: adding 1/2 aligns the significand to it.
      let aligned = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: aligned.bitPattern &- 0x3f00_0000)
    }
    let odd = (magnitude >> 13) & 1
    let rounded = magnitude &+ 0xfff &+ odd
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
  }
}

// In bulk: the conversions are inlined only inside this module.
extension Float {
  /// The nearest binary16 numbers, as little-endian bits.
  package static func float16Bits(of values: [Float]) -> [UInt16] {
    values.map { $0.float16Bits.littleEndian }
  }

  /// The nearest binary16 numbers, as single-precision ones.
  package static func roundedToFloat16(_ values: [Float]) -> [Float] {
    values.map { Float(float16Bits: $0.float16Bits) }
  }
}
