// Where ModelZoo itself has no decoders, this product has them.
#if !(canImport(ImageIO) || ImageFiles)
  import ModelZoo
  import ZooImageFiles
  import ZooImages
  import ZooSystem

  extension Picture {
    /// Decodes an image file, recognised by its content: JPEG or PNG, on Apple's systems what these decode.
    ///
    /// Pixels are those that Pillow's `convert("RGB")` gives: neither colour profiles nor the orientation tag
    /// are applied, and alpha is dropped.
    ///
    /// - Throws: `ZooError` where the file can't be opened or decoded, or is larger than
    ///   ``ReadingLimits/current`` allows.
    public init(path: String) throws(ZooError) { self.init(image: try Image(path: path)) }

    /// Decodes the bytes of an image file, as ``init(path:)`` does.
    ///
    /// - Parameters:
    ///   - bytes: the whole file, for example the body of an HTTP request.
    ///   - name: what an error calls it.
    public init(encoded bytes: some Collection<UInt8>, name: String = "memory") throws(ZooError) {
      func decoded(_ bytes: UnsafeRawBufferPointer) throws(ZooError) -> Image {
        try Image(decoding: bytes, from: name)
      }
      let contiguous: Result<Image, ZooError>? = bytes.withContiguousStorageIfAvailable { storage in
        Result { () throws(ZooError) in try decoded(UnsafeRawBufferPointer(storage)) }
      }
      if let contiguous {
        self.init(image: try contiguous.get())
      } else {
        let copy = Array(bytes)
        let result = copy.withUnsafeBytes { copied in Result { () throws(ZooError) in try decoded(copied) } }
        self.init(image: try result.get())
      }
    }
  }
#endif
