#if !canImport(ImageIO)
  import ZooImages
  import ZooSystem

  extension Image {
    /// Decodes the image file at `path`, recognised by its content, as ``ImageDecoder`` says.
    package init(path: String, limits: ImageLimits = ImageLimits(), upright: Bool = false) throws(ZooError) {
      try self.init(path: path, limits: limits, upright: upright, by: LibraryDecoder.self)
    }

    /// Decodes the bytes of an image file; `location` is what errors name, and `spare` is used where it helps.
    package init(
      decoding bytes: UnsafeRawBufferPointer, from location: String, limits: ImageLimits = ImageLimits(),
      upright: Bool = false, spare: SparePixels = SparePixels()
    ) throws(ZooError) {
      try self.init(
        decoding: bytes, from: location, limits: limits, upright: upright, spare: spare,
        by: LibraryDecoder.self)
    }
  }

  /// Decodes by the system's libraries, a format each; BMP, which has none, by ourselves.
  private enum LibraryDecoder: ImageDecoder {
    static func decode(
      _ bytes: UnsafeRawBufferPointer, format: ImageFormat, location: String, limits: ImageLimits,
      spare: SparePixels
    ) throws(ZooError) -> Image {
      switch format {
      case .jpeg: try JPEGFile(bytes: bytes, location: location).decoded(limits, spare)
      case .png: try PNGFile(bytes: bytes, location: location).decoded(limits)
      case .webp: try WebPFile(bytes: bytes, location: location).decoded(limits)
      case .gif: try GIFFile(bytes: bytes, location: location).decoded(limits)
      case .bmp: try BMPFile(bytes: bytes, location: location).decoded(limits)
      case .tiff: try TIFFFile(bytes: bytes, location: location).decoded(limits)
      case .heic, .avif, .jpeg2000, .jpegXL, .netpbm, .icon, .photoshop:
        throw ZooError(.unsupported, "image", at: location, "it is \(format.name)")
      }
    }
  }
#endif
