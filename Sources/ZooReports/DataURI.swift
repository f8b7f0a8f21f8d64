import ZooImageFiles
import ZooImages
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Image {
  /// The picture as the address of an `img` element, which needs no other file.
  ///
  /// - Parameters:
  ///   - side: what its longer side is brought to where it is longer, in pixels.
  ///   - quality: JPEG's, 1 to 100; nil for PNG, which keeps every pixel.
  /// - Throws: `ZooError` where it can't be encoded.
  package func dataURI(within side: Int? = nil, quality: Int? = 82) throws(ZooError) -> String {
    let image = side.map { fitted(within: $0) } ?? self
    if let quality { return base64URI("image/jpeg", try image.jpeg(quality: quality)) }
    return base64URI("image/png", try image.png())
  }

  private func base64URI(_ type: String, _ bytes: [UInt8]) -> String {
    "data:\(type);base64,\(Data(bytes).base64EncodedString())"
  }
}
