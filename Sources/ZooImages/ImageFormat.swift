import ZooSystem

/// The kinds of image file that are known by their first bytes.
package enum ImageFormat: String, Sendable, CaseIterable {
  case jpeg = "JPEG"
  case png = "PNG"
  case webp = "WebP"
  case gif = "GIF"
  case bmp = "BMP"
  case tiff = "TIFF"
  case heic = "HEIC"
  case avif = "AVIF"
  case jpeg2000 = "JPEG 2000"
  case jpegXL = "JPEG XL"
  case netpbm = "PBM, PGM or PPM"
  case icon = "ICO"
  case photoshop = "PSD"

  /// The formats that are decoded on every system, for a sentence.
  package static let read = "JPEG, PNG, WebP, GIF, BMP and TIFF"

  /// How many bytes of a file are enough to tell the formats apart.
  package static let longestSignature = 18

  /// Whether this system decodes the format.
  package var isRead: Bool {
    switch self {
    case .jpeg, .png, .webp, .gif, .bmp, .tiff: return true
    case .heic, .avif, .jpeg2000, .icon, .photoshop:
      #if canImport(ImageIO)
        return true
      #else
        return false
      #endif
    case .jpegXL, .netpbm: return false
    }
  }

  /// With its article: `a HEIC picture`.
  package var name: String { ("AI".contains(rawValue.prefix(1)) ? "an " : "a ") + rawValue + " picture" }

  /// The format that a file's first bytes announce, if it is one of these.
  package init?(recognising bytes: UnsafeRawBufferPointer) {
    func has(_ text: String, at offset: Int = 0) -> Bool {
      bytes.count >= offset + text.utf8.count && bytes.dropFirst(offset).starts(with: text.utf8)
    }
    func starts(_ signature: [UInt8]) -> Bool { bytes.starts(with: signature) }
    if FileSignature.jpeg.isStart(of: bytes) {
      self = .jpeg
    } else if FileSignature.png.isStart(of: bytes) {
      self = .png
    } else if has("RIFF"), has("WEBP", at: 8) {
      self = .webp
    } else if has("GIF87a") || has("GIF89a") {
      self = .gif
    } else if has("BM"), bytes.count >= 18, BMPHeaderSize.known.contains(bytes[14]),
      bytes[15...17].allSatisfy({ $0 == 0 })
    {
      self = .bmp
    } else if has("II*\0") || has("MM\0*") || has("II+\0") || has("MM\0+") {
      self = .tiff
    } else if has("ftyp", at: 4), ["avif", "avis"].contains(where: { has($0, at: 8) }) {
      self = .avif
    } else if has("ftyp", at: 4),
      ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"].contains(where: { has($0, at: 8) })
    {
      self = .heic
    } else if has("jP  \r\n", at: 4) || starts([0xff, 0x4f, 0xff, 0x51]) {
      self = .jpeg2000
    } else if has("JXL \r\n", at: 4) || starts([0xff, 0x0a]) {
      self = .jpegXL
    } else if bytes.count > 2, bytes[0] == UInt8(ascii: "P"), (0x31...0x36).contains(bytes[1]),
      [0x0a, 0x0d, 0x20].contains(bytes[2])
    {
      self = .netpbm
    } else if starts([0, 0, 1, 0]) {
      self = .icon
    } else if has("8BPS") {
      self = .photoshop
    } else {
      return nil
    }
  }

  /// What a file is that is often found in a picture's place; nil where that is unknown.
  package static func otherKind(_ bytes: UnsafeRawBufferPointer) -> (name: String, remedy: String)? {
    let text = String(decoding: bytes.prefix(256), as: UTF8.self).drop(while: \.isWhitespace).lowercased()
    if text.hasPrefix("version https://git-lfs.github.com/spec/") {
      return ("a Git LFS pointer, not the picture itself", "Run `git lfs pull` in its repository.")
    }
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
      return ("a web page, not a picture", "Download the picture again; the address may need a login.")
    }
    if text.hasPrefix("<svg") || text.hasPrefix("<?xml") && text.contains("<svg") {
      return ("an SVG drawing, which has no pixels", "Draw it as a PNG file first.")
    }
    if text.hasPrefix("%pdf-") { return ("a PDF document", "Save its page as a PNG file first.") }
    return nil
  }
}

/// The sizes of the headers by which BMP files differ.
package enum BMPHeaderSize {
  package static let known: [UInt8] = [12, 40, 52, 56, 64, 108, 124]
}
