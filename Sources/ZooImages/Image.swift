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

extension Image {
  /// The same in grey, with equal channels: bit for bit what Pillow's `convert("L")` gives.
  package var grey: Image {
    var pixels = pixels
    for start in stride(from: 0, to: pixels.count, by: 3) {
      let (red, green, blue) = (Int(pixels[start]), Int(pixels[start + 1]), Int(pixels[start + 2]))
      let value = UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
      for channel in 0..<3 { pixels[start + channel] = value }
    }
    return Image(width: width, height: height, pixels: pixels)
  }
}
