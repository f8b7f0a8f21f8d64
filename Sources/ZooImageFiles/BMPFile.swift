#if !canImport(ImageIO)
  import ZooImages
  import ZooSystem

  /// Decodes BMP files: OS/2's and Windows' headers, 1 to 32 bits a pixel, plain and run-length encoded.
  struct BMPFile {
    let bytes: UnsafeRawBufferPointer
    let location: String

    private struct Header {
      let width: Int
      let height: Int
      let isTopDown: Bool
      let bits: Int
      let compression: Int
      /// Where the masks or colours after the header start.
      let end: Int
      /// Bytes of one colour.
      let colorSize: Int
      let colors: Int
    }

    private enum Compression {
      static let none = 0
      static let runs8 = 1
      static let runs4 = 2
      static let masks = 3
      static let masksWithAlpha = 6
    }

    func decoded(_ limits: ImageLimits) throws(ZooError) -> Image {
      let header = try header()
      try Image.check(width: header.width, height: header.height, limits: limits, location: location)
      switch (header.bits, header.compression) {
      case (8, Compression.runs8), (4, Compression.runs4):
        let palette = try palette(header)
        return flipped(
          palette.image(width: header.width, height: header.height, indices: try runs(header)), header)
      case (1, Compression.none), (2, Compression.none), (4, Compression.none), (8, Compression.none):
        let palette = try palette(header)
        let indices = try rows(header, values: 1) { row, x, target in
          let place = x * header.bits
          let byte = row[place / 8] >> UInt8(8 - header.bits - place % 8)
          target[0] = byte & UInt8(truncatingIfNeeded: 1 << header.bits - 1)
        }
        return flipped(palette.image(width: header.width, height: header.height, indices: indices), header)
      case (24, Compression.none):
        let pixels = try rows(header, values: 3) { row, x, target in
          for channel in 0..<3 { target[channel] = row[x * 3 + 2 - channel] }
        }
        return flipped(Image(width: header.width, height: header.height, pixels: pixels), header)
      case (16, _), (24, _), (32, _):
        let channels = try masks(header).map(Channel.init)
        let size = header.bits / 8
        let pixels = try rows(header, values: 3) { row, x, target in
          var pixel: UInt32 = 0
          for index in (0..<size).reversed() { pixel = pixel << 8 | UInt32(row[x * size + index]) }
          for channel in 0..<3 { target[channel] = channels[channel].value(of: pixel) }
        }
        return flipped(Image(width: header.width, height: header.height, pixels: pixels), header)
      default:
        throw ZooError(
          .unsupported, "image", at: location,
          "a BMP of \(header.bits) bits a pixel with compression \(header.compression)")
      }
    }

    /// The lowest row comes first in nearly all files.
    private func flipped(_ image: Image, _ header: Header) -> Image {
      header.isTopDown ? image : image.uprighted(from: .flipped)
    }

    private func header() throws(ZooError) -> Header {
      let size = try number(14, 4)
      guard BMPHeaderSize.known.contains(where: { Int($0) == size }) else {
        throw malformed("a header of \(size) bytes")
      }
      let isOld = size == 12
      let height = isOld ? try number(20, 2) : Int(Int32(truncatingIfNeeded: try number(22, 4)))
      let bits = try number(isOld ? 24 : 28, 2)
      let colors = isOld ? 0 : try number(46, 4)
      return Header(
        width: isOld ? try number(18, 2) : Int(Int32(truncatingIfNeeded: try number(18, 4))),
        height: abs(height), isTopDown: height < 0, bits: bits, compression: isOld ? 0 : try number(30, 4),
        end: 14 + size, colorSize: isOld ? 3 : 4, colors: colors > 0 ? colors : 1 << min(bits, 8))
    }

    /// The file says where its pixels start.
    private func start(_ header: Header) throws(ZooError) -> Int {
      let stated = try number(10, 4)
      guard stated == 0 else { return stated }
      return header.end + (header.bits <= 8 ? header.colors * header.colorSize : 0)
    }

    private func palette(_ header: Header) throws(ZooError) -> Palette {
      var palette = Palette()
      let start = try start(header)
      for index in 0..<min(header.colors, 256) {
        let place = header.end + index * header.colorSize
        guard place + 3 <= min(start, bytes.count) else { break }
        palette[index] = (bytes[place + 2], bytes[place + 1], bytes[place])
      }
      return palette
    }

    /// Which bits of a pixel are red, green and blue.
    private func masks(_ header: Header) throws(ZooError) -> [UInt32] {
      switch header.compression {
      case Compression.none:
        return header.bits == 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff_0000, 0xff00, 0xff]
      case Compression.masks, Compression.masksWithAlpha:
        // In the header itself, or after one of 40 bytes: the same place.
        guard header.end >= 54 else { break }
        var masks: [UInt32] = []
        for place in [54, 58, 62] { masks.append(UInt32(truncatingIfNeeded: try number(place, 4))) }
        return masks == [0, 0, 0] ? [0xff_0000, 0xff00, 0xff] : masks
      default: break
      }
      throw ZooError(
        .unsupported, "image", at: location,
        "a BMP of \(header.bits) bits a pixel with compression \(header.compression)")
    }

    /// One of the colours in a pixel of 16 to 32 bits.
    private struct Channel {
      let mask: UInt32
      let shift: UInt32
      let largest: UInt32

      init(mask: UInt32) {
        self.mask = mask
        shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount)
        largest = mask >> shift
      }

      func value(of pixel: UInt32) -> UInt8 {
        guard largest > 0 else { return 0 }
        return UInt8(truncatingIfNeeded: UInt64((pixel & mask) >> shift) * 255 / UInt64(largest))
      }
    }

    /// Values of each pixel, from rows that end on a multiple of four bytes.
    private func rows(
      _ header: Header, values: Int,
      pixel: (_ row: UnsafeRawBufferPointer, _ x: Int, _ target: UnsafeMutablePointer<UInt8>) -> Void
    ) throws(ZooError) -> [UInt8] {
      let start = try start(header)
      let used = (header.width * header.bits + 7) / 8
      let length = (header.width * header.bits + 31) / 32 * 4
      let (last, overflow) = length.multipliedReportingOverflow(by: header.height - 1)
      // The last row may lack what fills it up.
      guard !overflow, start <= bytes.count, used <= bytes.count - start, last <= bytes.count - start - used
      else { throw malformed("it ends before its last row") }
      let count = header.width * header.height * values
      return [UInt8](unsafeUninitializedCapacity: count) { target, filled in
        guard var place = target.baseAddress else { return }
        for row in 0..<header.height {
          let from = start + row * length
          let row = UnsafeRawBufferPointer(rebasing: bytes[from..<from + used])
          for x in 0..<header.width {
            pixel(row, x, place)
            place += values
          }
        }
        filled = count
      }
    }

    /// Run-length encoded colour numbers. What the runs skip is number 0.
    private func runs(_ header: Header) throws(ZooError) -> [UInt8] {
      let (width, count) = (header.width, header.width * header.height)
      let isNarrow = header.bits == 4
      var indices: [UInt8] = []
      indices.reserveCapacity(count)
      var place = try start(header)
      func next() throws(ZooError) -> UInt8 {
        guard place < bytes.count else { throw malformed("its runs end early") }
        defer { place += 1 }
        return bytes[place]
      }
      /// The pixels of a byte, the `index`th of a run.
      func value(_ byte: UInt8, _ index: Int) -> UInt8 {
        isNarrow ? (index % 2 == 0 ? byte >> 4 : byte & 15) : byte
      }
      var x = 0
      while indices.count < count {
        let (length, byte) = (Int(try next()), try next())
        switch (length, byte) {
        case (1..., _):
          let fitting = min(length, max(0, width - x), count - indices.count)
          for index in 0..<fitting { indices.append(value(byte, index)) }
          x += fitting
        case (_, 0):
          let left = (width - indices.count % width) % width
          indices.append(contentsOf: repeatElement(0, count: left))
          x = 0
        case (_, 1):
          indices.append(contentsOf: repeatElement(0, count: count - indices.count))
        case (_, 2):
          let (right, up) = (Int(try next()), Int(try next()))
          indices.append(contentsOf: repeatElement(0, count: min(count - indices.count, right + up * width)))
          x = indices.count % width
        default:
          let stored = min(Int(byte), count - indices.count)
          var last: UInt8 = 0
          for index in 0..<stored {
            if !isNarrow || index % 2 == 0 { last = try next() }
            indices.append(value(last, index))
          }
          x += Int(byte)
          if place % 2 != 0 { place += 1 }
        }
      }
      return indices
    }

    /// A little-endian number.
    private func number(_ offset: Int, _ size: Int) throws(ZooError) -> Int {
      guard offset + size <= bytes.count else { throw malformed("its header ends early") }
      return (0..<size).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
    }

    private func malformed(_ why: String) -> ZooError { ZooError(.malformed, "image", at: location, why) }
  }
#endif
