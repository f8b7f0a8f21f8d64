#if !canImport(ImageIO)
  import CTurboJPEG
  import ZooImages
  import ZooSystem

  /// Decodes JPEG files by TurboJPEG, whose functions report failure by their return value.
  struct JPEGFile {
    let bytes: UnsafeRawBufferPointer
    let location: String

    /// Warnings after which the picture is whole all the same: bytes that mean nothing between
    /// markers, and headers that deviate from the standard without consequence.
    private static let harmless = [
      "extraneous bytes before marker", "unknown JFIF revision number", "Unknown Adobe color transform code",
      "Inconsistent progression sequence", "Invalid SOS parameters for sequential JPEG",
    ]

    func decoded(_ limits: ImageLimits, _ spare: SparePixels) throws(ZooError) -> Image {
      guard let handle = tjInitDecompress() else {
        throw ZooError(.unsupported, "image", at: location, "the JPEG decoder could not be started")
      }
      defer { tjDestroy(handle) }
      let data = bytes.assumingMemoryBound(to: UInt8.self)
      let size = UInt(bytes.count)

      var width: Int32 = 0
      var height: Int32 = 0
      var subsampling: Int32 = 0
      var colorspace: Int32 = 0
      let header = tjDecompressHeader3(
        handle, data.baseAddress, size, &width, &height, &subsampling, &colorspace)
      if header != 0 { try accept(failureOf: handle) }
      try Image.check(width: Int(width), height: Int(height), limits: limits, location: location)

      let inks = colorspace == TJCS_CMYK.rawValue || colorspace == TJCS_YCCK.rawValue
      let format = inks ? TJPF_CMYK : TJPF_RGB
      let count = Int(width) * Int(height) * (inks ? 4 : 3)
      var failure: ZooError?
      var pixels = spare.take(count)
      pixels.withUnsafeMutableBufferPointer { target in
        func decode(_ flags: Int32) -> Bool {
          tjDecompress2(
            handle, data.baseAddress, size, target.baseAddress, width, 0, height, Int32(format.rawValue),
            flags | TJFLAG_LIMITSCANS) == 0
        }
        do throws(ZooError) {
          // The decoder tells its first warning only: a picture with a harmless one is decoded again to
          // its end, where a missing end of image shows what the decoder no longer says.
          if !decode(TJFLAG_STOPONWARNING) {
            try accept(failureOf: handle)
            if !decode(0) { try accept(failureOf: handle) }
            try checkEnd()
          }
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      return Image(
        width: Int(width), height: Int(height), pixels: inks ? Self.rgb(invertedInks: pixels) : pixels)
    }

    /// Throws the decoder's last error, unless it was a warning of no consequence.
    private func accept(failureOf handle: tjhandle) throws(ZooError) {
      let message = tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
      let isWarning = tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue)
      if isWarning, Self.harmless.contains(where: { message.contains($0) }) { return }
      let unsupported =
        message.contains("Unsupported") || message.contains("Maximum supported")
        || message.contains("not supported")
      throw ZooError(unsupported ? .unsupported : .malformed, "image", at: location, message)
    }

    /// Requires an end-of-image marker after the last start of scan.
    private func checkEnd() throws(ZooError) {
      var next: UInt8 = 0
      for byte in bytes.reversed() {
        if byte == 0xFF, next == 0xD9 { return }
        if byte == 0xFF, next == 0xDA { break }
        next = byte
      }
      throw ZooError(.malformed, "image", at: location, "Premature end of JPEG file")
    }

    /// RGB of CMYK values stored inverted, as Adobe's programs and so nearly all writers do.
    private static func rgb(invertedInks: [UInt8]) -> [UInt8] {
      var rgb = [UInt8]()
      rgb.reserveCapacity(invertedInks.count / 4 * 3)
      for start in stride(from: 0, to: invertedInks.count - 3, by: 4) {
        let white = invertedInks[start + 3]
        for ink in 0..<3 { rgb.append(UInt8.withInk(255 - invertedInks[start + ink], white: white)) }
      }
      return rgb
    }
  }
#endif
