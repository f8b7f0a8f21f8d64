import Testing
import ZooImageFiles
import ZooImages
import ZooSystem

@Suite struct HostileImageTests {
  @Test func absent() {
    #expect {
      try Image(path: fixtures + "/absent.png")
    } throws: { ($0 as? ZooError)?.code == .cannotOpen }
    #expect {
      try Image(path: fixtures)
    } throws: { ($0 as? ZooError)?.code == .cannotOpen }
  }

  @Test func empty() {
    #expect(failure([])?.why == "the file is empty")
  }

  @Test func notAnImage() {
    #expect(failure(Array("a text, say".utf8))?.code == .unsupported)
    #expect(failure([0xFF])?.code == .unsupported)
  }

  @Test(
    arguments: [
      ("\0\0\0\u{18}ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
      ("\0\0\0\u{20}ftypavif\0\0\0\0", "an AVIF picture"),
      ("\0\0\0\u{c}jP  \r\n", "a JPEG 2000 picture"), ("\0\0\0\u{c}JXL \r\n", "a JPEG XL picture"),
      ("P6\n2 2\n255\n............", "a PBM, PGM or PPM picture"), ("\0\0\u{1}\0\u{1}\0", "an ICO picture"),
      ("8BPS\0\u{1}", "a PSD picture"), ("<!DOCTYPE html><html></html>", "a web page, not a picture"),
      ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
      ("<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "an SVG drawing"), ("%PDF-1.7\n", "a PDF document"),
    ]) func whatIsNotReadIsNamed(_ text: String, name: String)
  {
    let error = failure(Array(text.utf8))
    #expect(error?.code == .unsupported && error?.remedy != nil)
    #expect(error?.why.hasPrefix("it is \(name)") == true, "\(error?.why ?? "")")
  }

  @Test(arguments: ["baseline420.jpg", "progressive420.jpg", "gray.jpg", "rgb.png", "palette.png"])
  func truncated(_ name: String) throws {
    let whole = try contents(fixtures + "/" + name)
    for count in stride(from: 12, to: whole.count, by: 37) + [whole.count - 2, whole.count - 1] {
      let error = failure(Array(whole.prefix(count)))
      #expect(error?.code == .malformed, "\(count) of \(whole.count) bytes")
      #expect(error?.why.isEmpty == false)
    }
  }

  /// A file that lacks its last bytes is refused, or they say nothing of its pixels.
  @Test(arguments: samples) func truncatedElsewhere(_ name: String) throws {
    let whole = try contents(fixtures + "/" + name)
    let image = try decode(whole)
    for count in Array(stride(from: 18, to: whole.count, by: 17)) + [whole.count - 2, whole.count - 1] {
      if let error = failure(Array(whole.prefix(count))) {
        #expect(error.code == .malformed && !error.why.isEmpty, "\(count) of \(whole.count) bytes: \(error)")
      } else {
        #expect(count > whole.count * 3 / 4)
        #expect(try decode(Array(whole.prefix(count))) == image)
      }
    }
  }

  /// Each byte in turn is another: an error of the library's own, or a picture that has all its pixels.
  @Test(arguments: samples) func damaged(_ name: String) throws {
    let whole = try contents(fixtures + "/" + name)
    for index in whole.indices {
      for change in [0xFF, 0x01] as [UInt8] {
        var damaged = whole
        damaged[index] ^= change
        let error = failure(damaged, limits: ImageLimits(pixels: 1 << 20), upright: true)
        #expect(error == nil || [.malformed, .unsupported].contains(error?.code), "byte \(index)")
      }
    }
  }

  /// Sides of 65535 pixels and more, which hold more than the limit.
  @Test func hugeElsewhere() throws {
    var gif = try contents(fixtures + "/palette.gif")
    gif.replaceSubrange(6..<10, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(failure(gif)?.code == .unsupported)
    var bmp = try contents(fixtures + "/rgb.bmp")
    bmp.replaceSubrange(18..<26, with: [0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F])
    #expect(failure(bmp)?.code == .unsupported)
    bmp.replaceSubrange(18..<26, with: [0, 0x20, 0, 0, 0, 0x20, 0, 0])
    #expect(failure(bmp)?.code == .malformed)
    bmp.replaceSubrange(18..<26, with: [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(failure(bmp)?.code == .malformed)
    // The canvas of an extended file: 24 bits each for width and height less one.
    var webp = try contents(fixtures + "/animated.webp")
    webp.replaceSubrange(24..<30, with: [0xFF, 0xFF, 0, 0xFF, 0x7F, 0])
    #expect(failure(webp)?.code == .unsupported)
    // Tags 256 and 257 come first in the directory at byte 8.
    var tiff = try contents(fixtures + "/rgb16.tiff")
    for entry in [10, 22] { tiff.replaceSubrange(entry + 8..<entry + 12, with: [0xFF, 0xFF, 0, 0]) }
    #expect(failure(tiff)?.code == .unsupported)
  }

  /// A directory that lists one strip of the thousands that the height needs.
  @Test func missingStrips() throws {
    var tiff = try contents(fixtures + "/planar.tiff")
    #expect(failure(tiff) == nil)
    tiff.replaceSubrange(30..<34, with: [0xFF, 0x7F, 0, 0])
    #expect(failure(tiff)?.code == .malformed)
  }

  private static let samples = [
    "lossy.webp", "lossless-alpha.webp", "animated.webp", "palette.gif", "part-transparent.gif", "gray.bmp",
    "runs8.bmp", "runs4.bmp", "v5.bmp", "lzw.tiff", "jpeg.tiff", "tiled.tiff", "planar.tiff", "palette4.tiff",
    "ycbcr.tiff", "oriented/6.jpg", "oriented/6.png", "oriented/6.tiff", "oriented/6.webp",
  ]

  @Test func bytesAfterTheImageAreIgnored() throws {
    for name in ["baseline420.jpg", "rgb.png", "lossy.webp", "palette.gif", "rgb.bmp", "lzw.tiff"] {
      let whole = try contents(fixtures + "/" + name)
      #expect(try decode(whole + [1, 2, 3]) == decode(whole))
    }
  }

  @Test func extraneousBytesInsideAreHarmless() throws {
    let whole = try contents(fixtures + "/baseline420.jpg")
    // Just before the end-of-image marker.
    let padded = whole.dropLast(2) + [0x11, 0x22, 0x33] + whole.suffix(2)
    #expect(try decode(Array(padded)) == decode(whole))
    #expect(failure(Array(padded.dropLast(2)))?.code == .malformed)
  }

  @Test func damagedData() throws {
    var png = try contents(fixtures + "/rgb.png")
    png[png.count / 2] ^= 0x55
    #expect(failure(png)?.code == .malformed)
    var jpeg = try contents(fixtures + "/baseline444.jpg")
    for index in jpeg.count / 2..<jpeg.count / 2 + 40 { jpeg[index] = 0xFF }
    #expect(failure(jpeg)?.code == .malformed)
  }

  @Test func hugeSizes() throws {
    var png = try contents(fixtures + "/rgb.png")
    png.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
    #expect(failure(png)?.code == .unsupported)
    png.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(failure(png)?.code == .malformed)

    var jpeg = try contents(fixtures + "/baseline420.jpg")
    let frame = try #require((0..<jpeg.count - 1).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(failure(jpeg)?.code == .unsupported)
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
    #expect(failure(jpeg)?.code == .unsupported)
  }

  @Test func limits() throws {
    let png = try contents(fixtures + "/rgb.png")
    #expect(failure(png, limits: ImageLimits(pixels: 37 * 53)) == nil)
    #expect(failure(png, limits: ImageLimits(pixels: 37 * 53 - 1))?.code == .unsupported)
    #expect(failure(png, limits: ImageLimits(fileBytes: png.count - 1))?.code == .unsupported)
  }

  @Test func chunksThatLie() throws {
    var png = try contents(fixtures + "/rgb.png")
    png[36] = 0xFF  // the length of the chunk after IHDR
    png[33] = 0xFF
    #expect(failure(png)?.code == .malformed)
    #expect(failure(Array(png.prefix(8)))?.why == "it ends before its IEND chunk")
  }
}
