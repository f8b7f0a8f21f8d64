import CDeflate

/// The CRC-32 that ZIP uses, of bytes that follow others, whose checksum is `sum`.
///
/// By libdeflate, since zlib takes over three times as long, a sixth of what an uncompressed archive takes to convert.
package func crc32(of bytes: UnsafeRawBufferPointer, continuing sum: UInt32 = 0) -> UInt32 {
  guard let start = bytes.baseAddress else { return sum }
  return libdeflate_crc32(sum, start, bytes.count)
}
