#if !canImport(ImageIO)
  import ZooImages
  import ZooSystem

  extension Image {
    /// Decodes the JPEG or PNG file at `path`, recognised by its content, to 8-bit RGB.
    ///
    /// The values are those of Pillow's `Image.open(path).convert("RGB")`: grey values, palettes and CMYK
    /// are converted, alpha is dropped and not composited, and neither colour profiles, gamma nor the
    /// orientation tag are applied. Values of 16 bits keep their high byte.
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

    /// Decodes the bytes of a JPEG or PNG file; `location` is what errors name.
    package init(
      decoding bytes: UnsafeRawBufferPointer, from location: String, limits: ImageLimits = ImageLimits()
    ) throws(ZooError) {
      guard !bytes.isEmpty else { throw ZooError(.malformed, "image", at: location, "the file is empty") }
      guard bytes.count <= limits.fileBytes else {
        throw ZooError(
          .unsupported, "image", at: location, "a file of \(bytes.count) bytes, more than \(limits.fileBytes)"
        )
      }
      switch ImageFormat(recognising: bytes) {
      case .jpeg: self = try JPEGFile(bytes: bytes, location: location).decoded(limits)
      case .png: self = try PNGFile(bytes: bytes, location: location).decoded(limits)
      case nil: throw ZooError(.unsupported, "image", at: location, "neither a JPEG nor a PNG file")
      }
    }
  }
#endif
