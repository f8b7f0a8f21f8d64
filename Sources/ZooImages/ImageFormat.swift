import ZooSystem

/// The kinds of image file that can be read.
package enum ImageFormat: Sendable {
  case jpeg, png

  /// The format that a file's first bytes announce, if it is one of these.
  package init?(recognising bytes: UnsafeRawBufferPointer) {
    if FileSignature.jpeg.isStart(of: bytes) {
      self = .jpeg
    } else if FileSignature.png.isStart(of: bytes) {
      self = .png
    } else {
      return nil
    }
  }
}
