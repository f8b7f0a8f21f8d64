#if !canImport(ImageIO)
  import CPNG
  import CTurboJPEG
  import ZooImages
  import ZooSystem

  extension Image {
    /// The image as the bytes of a PNG file, which keeps every pixel.
    ///
    /// - Throws: `ZooError` with the code `ZooError.Code.tooLarge` where there is no memory for it.
    package func png() throws(ZooError) -> [UInt8] {
      guard let columns = UInt32(exactly: width), let rows = UInt32(exactly: height) else {
        throw Self.unencodable("\(width)x\(height) pixels")
      }
      var writer = png_image()
      writer.version = png_uint_32(PNG_IMAGE_VERSION)
      writer.width = columns
      writer.height = rows
      writer.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
      defer { png_image_free(&writer) }
      let bytes = pixels.withUnsafeBytes { pixels -> [UInt8]? in
        // A row has a byte more than its pixels, and deflate adds little to what it can't make smaller.
        let raw = height * (width * 3 + 1)
        var size = png_alloc_size_t(raw + raw / 1000 + 4096)
        var isWritten = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, filled in
          isWritten =
            png_image_write_to_memory(&writer, target.baseAddress, &size, 0, pixels.baseAddress, 0, nil) != 0
          filled = isWritten ? min(Int(size), target.count) : 0
        }
        return isWritten ? bytes : nil
      }
      guard let bytes else { throw Self.unencodable("libpng does not write it") }
      return bytes
    }

    /// The image as the bytes of a JPEG file.
    ///
    /// - Parameter quality: 1 to 100, as libjpeg counts.
    /// - Throws: `ZooError` with the code `ZooError.Code.tooLarge` where it has too many pixels for the format.
    package func jpeg(quality: Int = 85) throws(ZooError) -> [UInt8] {
      guard max(width, height) <= 65_500, let handle = tjInitCompress() else {
        throw Self.unencodable("\(width)x\(height) pixels")
      }
      defer { tjDestroy(handle) }
      var bytes: UnsafeMutablePointer<UInt8>?
      var size: UInt = 0
      defer { tjFree(bytes) }
      let status = pixels.withUnsafeBufferPointer { pixels in
        tjCompress2(
          handle, pixels.baseAddress, Int32(width), 0, Int32(height), Int32(TJPF_RGB.rawValue), &bytes, &size,
          Int32(TJSAMP_420.rawValue), Int32(min(max(quality, 1), 100)), TJFLAG_ACCURATEDCT)
      }
      guard status == 0, let bytes else { throw Self.unencodable("libjpeg-turbo does not write it") }
      return [UInt8](UnsafeBufferPointer(start: bytes, count: Int(size)))
    }

    private static func unencodable(_ why: String) -> ZooError {
      ZooError(.tooLarge, what: "cannot encode a picture", at: "memory", why)
    }
  }
#endif
