import CZlib

/// Inflates what was deflated (RFC 1951), by zlib, into memory of a size that is known before.
enum Inflater {
  /// What stands around the deflated data.
  enum Format: Int32 {
    /// Nothing; the number asks zlib for a window of 32 KiB without a header.
    case raw = -15
    /// A header and a checksum (RFC 1950).
    case zlib = 15
  }

  struct Failure: Error {
    let why: String
  }

  /// A deflated byte can stand for 1032 bytes at most.
  private static let largestRatio = 1032

  /// Whether so many bytes can inflate to so many.
  static func canInflate(_ stored: Int, to size: Int) -> Bool {
    let (most, overflow) = stored.multipliedReportingOverflow(by: largestRatio)
    return overflow || size <= most
  }

  /// Inflates into `target` until the data ends, or, unless `isWhole`, until `target` is full. Returns the
  /// number of bytes written. `consumed` is told how many bytes of the source are not needed any more.
  ///
  /// - Throws: where the data is damaged or ends too early, and where `isWhole` and `target` is too small.
  static func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, format: Format,
    isWhole: Bool, consumed report: (Int) -> Void = { _ in }
  ) throws(Failure) -> Int {
    var stream = z_stream()
    guard inflateInit2_(&stream, format.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw Failure(why: "zlib can't start") }
    defer { inflateEnd(&stream) }
    // zlib counts in 32 bits: both ends advance by pieces.
    let piece = 1 << 24
    var consumed = 0
    var produced = 0
    var scratch: UInt8 = 0
    while true {
      let input = min(piece, source.count - consumed)
      let room = min(piece, target.count - produced)
      if room == 0, !isWhole { return produced }
      stream.next_in = UnsafeMutablePointer(
        mutating: source.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(input)
      let status = withUnsafeMutablePointer(to: &scratch) { overflow in
        // One more byte than there is room for is enough to see that there are more.
        let next = target.baseAddress?.advanced(by: produced).assumingMemoryBound(to: UInt8.self)
        stream.next_out = room > 0 ? next : overflow
        stream.avail_out = room > 0 ? UInt32(room) : 1
        return CZlib.inflate(&stream, Z_NO_FLUSH)
      }
      consumed += input - Int(stream.avail_in)
      report(consumed)
      let written = (room > 0 ? room : 1) - Int(stream.avail_out)
      produced += written
      guard produced <= target.count else {
        throw Failure(why: "it inflates to more than the \(target.count) bytes that were declared")
      }
      switch status {
      case Z_STREAM_END: return produced
      case Z_OK, Z_BUF_ERROR:
        if written == 0, input == Int(stream.avail_in) {
          throw Failure(why: "its deflated data ends too early")
        }
      default:
        throw Failure(
          why: "its deflated data is damaged (\(stream.msg.map { String(cString: $0) } ?? "zlib"))")
      }
    }
  }
}
