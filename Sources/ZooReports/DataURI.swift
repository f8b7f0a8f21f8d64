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

  /// The picture in proportion, with no side longer than `side` pixels.
  package func fitted(within side: Int) -> Image {
    let longer = max(width, height)
    guard longer > side, side > 0 else { return self }
    func scaled(_ length: Int) -> Int { max(1, (length * side + longer / 2) / longer) }
    return resized(height: scaled(height), width: scaled(width))
  }

  private func base64URI(_ type: String, _ bytes: [UInt8]) -> String {
    "data:\(type);base64,\(Data(bytes).base64EncodedString())"
  }
}
