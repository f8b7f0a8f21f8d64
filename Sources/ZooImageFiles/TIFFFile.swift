#if !canImport(ImageIO)
  import CTIFF
  import ZooImages
  import ZooSystem

  /// Decodes the first page of TIFF files by libtiff, strip by strip or tile by tile.
  struct TIFFFile {
    let bytes: UnsafeRawBufferPointer
    let location: String

    /// Those that libtiff is asked to unpack: all but the JPEG of version 6.0, raw and scientific ones.
    private static let compressions: Set<Int32> = [
      COMPRESSION_NONE, COMPRESSION_CCITTRLE, COMPRESSION_CCITTRLEW, COMPRESSION_CCITTFAX3,
      COMPRESSION_CCITTFAX4, COMPRESSION_LZW, COMPRESSION_JPEG, COMPRESSION_ADOBE_DEFLATE,
      COMPRESSION_DEFLATE, COMPRESSION_PACKBITS, COMPRESSION_LZMA, COMPRESSION_ZSTD, COMPRESSION_WEBP,
    ]

    func decoded(_ limits: ImageLimits) throws(ZooError) -> Image {
      var memory = zoo_tiff_memory()
      memory.bytes = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      memory.count = UInt64(bytes.count)
      let result = withUnsafeMutablePointer(to: &memory) { memory in
        Result { () throws(ZooError) in
          guard let file = zoo_tiff_open(memory, tmsize_t(limits.fileBytes)) else { throw failure(memory) }
          defer { TIFFClose(file) }
          return try page(TIFFPage(file: file), memory, limits)
        }
      }
      return try result.get()
    }

    private func page(
      _ page: TIFFPage, _ memory: UnsafeMutablePointer<zoo_tiff_memory>, _ limits: ImageLimits
    ) throws(ZooError) -> Image {
      try Image.check(width: page.width, height: page.height, limits: limits, location: location)
      guard Self.compressions.contains(Int32(page.compression)),
        TIFFIsCODECConfigured(UInt16(page.compression)) != 0
      else { throw unsupported("compression \(page.compression)") }
      if page.isYCbCr {
        guard page.isJPEG, page.isInterleaved else {
          guard let pixels = page.readAsRGBA() else { throw failure(memory) }
          return Image(width: page.width, height: page.height, pixels: pixels)
        }
        page.askForRGB()
      }
      guard let colors = page.colors else {
        throw unsupported("photometric interpretation \(page.photometric)")
      }
      guard [SAMPLEFORMAT_UINT, SAMPLEFORMAT_VOID].contains(Int32(page.sampleFormat)) else {
        throw unsupported("samples that are no whole numbers from 0")
      }
      let bitSizes = colors == .grey ? [1, 2, 4, 8, 16] : colors == .palette ? [1, 2, 4, 8] : [8, 16]
      guard bitSizes.contains(page.bits) else { throw unsupported("\(page.bits) bits a sample") }
      guard page.samples >= colors.samples, page.samples <= 8 else {
        throw unsupported("\(page.samples) samples a pixel")
      }
      let isPremultiplied = page.isPremultiplied && page.samples > colors.samples && colors != .palette
      guard let values = page.read(samples: colors.samples + (isPremultiplied ? 1 : 0), limits: limits) else {
        throw failure(memory)
      }
      return try image(page, colors, values, isPremultiplied: isPremultiplied)
    }

    /// RGB of samples, each the high byte of its value or, below 8 bits, the value.
    private func image(
      _ page: TIFFPage, _ colors: TIFFPage.Colors, _ values: [UInt8], isPremultiplied: Bool
    ) throws(ZooError) -> Image {
      let (width, height, stride) = (page.width, page.height, colors.samples + (isPremultiplied ? 1 : 0))
      if colors == .palette {
        guard let palette = page.palette else {
          throw ZooError(.malformed, "image", at: location, "no palette")
        }
        return palette.image(width: width, height: height, indices: values)
      }
      let scale = page.bits < 8 ? UInt8(255 / (1 << page.bits - 1)) : 1
      let isInverted = page.photometric == PHOTOMETRIC_MINISWHITE
      let count = width * height
      let pixels = [UInt8](unsafeUninitializedCapacity: count * 3) { target, filled in
        for pixel in 0..<count {
          let from = pixel * stride
          let to = pixel * 3
          switch colors {
          case .grey, .palette:
            let value = values[from] &* scale
            for channel in 0..<3 { target[to + channel] = isInverted ? 255 - value : value }
          case .rgb:
            for channel in 0..<3 { target[to + channel] = values[from + channel] }
          case .inks:
            let white = 255 - values[from + 3]
            for ink in 0..<3 { target[to + ink] = UInt8.withInk(values[from + ink], white: white) }
          }
          guard isPremultiplied else { continue }
          let alpha = Int(values[from + stride - 1])
          for channel in to..<to + 3 where alpha < 255 {
            target[channel] = alpha == 0 ? 0 : UInt8(clamping: Int(target[channel]) * 255 / alpha)
          }
        }
        filled = count * 3
      }
      return Image(width: width, height: height, pixels: pixels)
    }

    private func unsupported(_ what: String) -> ZooError {
      ZooError(.unsupported, "image", at: location, "a TIFF file with \(what)")
    }

    /// What libtiff said first.
    private func failure(_ memory: UnsafeMutablePointer<zoo_tiff_memory>) -> ZooError {
      let message = withUnsafeBytes(of: &memory.pointee.message) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      return ZooError(
        .malformed, "image", at: location, message.isEmpty ? "its pixels can't be decoded" : message)
    }
  }

  /// The first page of an open TIFF file.
  struct TIFFPage {
    let file: OpaquePointer

    /// What the first samples of a pixel are.
    enum Colors {
      case grey, rgb, palette, inks

      var samples: Int {
        switch self {
        case .grey, .palette: 1
        case .rgb: 3
        case .inks: 4
        }
      }
    }

    private func field(_ tag: Int32) -> Int {
      var value: UInt16 = 0
      return zoo_tiff_get16(file, UInt32(tag), &value) == 0 ? 0 : Int(value)
    }

    private func longField(_ tag: Int32) -> Int {
      var value: UInt32 = 0
      return zoo_tiff_get32(file, UInt32(tag), &value) == 0 ? 0 : Int(value)
    }

    var width: Int { longField(TIFFTAG_IMAGEWIDTH) }
    var height: Int { longField(TIFFTAG_IMAGELENGTH) }
    var compression: Int { field(TIFFTAG_COMPRESSION) }
    var photometric: Int32 { Int32(field(TIFFTAG_PHOTOMETRIC)) }
    var samples: Int { field(TIFFTAG_SAMPLESPERPIXEL) }
    var bits: Int { field(TIFFTAG_BITSPERSAMPLE) }
    var sampleFormat: Int { field(TIFFTAG_SAMPLEFORMAT) }
    var isInterleaved: Bool { field(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_CONTIG }
    var isYCbCr: Bool { photometric == PHOTOMETRIC_YCBCR }
    var isJPEG: Bool { compression == COMPRESSION_JPEG }

    var colors: Colors? {
      switch photometric {
      case PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK: .grey
      case PHOTOMETRIC_RGB: .rgb
      case PHOTOMETRIC_YCBCR: .rgb
      case PHOTOMETRIC_PALETTE: .palette
      case PHOTOMETRIC_SEPARATED: .inks
      default: nil
      }
    }

    /// Whether the first sample after the colours is alpha that the colours are multiplied with.
    var isPremultiplied: Bool {
      var count: UInt16 = 0
      var kinds: UnsafeMutablePointer<UInt16>?
      guard zoo_tiff_extra_samples(file, &count, &kinds) != 0, count > 0, let kinds else { return false }
      return Int32(kinds[0]) == EXTRASAMPLE_ASSOCALPHA
    }

    /// The high bytes of the colours.
    var palette: Palette? {
      var (red, green, blue):
        (UnsafeMutablePointer<UInt16>?, UnsafeMutablePointer<UInt16>?, UnsafeMutablePointer<UInt16>?)
      guard zoo_tiff_palette(file, &red, &green, &blue) != 0, let red, let green, let blue else { return nil }
      var palette = Palette()
      for index in 0..<(1 << min(bits, 8)) {
        palette[index] = (UInt8(red[index] >> 8), UInt8(green[index] >> 8), UInt8(blue[index] >> 8))
      }
      return palette
    }

    /// Lets the decoder turn YCbCr into RGB.
    func askForRGB() { _ = zoo_tiff_ask_for_rgb(file) }

    /// The page by libtiff's own conversion; nil where it fails.
    func readAsRGBA() -> [UInt8]? {
      let (width, height) = (width, height)
      var raster = [UInt32](repeating: 0, count: width * height)
      // Asked for the orientation that it has, libtiff turns nothing.
      let orientation = Int32(field(TIFFTAG_ORIENTATION))
      guard
        TIFFReadRGBAImageOriented(file, UInt32(width), UInt32(height), &raster, orientation, 1) != 0
      else { return nil }
      var pixels: [UInt8] = []
      pixels.reserveCapacity(raster.count * 3)
      for pixel in raster {
        for shift in [0, 8, 16] as [UInt32] { pixels.append(UInt8(truncatingIfNeeded: pixel >> shift)) }
      }
      return pixels
    }

    /// The first `samples` of each pixel, each the high byte of its value or, below 8 bits, the value; nil where
    /// decoding fails.
    func read(samples kept: Int, limits: ImageLimits) -> [UInt8]? {
      let (width, height, samples, bits) = (width, height, samples, bits)
      let isTiled = TIFFIsTiled(file) != 0
      let part =
        isTiled
        ? (width: longField(TIFFTAG_TILEWIDTH), height: longField(TIFFTAG_TILELENGTH))
        : (width: width, height: min(height, max(1, longField(TIFFTAG_ROWSPERSTRIP))))
      let lineSize = isTiled ? TIFFTileRowSize64(file) : TIFFScanlineSize64(file)
      let size = isTiled ? TIFFTileSize64(file) : TIFFVStripSize64(file, UInt32(part.height))
      let interleaved = isInterleaved ? samples : 1
      let planes = isInterleaved ? 1 : kept
      guard part.width > 0, part.height > 0, part.width <= 1 << 26, size > 0,
        size <= UInt64(limits.pixels) * 16,
        let line = Int(exactly: lineSize), line >= (part.width * interleaved * bits + 7) / 8,
        Int(size) >= line * part.height
      else { return nil }

      var values = [UInt8](repeating: 0, count: width * height * kept)
      var buffer = [UInt8](repeating: 0, count: Int(size))
      for plane in 0..<planes {
        for top in stride(from: 0, to: height, by: part.height) {
          let rows = min(part.height, height - top)
          for left in stride(from: 0, to: width, by: part.width) {
            let needed = line * (isTiled ? part.height : rows)
            let number =
              isTiled
              ? TIFFComputeTile(file, UInt32(left), UInt32(top), 0, UInt16(plane))
              : TIFFComputeStrip(file, UInt32(top), UInt16(plane))
            // Of a part that the directory does not list, libtiff reads the file's start.
            guard TIFFGetStrileByteCount(file, number) > 0 else { return nil }
            let got =
              isTiled
              ? TIFFReadEncodedTile(file, number, &buffer, tmsize_t(size))
              : TIFFReadEncodedStrip(file, number, &buffer, tmsize_t(needed))
            guard got >= needed else { return nil }
            let columns = min(part.width, width - left)
            for row in 0..<rows {
              let first = ((top + row) * width + left) * kept + plane
              buffer.withUnsafeBytes { buffer in
                let source = UnsafeRawBufferPointer(rebasing: buffer[row * line..<(row + 1) * line])
                for index in 0..<columns {
                  for sample in 0..<(isInterleaved ? kept : 1) {
                    values[first + index * kept + sample] = Self.value(
                      source, at: index * interleaved + sample, bits: bits)
                  }
                }
              }
            }
          }
        }
      }
      return values
    }

    /// The `index`th sample of a row.
    @inline(__always)
    private static func value(_ row: UnsafeRawBufferPointer, at index: Int, bits: Int) -> UInt8 {
      switch bits {
      case 8: return row[index]
      case 16: return UInt8(row.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self) >> 8)
      default:
        let place = index * bits
        return row[place / 8] >> UInt8(8 - bits - place % 8) & UInt8(1 << bits - 1)
      }
    }
  }
#endif
