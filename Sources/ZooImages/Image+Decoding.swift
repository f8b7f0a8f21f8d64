import ZooSystem

/// What turns the bytes of an image file into pixels.
package protocol ImageDecoder {
  /// Decodes `bytes`, which are not empty, to the values that the file stores: the orientation is not applied.
  /// - Parameters:
  ///   - format: what the first bytes announce.
  ///   - location: what errors name.
  ///   - spare: memory for the pixels; a decoder may do without.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, format: ImageFormat, location: String, limits: ImageLimits,
    spare: SparePixels
  ) throws(ZooError) -> Image

  /// How the picture lies in the file.
  static func orientation(of bytes: UnsafeRawBufferPointer, format: ImageFormat) -> Orientation
}

extension ImageDecoder {
  package static func orientation(of bytes: UnsafeRawBufferPointer, format: ImageFormat) -> Orientation {
    Orientation(of: bytes, format: format)
  }
}

extension Image {
  /// Decodes the image file at `path`, recognised by its content, to 8-bit RGB.
  ///
  /// The values are those of Pillow's `Image.open(path).convert("RGB")`: grey values, palettes and CMYK are
  /// converted, alpha is dropped and not composited, and neither colour profiles nor gamma are applied. Values of
  /// 16 bits keep their high byte. Of several frames or pages the first is decoded. The orientation is applied where
  /// `upright` says so and, as in Pillow, always to TIFF files.
  package init(
    path: String, limits: ImageLimits, upright: Bool, by decoder: (some ImageDecoder).Type
  ) throws(ZooError) {
    let file: MappedFile
    do {
      file = try MappedFile(path: path)
    } catch {
      throw ZooError(.cannotOpen, "image", at: path, error.why)
    }
    defer { withExtendedLifetime(file) {} }
    try self.init(decoding: file.bytes, from: path, limits: limits, upright: upright, by: decoder)
  }

  /// Decodes the bytes of an image file; `location` is what errors name.
  package init(
    decoding bytes: UnsafeRawBufferPointer, from location: String, limits: ImageLimits, upright: Bool,
    spare: SparePixels = SparePixels(), by decoder: (some ImageDecoder).Type
  ) throws(ZooError) {
    guard !bytes.isEmpty else { throw ZooError(.malformed, "image", at: location, "the file is empty") }
    guard bytes.count <= limits.fileBytes else {
      throw ZooError(
        .unsupported, "image", at: location, "a file of \(bytes.count) bytes, more than \(limits.fileBytes)",
        remedy: ReadingLimits.remedy("image"))
    }
    guard let format = ImageFormat(recognising: bytes) else {
      if let (name, remedy) = ImageFormat.otherKind(bytes) {
        throw ZooError(.unsupported, "image", at: location, "it is \(name)", remedy: remedy)
      }
      throw ZooError(.unsupported, "image", at: location, "it is none of \(ImageFormat.read)")
    }
    guard format.isRead else {
      throw ZooError(
        .unsupported, "image", at: location, "it is \(format.name); \(ImageFormat.read) are read",
        remedy: "Convert it to one of these first.")
    }
    let image = try decoder.decode(bytes, format: format, location: location, limits: limits, spare: spare)
    let isTurned = upright || format == .tiff
    self = isTurned ? image.uprighted(from: decoder.orientation(of: bytes, format: format)) : image
  }
}
