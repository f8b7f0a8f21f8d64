import ZooSystem
import ZooTensor

/// A picture in memory: 8-bit RGB, row-major, no padding between rows.
package struct Image: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// R, G, B of each pixel, the top row first; `width * height * 3` values.
  package let pixels: [UInt8]

  /// - Precondition: both sides are positive and `pixels` has three values per pixel.
  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "an image's size and pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

/// How large an image file and the picture in it may be.
package struct ImageLimits: Sendable {
  /// The most pixels, width times height.
  package var pixels: Int
  /// The most bytes of the file.
  package var fileBytes: Int

  /// What is not given is as ``ReadingLimits`` has it.
  package init(
    pixels: Int = ReadingLimits.current.pixels, fileBytes: Int = ReadingLimits.current.image
  ) {
    self.pixels = pixels
    self.fileBytes = fileBytes
  }
}

/// The kinds of image file that can be read.
package enum ImageFormat: Sendable {
  case jpeg, png

  /// The format that a file's first bytes announce, if it is one of these.
  package init?(recognising bytes: UnsafeRawBufferPointer) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: PNGFile.signature) {
      self = .png
    } else {
      return nil
    }
  }
}

extension Image {
  /// Decodes the JPEG or PNG file at `path`, recognised by its content, to 8-bit RGB.
  ///
  /// The values are those of Pillow's `Image.open(path).convert("RGB")`: grey values, palettes and CMYK
  /// are converted, alpha is dropped and not composited, and neither colour profiles, gamma nor the
  /// orientation tag are applied. Values of 16 bits keep their high byte.
  package init(path: String, limits: ImageLimits = ImageLimits()) throws(ZooError) {
    let file: MappedFile
    do {
      file = try MappedFile(path: path)
    } catch {
      throw ZooError(.cannotOpen, "image", at: path, error.why)
    }
    defer { withExtendedLifetime(file) {} }
    try self.init(decoding: file.bytes, from: path, limits: limits)
  }

  /// Decodes the bytes of a JPEG or PNG file; `location` is what errors name.
  package init(
    decoding bytes: UnsafeRawBufferPointer, from location: String, limits: ImageLimits = ImageLimits()
  ) throws(ZooError) {
    guard !bytes.isEmpty else { throw ZooError(.malformed, "image", at: location, "the file is empty") }
    guard bytes.count <= limits.fileBytes else {
      throw ZooError(
        .unsupported, "image", at: location, "a file of \(bytes.count) bytes, more than \(limits.fileBytes)")
    }
    switch ImageFormat(recognising: bytes) {
    case .jpeg: self = try JPEGFile(bytes: bytes, location: location).decoded(limits)
    case .png: self = try PNGFile(bytes: bytes, location: location).decoded(limits)
    case nil: throw ZooError(.unsupported, "image", at: location, "neither a JPEG nor a PNG file")
    }
  }

  /// Checks the sides that a file declares before anything is allocated for them.
  static func check(
    width: Int, height: Int, limits: ImageLimits, location: String
  ) throws(ZooError) {
    guard width > 0, height > 0 else {
      throw ZooError(.malformed, "image", at: location, "it declares \(width)x\(height) pixels")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= min(limits.pixels, 1 << 40) else {
      throw ZooError(
        .unsupported, "image", at: location,
        "it declares \(width)x\(height) pixels, more than \(limits.pixels)")
    }
  }
}
