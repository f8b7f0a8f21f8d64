#if canImport(ImageIO)
  import CoreGraphics
  import Foundation
  import ImageIO
  import ZooSystem

  extension Image {
    /// Decodes the image file at `path`, recognised by its content, to 8-bit RGB by the system's decoders.
    ///
    /// The values are those that the file stores: neither colour profiles nor the orientation tag are
    /// applied. Transparent pixels are drawn over black.
    package init(path: String, limits: ImageLimits = ImageLimits()) throws(ZooError) {
      let file: MappedFile
      do {
        file = try MappedFile(path: path)
      } catch {
        throw ZooError(.cannotOpen, "image", at: path, error.why)
      }
      defer { withExtendedLifetime(file) {} }
      try self.init(decoding: file.bytes, from: path, limits: limits)
    }

    /// Decodes the bytes of an image file; `location` is what errors name.
    package init(
      decoding bytes: UnsafeRawBufferPointer, from location: String, limits: ImageLimits = ImageLimits()
    ) throws(ZooError) {
      guard let base = bytes.baseAddress, !bytes.isEmpty else {
        throw ZooError(.malformed, "image", at: location, "the file is empty")
      }
      guard bytes.count <= limits.fileBytes else {
        throw ZooError(
          .unsupported, "image", at: location, "a file of \(bytes.count) bytes, more than \(limits.fileBytes)"
        )
      }
      let data = Data(
        bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
      guard let source = CGImageSourceCreateWithData(data as CFData, nil), CGImageSourceGetCount(source) > 0,
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
        let width = properties[kCGImagePropertyPixelWidth] as? Int,
        let height = properties[kCGImagePropertyPixelHeight] as? Int
      else {
        throw ZooError(.unsupported, "image", at: location, "no image format that this system decodes")
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
      self.init(width: width, height: height, pixels: pixels)
    }
  }
#endif
