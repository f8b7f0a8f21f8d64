import ZooSystem

/// Codes bytes as frames of Zstandard (RFC 8878). A module of its own links the library. Both throw `ZooError` where
/// there is no memory.
package protocol FrameCoder: Sendable {
  /// A frame of these bytes, at most 64 KiB, that declares their number.
  ///
  /// The same bytes give the same frame, with one version of the library.
  func frame(of bytes: UnsafeRawBufferPointer) throws(ZooError) -> [UInt8]

  /// Fills `target` with what a frame holds. Returns whether that is sound and exactly as much.
  func decode(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(ZooError) -> Bool
}

/// What the head of a frame says, as far as a `.zoo` file restricts it.
struct FrameHead {
  private static let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]

  /// The bytes that the frame decodes to.
  let contentSize: Int

  /// Returns nil for what is no frame of a single segment, whose window is its content, without a dictionary.
  init?(_ frame: UnsafeRawBufferPointer) {
    guard frame.count > 6, frame.prefix(4).elementsEqual(Self.magic) else { return nil }
    let descriptor = frame[4]
    let isSingleSegment = descriptor & 0x20 != 0
    let hasDictionary = descriptor & 3 != 0
    let isReserved = descriptor & 8 != 0
    guard isSingleSegment, !hasDictionary, !isReserved else { return nil }
    // The size takes 1, 2, 4 or 8 bytes; a block of a tensor needs 4 at most.
    switch descriptor >> 6 {
    case 0: contentSize = Int(frame[5])
    case 1: contentSize = Int(frame[5]) + Int(frame[6]) << 8 + 256
    case 2:
      guard frame.count > 9 else { return nil }
      contentSize = (0..<4).reduce(0) { $0 | Int(frame[5 + $1]) << (8 * $1) }
    default: return nil
    }
  }
}
