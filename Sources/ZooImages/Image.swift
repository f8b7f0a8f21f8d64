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

  /// The pixels of a part.
  /// - Precondition: the part is not empty and lies inside.
  package func cropped(x: Range<Int>, y: Range<Int>) -> Image {
    precondition(!x.isEmpty && !y.isEmpty, "an empty part")
    precondition(x.lowerBound >= 0 && y.lowerBound >= 0, "a part that begins inside")
    precondition(x.upperBound <= width && y.upperBound <= height, "a part that ends inside")
    var part: [UInt8] = []
    part.reserveCapacity(x.count * y.count * 3)
    for row in y { part += pixels[(row * width + x.lowerBound) * 3..<(row * width + x.upperBound) * 3] }
    return Image(width: x.count, height: y.count, pixels: part)
  }

  /// The picture upright that lies as `orientation` says: what Pillow's `ImageOps.exif_transpose` gives.
  package func uprighted(from orientation: Orientation) -> Image {
    guard orientation != .upright else { return self }
    // Where the first pixel of the result is, and the steps from there to the one on its right and the one below.
    let (right, bottom) = (width - 1, height - 1)
    let (first, across, down): (Int, Int, Int) =
      switch orientation {
      case .upright: (0, 1, width)
      case .mirrored: (right, -1, width)
      case .upsideDown: (bottom * width + right, -1, -width)
      case .flipped: (bottom * width, 1, -width)
      case .transposed: (0, width, 1)
      case .turnedLeft: (bottom * width, -width, 1)
      case .transversed: (bottom * width + right, -width, -1)
      case .turnedRight: (right, width, -1)
      }
    let isTurned = orientation.rawValue >= Orientation.transposed.rawValue
    let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, filled in
      var to = 0
      for y in 0..<newHeight {
        var from = (first + y * down) * 3
        for _ in 0..<newWidth {
          for channel in 0..<3 { target[to + channel] = pixels[from + channel] }
          to += 3
          from += across * 3
        }
      }
      filled = pixels.count
    }
    return Image(width: newWidth, height: newHeight, pixels: turned)
  }
}
