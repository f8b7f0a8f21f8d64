// Decoders: the system's own on Apple's systems, elsewhere those of the package trait ImageFiles.
#if canImport(ImageIO) || ImageFiles
  #if ImageFiles
    import ZooImageFiles
  #endif
  import ZooImages
  import ZooSystem

  extension Picture {
    /// Decodes an image file, recognised by its content: JPEG, PNG, WebP, GIF, BMP or TIFF, on Apple's systems also
    /// HEIC, AVIF and what else these decode. Of several frames or pages the first counts.
    ///
    /// Pixels are those that Pillow's `convert("RGB")` gives: colour profiles are not applied, and alpha is dropped.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - upright: whether to turn the picture as its EXIF orientation says, which photographs from phones need.
    ///     Keras' `load_img` does not. As in Pillow, TIFF files are always turned.
    /// - Throws: ``ZooError`` where the file can't be opened or decoded, or is larger than
    ///   ``ReadingLimits/current`` allows.
    public init(path: String, upright: Bool = false) throws(ZooError) {
      self.init(image: try Image(path: path, upright: upright))
    }

    /// Decodes the bytes of an image file, as ``init(path:upright:)`` does.
    ///
    /// - Parameters:
    ///   - bytes: the whole file, for example the body of an HTTP request.
    ///   - name: what an error calls it.
    ///   - upright: whether to turn the picture as its EXIF orientation says.
    /// - Throws: ``ZooError`` where the bytes can't be decoded.
    public init(
      encoded bytes: some Collection<UInt8>, name: String = "memory", upright: Bool = false
    ) throws(ZooError) {
      self = try Picture.decoded(bytes) { bytes throws(ZooError) in
        try Image(decoding: bytes, from: name, upright: upright)
      }
    }
  }
#endif
