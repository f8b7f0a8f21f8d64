/// A picture in memory: 8-bit RGB, row-major, no padding between rows.
package struct Image: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// R, G, B of each pixel, the top row first; `width * height * 3` values.
  package let pixels: [UInt8]

  /// - Precondition: both sides are positive and `pixels` has three values per pixel.
  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "an image's size and pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
