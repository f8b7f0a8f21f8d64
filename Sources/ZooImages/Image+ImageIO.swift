#if canImport(ImageIO)
  import CoreGraphics
  import Foundation
  import ImageIO
  import ZooSystem

  extension Image {
    /// Decodes the image file at `path`, recognised by its content, by the system's decoders. Transparent pixels are
    /// drawn over black.
    package init(path: String, limits: ImageLimits = ImageLimits(), upright: Bool = false) throws(ZooError) {
      try self.init(path: path, limits: limits, upright: upright, by: SystemDecoder.self)
    }

    /// Decodes the bytes of an image file; `location` is what errors name.
    package init(
      decoding bytes: UnsafeRawBufferPointer, from location: String, limits: ImageLimits = ImageLimits(),
      upright: Bool = false, spare: SparePixels = SparePixels()
    ) throws(ZooError) {
      try self.init(
        decoding: bytes, from: location, limits: limits, upright: upright, spare: spare,
        by: SystemDecoder.self)
    }
  }

  /// Decodes by ImageIO. Colour profiles are not applied.
  private enum SystemDecoder: ImageDecoder {
    static func decode(
      _ bytes: UnsafeRawBufferPointer, format: ImageFormat, location: String, limits: ImageLimits,
      spare: SparePixels
    ) throws(ZooError) -> Image {
      guard let source = imageSource(of: bytes), let properties = firstProperties(of: source),
        let width = properties[kCGImagePropertyPixelWidth] as? Int,
        let height = properties[kCGImagePropertyPixelHeight] as? Int
      else {
        throw ZooError(.malformed, "image", at: location, "its \(format.rawValue) header can't be read")
      }
      try Image.check(width: width, height: height, limits: limits, location: location)
      guard CGImageSourceGetStatusAtIndex(source, 0) == .statusComplete,
        let image = CGImageSourceCreateImageAtIndex(source, 0, nil), image.width == width,
        image.height == height
      else {
        throw ZooError(.malformed, "image", at: location, "its pixels can't be decoded")
      }
      // Drawn in its own colour space, the image keeps the values that the file stores.
      let own = image.colorSpace.flatMap { $0.model == .rgb ? $0 : nil }
      var rgbx = [UInt8](repeating: 0, count: width * height * 4)
      let drawn = rgbx.withUnsafeMutableBytes { target -> Bool in
        guard
          let context = CGContext(
            data: target.baseAddress, width: width, height: height, bitsPerComponent: 8,
            bytesPerRow: width * 4,
            space: own ?? CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
        else { return false }
        context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
        return true
      }
      guard drawn else {
        throw ZooError(.unsupported, "image", at: location, "its colours can't be drawn as RGB")
      }
      var pixels = [UInt8]()
      pixels.reserveCapacity(width * height * 3)
      for start in stride(from: 0, to: rgbx.count, by: 4) { pixels += rgbx[start..<start + 3] }
      return Image(width: width, height: height, pixels: pixels)
    }

    static func orientation(of bytes: UnsafeRawBufferPointer, format: ImageFormat) -> Orientation {
      let properties = imageSource(of: bytes).flatMap { firstProperties(of: $0) }
      let number = properties?[kCGImagePropertyOrientation] as? Int
      return number.flatMap { Orientation(rawValue: $0) } ?? .upright
    }

    /// The image source of `bytes`, which have to outlive it.
    private static func imageSource(of bytes: UnsafeRawBufferPointer) -> CGImageSource? {
      guard let base = bytes.baseAddress else { return nil }
      let data = Data(
        bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
      return CGImageSourceCreateWithData(data as CFData, nil)
    }

    private static func firstProperties(of source: CGImageSource) -> [CFString: Any]? {
      guard CGImageSourceGetCount(source) > 0 else { return nil }
      return CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
    }
  }
#endif
