/// The kinds of image file that can be read.
package enum ImageFormat: Sendable {
  case jpeg, png

  /// The format that a file's first bytes announce, if it is one of these.
  package init?(recognising bytes: UnsafeRawBufferPointer) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: Self.pngSignature) {
      self = .png
    } else {
      return nil
    }
  }

  /// The bytes with which every PNG file starts.
  package static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
}
