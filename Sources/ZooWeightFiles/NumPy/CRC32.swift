import CDeflate

/// The CRC-32 that ZIP uses, of bytes that follow others, whose checksum is `sum`.
///
/// By libdeflate, since zlib would take longer for it than for all else that is done with an uncompressed member.
package func crc32(of bytes: UnsafeRawBufferPointer, continuing sum: UInt32 = 0) -> UInt32 {
  guard let start = bytes.baseAddress else { return sum }
  return libdeflate_crc32(sum, start, bytes.count)
}
