import ZooImages
import ZooSystem
import ZooTensor

/// A decoded picture: RGB, 8 bits a channel.
public struct Picture: Sendable, Equatable {
  package let image: Image

  package init(image: Image) { self.image = image }

  /// In pixels.
  public var width: Int { image.width }
  /// In pixels.
  public var height: Int { image.height }
  /// Red, green, blue of each pixel, row by row from the top; `width * height * 3` values.
  public var pixels: [UInt8] { image.pixels }
}

// MARK: From pixels in memory

extension Picture {
  /// What the bytes of a pixel are, in their order in memory. Alpha, and the byte in its place, is not read.
  public enum PixelFormat: Sendable, CaseIterable {
    /// Red, green, blue.
    case rgb
    /// Blue, green, red.
    case bgr
    /// Red, green, blue, alpha: Core Graphics' `noneSkipLast` and `premultipliedLast`.
    case rgba
    /// Blue, green, red, alpha: Core Video's `kCVPixelFormatType_32BGRA`.
    case bgra
    /// Alpha, red, green, blue.
    case argb
    /// One value for all three.
    case grey

    /// Bytes of a pixel, and where in them red, green and blue are.
    fileprivate var layout: (size: Int, red: Int, green: Int, blue: Int) {
      switch self {
      case .rgb: (3, 0, 1, 2)
      case .bgr: (3, 2, 1, 0)
      case .rgba: (4, 0, 1, 2)
      case .bgra: (4, 2, 1, 0)
      case .argb: (4, 1, 2, 3)
      case .grey: (1, 0, 0, 0)
      }
    }
  }

  /// A picture from pixels in memory.
  ///
  /// - Parameters:
  ///   - width: in pixels.
  ///   - height: in pixels.
  ///   - rgb: red, green, blue of each pixel, row by row; `width * height * 3` values.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where the number of values does not fit.
  public init(width: Int, height: Int, rgb: [UInt8]) throws(ZooError) {
    guard width > 0, height > 0, Shape(checking: [height, width, 3])?.elementCount == rgb.count else {
      throw ZooError(
        .invalidArgument, what: "malformed picture", at: "memory",
        "\(rgb.count) values for \(width)x\(height) pixels of 3")
    }
    image = Image(width: width, height: height, pixels: rgb)
  }

  /// A picture from pixels in memory, which are copied.
  ///
  /// - Parameters:
  ///   - width: in pixels.
  ///   - height: in pixels.
  ///   - bytes: the rows from the top; what follows the last pixel is not read.
  ///   - format: the bytes of a pixel.
  ///   - rowStride: bytes from the start of a row to that of the next, where rows are filled up (Core Graphics'
  ///     `bytesPerRow`); by default they are not.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where there are too few bytes or a row is
  ///   longer than `rowStride`.
  public init(
    width: Int, height: Int, bytes: UnsafeRawBufferPointer, format: PixelFormat, rowStride: Int? = nil
  ) throws(ZooError) {
    let layout = format.layout
    func malformed(_ why: String) -> ZooError {
      ZooError(.invalidArgument, what: "malformed picture", at: "memory", why)
    }
    // A shape has no more elements than an integer counts.
    guard width > 0, height > 0, let row = Shape(checking: [width, layout.size])?.elementCount,
      Shape(checking: [height, width, 4]) != nil
    else { throw malformed("\(width)x\(height) pixels") }
    let stride = rowStride ?? row
    let (last, overflow) = stride.multipliedReportingOverflow(by: height - 1)
    guard stride >= row else { throw malformed("a row of \(row) bytes, and \(stride) to the next") }
    guard !overflow, row <= bytes.count, last <= bytes.count - row else {
      throw malformed(
        "\(bytes.count) bytes for \(width)x\(height) pixels of \(layout.size), rows \(stride) bytes apart")
    }
    let count = width * height * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      var to = 0
      for y in 0..<height {
        for x in 0..<width {
          let from = y * stride + x * layout.size
          target[to] = bytes[from + layout.red]
          target[to + 1] = bytes[from + layout.green]
          target[to + 2] = bytes[from + layout.blue]
          to += 3
        }
      }
      filled = count
    }
    image = Image(width: width, height: height, pixels: pixels)
  }

  /// A picture from pixels in an array, as ``init(width:height:bytes:format:rowStride:)`` makes it.
  ///
  /// - Parameters:
  ///   - width: in pixels.
  ///   - height: in pixels.
  ///   - bytes: the rows from the top.
  ///   - format: the bytes of a pixel.
  ///   - rowStride: bytes from the start of a row to that of the next.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where there are too few bytes or a row is
  ///   longer than `rowStride`.
  public init(
    width: Int, height: Int, bytes: [UInt8], format: PixelFormat, rowStride: Int? = nil
  ) throws(ZooError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(ZooError) in
        try Picture(width: width, height: height, bytes: bytes, format: format, rowStride: rowStride)
      }
    }
    self = try result.get()
  }

  /// The picture that `decode` makes of the bytes of a file.
  package static func decoded(
    _ bytes: some Collection<UInt8>, by decode: (UnsafeRawBufferPointer) throws(ZooError) -> Image
  ) throws(ZooError) -> Picture {
    let contiguous: Result<Image, ZooError>? = bytes.withContiguousStorageIfAvailable { storage in
      Result { () throws(ZooError) in try decode(UnsafeRawBufferPointer(storage)) }
    }
    if let contiguous { return Picture(image: try contiguous.get()) }
    let result = Array(bytes).withUnsafeBytes { copied in
      Result { () throws(ZooError) in try decode(copied) }
    }
    return Picture(image: try result.get())
  }
}

// MARK: Other sizes

extension Picture {
  /// The picture at another size, bit for bit as Pillow's `Image.resize` computes it.
  ///
  /// - Parameters:
  ///   - width: in pixels, up to 65536.
  ///   - height: in pixels, up to 65536.
  ///   - resampling: how pixels are computed.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where a side is none.
  public func resized(
    width: Int, height: Int, resampling: Resampling = .bilinear
  ) throws(ZooError) -> Picture {
    try fitted(width: width, height: height, PictureFitting(resampling: resampling))
  }

  /// The picture at the size that a network takes, cropped and resized as `fitting` says. A ``Classifier`` and a
  /// ``Backbone`` do this themselves.
  ///
  /// - Parameters:
  ///   - width: in pixels, up to 65536.
  ///   - height: in pixels, up to 65536.
  ///   - fitting: what to crop, and how to resize.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where a side is none or the crop makes no
  ///   sense.
  public func fitted(
    width: Int, height: Int, _ fitting: PictureFitting
  ) throws(ZooError) -> Picture {
    Picture(image: try image.fitted(height: height, width: width, fitting))
  }

  /// A part of the picture.
  ///
  /// - Parameters:
  ///   - x: the columns, from the left.
  ///   - y: the rows, from the top.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where the part is empty or not inside.
  public func cropped(x: Range<Int>, y: Range<Int>) throws(ZooError) -> Picture {
    guard !x.isEmpty, !y.isEmpty, x.lowerBound >= 0, y.lowerBound >= 0, x.upperBound <= width,
      y.upperBound <= height
    else {
      throw ZooError(
        .invalidArgument, what: "no such part", at: "a picture of \(width)x\(height) pixels",
        "columns \(x) and rows \(y)")
    }
    return Picture(image: image.cropped(x: x, y: y))
  }
}
