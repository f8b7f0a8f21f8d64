extension FixedWidthInteger {
  /// Its bytes as files have them, the lowest first.
  var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
