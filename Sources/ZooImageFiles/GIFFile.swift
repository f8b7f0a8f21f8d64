#if !canImport(ImageIO)
  import CGIF
  import ZooImages
  import ZooSystem

  /// Decodes the first frame of GIF files by giflib, on the whole canvas.
  struct GIFFile {
    let bytes: UnsafeRawBufferPointer
    let location: String

    /// What giflib's reader knows of the file.
    private struct Source {
      let bytes: UnsafeRawBufferPointer
      var offset = 0
    }

    func decoded(_ limits: ImageLimits) throws(ZooError) -> Image {
      var source = Source(bytes: bytes)
      let result = withUnsafeMutablePointer(to: &source) { source in
        Result { () throws(ZooError) in try decoded(source, limits) }
      }
      return try result.get()
    }

    private func decoded(
      _ source: UnsafeMutablePointer<Source>, _ limits: ImageLimits
    ) throws(ZooError) -> Image {
      var code: Int32 = 0
      let opened = DGifOpen(
        source,
        { file, target, wanted in
          guard let target, let source = file?.pointee.UserData?.assumingMemoryBound(to: Source.self) else {
            return 0
          }
          let offset = source.pointee.offset
          let count = min(max(0, Int(wanted)), source.pointee.bytes.count - offset)
          let part = UnsafeRawBufferPointer(rebasing: source.pointee.bytes[offset..<offset + count])
          UnsafeMutableRawBufferPointer(start: target, count: count).copyMemory(from: part)
          source.pointee.offset += count
          return Int32(count)
        }, &code)
      guard let file = opened else { throw malformed(code) }
      defer { DGifCloseFile(file, nil) }
      let transparent = try seekFrame(file)
      return try frame(file, outside: transparent ?? 0, limits)
    }

    /// Goes on to the first frame, and returns the number of the transparent colour where there is one.
    private func seekFrame(_ file: UnsafeMutablePointer<GifFileType>) throws(ZooError) -> UInt8? {
      var transparent: UInt8?
      while true {
        var kind = UNDEFINED_RECORD_TYPE
        guard DGifGetRecordType(file, &kind) == GIF_OK else { throw malformed(file.pointee.Error) }
        switch kind {
        case IMAGE_DESC_RECORD_TYPE: return transparent
        case EXTENSION_RECORD_TYPE:
          var function: Int32 = 0
          // The first byte is the number of those that follow.
          var block: UnsafeMutablePointer<GifByteType>?
          guard DGifGetExtension(file, &function, &block) == GIF_OK else {
            throw malformed(file.pointee.Error)
          }
          if function == GRAPHICS_EXT_FUNC_CODE, let block, block[0] >= 4, block[1] & 1 != 0 {
            transparent = block[4]
          }
          while block != nil {
            guard DGifGetExtensionNext(file, &block) == GIF_OK else { throw malformed(file.pointee.Error) }
          }
        default: throw ZooError(.malformed, "image", at: location, "it has no frame")
        }
      }
    }

    private func frame(
      _ file: UnsafeMutablePointer<GifFileType>, outside: UInt8, _ limits: ImageLimits
    ) throws(ZooError) -> Image {
      guard DGifGetImageDesc(file) == GIF_OK else { throw malformed(file.pointee.Error) }
      let frame = file.pointee.Image
      let (x, y, width, height) = (Int(frame.Left), Int(frame.Top), Int(frame.Width), Int(frame.Height))
      guard x >= 0, y >= 0, width > 0, height > 0 else {
        throw ZooError(.malformed, "image", at: location, "its frame is \(width)x\(height) pixels")
      }
      let canvas = (
        width: max(Int(file.pointee.SWidth), x + width), height: max(Int(file.pointee.SHeight), y + height)
      )
      try Image.check(width: canvas.width, height: canvas.height, limits: limits, location: location)

      var indices = [UInt8](repeating: outside, count: canvas.width * canvas.height)
      // Interlaced rows come in four passes.
      let passes = frame.Interlace ? [(0, 8), (4, 8), (2, 4), (1, 2)] : [(0, 1)]
      let isComplete = indices.withUnsafeMutableBufferPointer { indices in
        passes.allSatisfy { first, step in
          stride(from: first, to: height, by: step).allSatisfy { row in
            let start = (y + row) * canvas.width + x
            return DGifGetLine(file, indices.baseAddress.map { $0 + start }, Int32(width)) == GIF_OK
          }
        }
      }
      guard isComplete else { throw malformed(file.pointee.Error) }

      var palette = Palette.grey
      if let map = (frame.ColorMap ?? file.pointee.SColorMap)?.pointee, let colors = map.Colors {
        palette = Palette()
        for index in 0..<min(256, max(0, Int(map.ColorCount))) {
          palette[index] = (colors[index].Red, colors[index].Green, colors[index].Blue)
        }
      }
      return palette.image(width: canvas.width, height: canvas.height, indices: indices)
    }

    private func malformed(_ code: Int32) -> ZooError {
      let message = GifErrorString(code).map { String(cString: $0) } ?? "it is damaged"
      return ZooError(.malformed, "image", at: location, message)
    }
  }
#endif
