#if !canImport(ImageIO)
  import CWebP
  import ZooImages
  import ZooSystem

  /// Decodes WebP files by libwebp; of an animation, the first frame on an empty canvas.
  struct WebPFile {
    let bytes: UnsafeRawBufferPointer
    let location: String

    func decoded(_ limits: ImageLimits) throws(ZooError) -> Image {
      let features = try features(of: bytes)
      let (width, height) = (Int(features.width), Int(features.height))
      try Image.check(width: width, height: height, limits: limits, location: location)
      guard features.has_animation != 0 else {
        let pixels = try decoded(bytes, width: width, height: height)
        return Image(width: width, height: height, pixels: pixels)
      }

      var data = WebPData(
        bytes: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), size: bytes.count)
      guard let demuxer = WebPDemux(&data) else { throw malformed("its frames can't be found") }
      defer { WebPDemuxDelete(demuxer) }
      var frame = WebPIterator()
      guard WebPDemuxGetFrame(demuxer, 1, &frame) != 0 else { throw malformed("it has no frame") }
      defer { WebPDemuxReleaseIterator(&frame) }
      let (x, y) = (Int(frame.x_offset), Int(frame.y_offset))
      let part = UnsafeRawBufferPointer(start: frame.fragment.bytes, count: frame.fragment.size)
      let inner = try self.features(of: part)
      let (innerWidth, innerHeight) = (Int(inner.width), Int(inner.height))
      guard x >= 0, y >= 0, innerWidth > 0, innerHeight > 0, innerWidth <= width - x,
        innerHeight <= height - y
      else { throw malformed("its first frame reaches beyond the canvas") }
      let pixels = try decoded(part, width: innerWidth, height: innerHeight)
      var canvas = [UInt8](repeating: 0, count: width * height * 3)
      for row in 0..<innerHeight {
        let to = ((y + row) * width + x) * 3
        canvas.replaceSubrange(
          to..<to + innerWidth * 3, with: pixels[row * innerWidth * 3..<(row + 1) * innerWidth * 3])
      }
      return Image(width: width, height: height, pixels: canvas)
    }

    private func features(of bytes: UnsafeRawBufferPointer) throws(ZooError) -> WebPBitstreamFeatures {
      var features = WebPBitstreamFeatures()
      let status = WebPGetFeatures(
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &features)
      guard status == VP8_STATUS_OK else {
        throw malformed(status == VP8_STATUS_NOT_ENOUGH_DATA ? "it ends early" : "its header is damaged")
      }
      return features
    }

    /// RGB; alpha is dropped.
    private func decoded(
      _ bytes: UnsafeRawBufferPointer, width: Int, height: Int
    ) throws(ZooError) -> [UInt8] {
      let count = width * height * 3
      var succeeded = false
      let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
        succeeded =
          WebPDecodeRGBInto(
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, target.baseAddress, count,
            Int32(width * 3)) != nil
        filled = succeeded ? count : 0
      }
      guard succeeded else { throw malformed("its pixels can't be decoded: it ends early or is damaged") }
      return pixels
    }

    private func malformed(_ why: String) -> ZooError { ZooError(.malformed, "image", at: location, why) }
  }
#endif
