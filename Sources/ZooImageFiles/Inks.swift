#if !canImport(ImageIO)
  extension UInt8 {
    /// What is left of `white` (255 less black) under an ink, as Pillow's conversion of CMYK has it.
    @inline(__always)
    static func withInk(_ ink: UInt8, white: UInt8) -> UInt8 {
      let product = Int(ink) * Int(white) + 128
      return UInt8(clamping: Int(white) - ((product >> 8) + product) >> 8)
    }
  }
#endif
