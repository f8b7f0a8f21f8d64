import ZooSystem
import ZooTensor

/// Reverses the bytes of every `size`-byte element.
func swapBytes(of buffer: UnsafeMutableRawBufferPointer, size: Int) {
  func swap<Bits: FixedWidthInteger & BitwiseCopyable>(_: Bits.Type) {
    for offset in stride(from: 0, through: buffer.count - size, by: size) {
      let bits = buffer.loadUnaligned(fromByteOffset: offset, as: Bits.self)
      buffer.storeBytes(of: bits.byteSwapped, toByteOffset: offset, as: Bits.self)
    }
  }
  switch size {
  case 2: swap(UInt16.self)
  case 4: swap(UInt32.self)
  case 8: swap(UInt64.self)
  default: break
  }
}

/// The guard against files that declare far more data than they store; the factors are Keras' own.
enum Expansion {
  /// How many times its stored size a dataset of an HDF5 file may have.
  static let hdf5 = 1000
  /// How many times its stored size a member of an archive may have.
  static let zip = 100

  /// Throws where more is declared than ``ReadingLimits/expansion`` and more than `limit` times what is
  /// stored; `error` makes the error, with a remedy, of the reason.
  static func check(
    declared: Int, stored: Int, limit: Int, error: (_ why: String, _ remedy: String) -> ZooError
  ) throws(ZooError) {
    // Below that anything goes: it fits in memory.
    guard declared > ReadingLimits.current.expansion else { return }
    let (allowed, overflow) = stored.multipliedReportingOverflow(by: limit)
    guard overflow || declared <= allowed else {
      throw error(
        "it declares \(declared) bytes but stores \(stored); at most \(limit) times as much is allowed",
        ReadingLimits.remedy("expansion"))
    }
  }
}

extension ByteSlice {
  /// A part of this slice, counted from its start; nil where it does not lie inside.
  func part(at offset: Int, count: Int) -> ByteSlice? {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
    let start = range.lowerBound + offset
    return ByteSlice(owner, range: start..<start + count)
  }
}
