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
    #expect(failure(Array("GIF89a, say".utf8))?.code == .unsupported)
    #expect(failure([0xFF])?.code == .unsupported)
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

  @Test func bytesAfterTheImageAreIgnored() throws {
    for name in ["baseline420.jpg", "rgb.png"] {
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
