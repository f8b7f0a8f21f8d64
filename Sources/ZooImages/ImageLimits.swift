import ZooSystem

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

extension Image {
  /// Checks the sides that a file declares before anything is allocated for them.
  package static func check(
    width: Int, height: Int, limits: ImageLimits, location: String
  ) throws(ZooError) {
    guard width > 0, height > 0 else {
      throw ZooError(.malformed, "image", at: location, "it declares \(width)x\(height) pixels")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= min(limits.pixels, 1 << 40) else {
      throw ZooError(
        .unsupported, "image", at: location,
        "it declares \(width)x\(height) pixels, more than \(limits.pixels)",
        remedy: ReadingLimits.remedy("pixels"))
    }
  }
}
