import Testing
import ZooImageFiles
import ZooImages

import ZooReports

/// What files' authors decide never becomes markup.
@Suite("HTML")
struct HTMLTests {
  static let hostile = "<script>alert(1)</script>\" onclick='x' &amp; \u{0}\u{1b}[31m\u{202e}gpj\u{2066}"

  @Test func whatIsInterpolatedIsText() {
    let html: HTML = "<b title=\"\(Self.hostile)\">\(Self.hostile)</b>"
    #expect(html.text.components(separatedBy: "<").count == 3)
    #expect(!html.text.contains("onclick='") && !html.text.contains("\" onclick"))
    #expect(!html.text.unicodeScalars.contains { $0.value < 32 || (0x202a...0x202e).contains($0.value) })
    #expect(html.text.contains("[U+202E]gpj[U+2066]") && html.text.contains("\u{2400}\u{241b}[31m"))
    #expect(html.text.contains("&amp;amp;"))
  }

  @Test func markupStaysMarkup() {
    let inner: HTML = "<i>\(1.25) \(-0.004) \(Double.nan) \(3)</i>"
    let outer: HTML = "<p>\(inner)</p>"
    #expect(outer.text == "<p><i>1.25 0 0 3</i></p>")
  }

  @Test func valuesForProgramsEndNoElement() {
    var page = Page(title: Self.hostile, subtitle: "x")
    page.data = [("v", "[\"</script><script>alert(1)</script>\"]")]
    let html = page.html
    #expect(!html.contains("</script><script>alert") && html.contains("\\u003c/script\\u003e"))
    #expect(html.components(separatedBy: "<script").count == 3)
    #expect(html.contains("script-src 'sha256-") && html.contains("default-src 'none'"))
    #expect(!html.contains("http://") && !html.contains("https://"))
  }

  @Test func picturesAreDecodedAsTheyWereEncoded() throws {
    var pixels: [UInt8] = []
    for y in 0..<40 { for x in 0..<60 { pixels += [UInt8(x * 4), UInt8(y * 6), UInt8((x + y) * 2)] } }
    let image = Image(width: 60, height: 40, pixels: pixels)
    let png = try image.png()
    let decoded = try png.withUnsafeBytes { try Image(decoding: $0, from: "memory") }
    #expect(decoded == image)
    let jpeg = try image.jpeg(quality: 95)
    let near = try jpeg.withUnsafeBytes { try Image(decoding: $0, from: "memory") }
    #expect(near.width == 60 && near.height == 40)
    let largest = zip(near.pixels, pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
    #expect(largest < 24)
    #expect(try image.dataURI(within: 30).hasPrefix("data:image/jpeg;base64,/9j/"))
    #expect(try image.dataURI(quality: nil).hasPrefix("data:image/png;base64,iVBOR"))
    let small = image.fitted(within: 30)
    #expect(small.width == 30 && small.height == 20)
  }
}

@Suite("charts")
struct ChartTests {
  @Test func ticksAreRoundAndInside() {
    #expect(Chart.ticks(0...1) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
    #expect(Chart.ticks(0...97).last == 80)
    #expect(Chart.ticks(3...3) == [3])
    #expect(Chart.ticks(0...Double.infinity) == [0])
    #expect(Chart.label(0.25) == "0.25" && Chart.label(1) == "1" && Chart.label(1_234_567) == "1.2e6")
  }

  @Test func chartsSayTheirValuesAsText() {
    let bars = Chart.bars("Errors", [.init("a<b", 0.5, interval: 0.4...0.6, limit: 0.8), .init("c", .nan)])
    #expect(bars.text.contains("aria-label=\"Errors. a&lt;b 0.5, c nan\"") && !bars.text.contains("a<b"))
    #expect(bars.text.contains("class=\"limit\"") && bars.text.contains("class=\"range\""))
    let confusion = Chart.confusion("c", classes: ["x", "y"], counts: [[3, 1], [0, 4]])
    #expect(confusion.text.contains("x taken for y: 1, 25 %"))
    let lines = Chart.lines("l", x: "x", y: "y", [.init("s", [(0, 1), (1, .infinity), (2, 3)])])
    #expect(lines.text.components(separatedBy: "class=\"lines").count == 2 && !lines.text.contains("inf"))
    #expect(Chart.lines("l", x: "x", y: "y", []).text.isEmpty)
    let points = Chart.scatter("m", [.init(x: 0, y: 0, group: 0, label: "p")], groups: ["g"])
    #expect(points.text.contains("g: 1"))
    let right = Chart.reliability(
      "r", [.init(confidence: 0.9, accuracy: 0.8, interval: 0.7...0.9, count: 10)])
    #expect(right.text.contains("of 10 predictions at 0.9, 0.8 were right"))
  }
}
