#if !canImport(ImageIO)
  import CPNG
  import ZooImages
  import ZooSystem

  /// Decodes PNG files by libpng's simplified interface, whose functions report failure by their
  /// return value.
  struct PNGFile {
    let bytes: UnsafeRawBufferPointer
    let location: String

    func decoded(_ limits: ImageLimits) throws(ZooError) -> Image {
      let essential = try essentialChunks(limits)
      var failure: ZooError?
      let image = essential.data.withUnsafeBytes { data -> Image? in
        do throws(ZooError) {
          return try decode(data, essential.header)
        } catch {
          failure = error
          return nil
        }
      }
      if let failure { throw failure }
      guard let image else { throw malformed("no picture") }
      return image
    }

    private func decode(_ data: UnsafeRawBufferPointer, _ header: Header) throws(ZooError) -> Image {
      var reader = png_image()
      reader.version = png_uint_32(PNG_IMAGE_VERSION)
      defer { png_image_free(&reader) }
      guard png_image_begin_read_from_memory(&reader, data.baseAddress, data.count) != 0 else {
        throw malformed(Self.message(of: &reader))
      }
      let count = header.width * header.height
      let hasAlpha = header.colorType & 4 != 0
      let pixels: [UInt8]
      if header.bitDepth == 16, !hasAlpha {
        // Asked for linear values, libpng hands out a file's own 16 bits unchanged.
        reader.format = png_uint_32(PNG_FORMAT_FLAG_LINEAR | PNG_FORMAT_FLAG_COLOR)
        let values: [UInt16] = try finish(&reader, count: count * 3, zero: 0)
        pixels = values.map { UInt8($0 >> 8) }
      } else {
        reader.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
        reader.format = png_uint_32(PNG_FORMAT_FLAG_COLOR | (hasAlpha ? PNG_FORMAT_FLAG_ALPHA : 0))
        let values: [UInt8] = try finish(&reader, count: count * (hasAlpha ? 4 : 3), zero: 0)
        pixels = hasAlpha ? Self.withoutAlpha(values) : values
      }
      return Image(width: header.width, height: header.height, pixels: pixels)
    }

    private func finish<Value: FixedWidthInteger>(
      _ reader: inout png_image, count: Int, zero: Value
    ) throws(ZooError) -> [Value] {
      var succeeded = false
      let values = [Value](unsafeUninitializedCapacity: count) { target, filled in
        succeeded = png_image_finish_read(&reader, nil, target.baseAddress, 0, nil) != 0
        filled = succeeded ? count : 0
      }
      guard succeeded else { throw malformed(Self.message(of: &reader)) }
      return values
    }

    private struct Header {
      let width: Int
      let height: Int
      let bitDepth: UInt8
      let colorType: UInt8
    }

    /// The file with only the chunks that hold the picture itself.
    ///
    /// Without gamma, profile and transparency chunks libpng leaves the stored values as they are.
    private func essentialChunks(_ limits: ImageLimits) throws(ZooError) -> (data: [UInt8], header: Header) {
      var kept = FileSignature.png.bytes
      kept.reserveCapacity(bytes.count)
      var header: Header?
      var offset = kept.count
      while true {
        guard bytes.count - offset >= 12 else { throw malformed("it ends before its IEND chunk") }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        guard length <= bytes.count - offset - 12 else {
          throw malformed("a chunk of \(length) bytes reaches beyond the end of the file")
        }
        let chunk = bytes[offset..<offset + 12 + length]
        let kind = Array(bytes[offset + 4..<offset + 8])
        if header == nil {
          guard kind == Array("IHDR".utf8), length == 13 else {
            throw malformed("it does not start with IHDR")
          }
          let width = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self))
          let height = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
          try Image.check(width: Int(width), height: Int(height), limits: limits, location: location)
          header = Header(
            width: Int(width), height: Int(height), bitDepth: bytes[offset + 16],
            colorType: bytes[offset + 17])
        }
        if ["IHDR", "PLTE", "IDAT", "IEND"].contains(where: { $0.utf8.elementsEqual(kind) }) {
          kept.append(contentsOf: chunk)
        }
        if kind == Array("IEND".utf8) { break }
        offset += 12 + length
      }
      guard let header else { throw malformed("it has no header") }
      return (kept, header)
    }

    private func malformed(_ why: String) -> ZooError { ZooError(.malformed, "image", at: location, why) }

    private static func withoutAlpha(_ pixels: [UInt8]) -> [UInt8] {
      let count = pixels.count / 4
      return [UInt8](unsafeUninitializedCapacity: count * 3) { target, filled in
        for pixel in 0..<count {
          for channel in 0..<3 { target[pixel * 3 + channel] = pixels[pixel * 4 + channel] }
        }
        filled = count * 3
      }
    }

    private static func message(of reader: inout png_image) -> String {
      withUnsafeBytes(of: &reader.message) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
  }
#endif
