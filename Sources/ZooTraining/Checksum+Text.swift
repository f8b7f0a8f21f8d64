import ZooFormat
import ZooSystem

extension Checksum {
  /// The SHA-256 of a text's bytes in UTF-8.
  init(of text: String) {
    var text = text
    self = text.withUTF8 { Checksum(hashing: UnsafeRawBufferPointer($0)) }
  }
}
