import Foundation
import Testing

/// Pictures and reports as files: `zoo inspect --graph`, `zoo convert --report`, `zoo explain`.
@Suite("pictures and reports")
struct ReportCommandTests {
  private static let digits = ConvertTests.digits
  private static let seven = ZooCommand.fixture("digits/pictures/seven.jpg")

  private func text(_ zoo: ZooCommand, _ name: String) throws -> String {
    try String(contentsOfFile: zoo.path(name), encoding: .utf8)
  }

  @Test func graphsAreWrittenWholeAndNotReplaced() throws {
    try withCommand { zoo in
      for name in ["m.svg", "m.html"] {
        let first = try zoo("inspect", Self.digits, "--graph", name)
        #expect(first.status == 0 && first.output.contains("architecture"), "\(first.errors)")
        let again = try zoo("inspect", Self.digits, "--graph", name)
        #expect(again.status == 73 && again.errors.contains(name), "\(again.errors)")
        #expect(try zoo("inspect", Self.digits, "--graph", name, "--force").status == 0)
      }
      #expect(try zoo.contents() == ["m.html", "m.svg"])
      let page = try text(zoo, "m.html")
      #expect(page.contains("conv_pw_13_relu") && page.contains("default-src 'none'"))
      #expect(try text(zoo, "m.svg").contains("conv_pw_13_relu"))
      let other = try zoo("inspect", Self.digits, "--graph", "m.png")
      #expect(other.status == 64 && other.errors.contains("ends in .html or .svg"), "\(other.errors)")
      // What is no network has no picture.
      let tensors = try zoo("inspect", ZooCommand.fixture("models/mobilenet.io.npz"), "--graph", "x.svg")
      #expect(tensors.status == 65 && !zoo.exists("x.svg"), "\(tensors.errors)")
    }
  }

  @Test func conversionsAreReportedAsAPage() throws {
    try withCommand { zoo in
      let done = try zoo(
        "convert", Self.digits, "-o", "m.zoo", "--report", "r.html", "--preprocessing", "tf", "--dtype", "f16"
      )
      #expect(done.status == 0, "\(done.errors)")
      let page = try text(zoo, "r.html")
      for part in [
        "conv_pw_13/kernel", "fast engine against reference engine", "Batch norms", "class=\"spark\"",
      ] {
        #expect(page.contains(part), "\(part)")
      }
      let dry = try zoo("convert", Self.digits, "--dry-run", "--report", "dry.html", "--no-verify", "--quiet")
      #expect(dry.status == 0, "\(dry.errors)")
      #expect(try text(zoo, "dry.html").contains("none: a dry run"))
      let again = try zoo("convert", Self.digits, "-o", "n.zoo", "--report", "r.html")
      #expect(again.status == 73 && !zoo.exists("n.zoo"))
      // Other endings are JSON, as ever.
      #expect(try zoo("convert", Self.digits, "-o", "o.zoo", "--report", "r.json", "--quiet").status == 0)
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: zoo.path("r.json"))))
      #expect((json as? [String: Any])?["seconds"] == nil)
    }
  }

  @Test func explanationsAreTextJSONAndPictures() throws {
    try withCommand { zoo in
      let model = ZooCommand.fixture("heads/logits.keras")
      let text = try zoo("explain", model, Self.seven)
      #expect(text.status == 0 && text.output.split(separator: "\n").count == 1, "\(text.errors)")
      #expect(text.output.contains("exact class activation map of conv2d"), "\(text.output)")
      let object = try #require(
        zoo("explain", model, Self.seven, "--json", "-o", "a.png", "--class", "2").json() as? [[String: Any]])
      #expect(object[0]["class"] as? Int == 2 && object[0]["method"] as? String == "class-activation")
      let map = try #require(object[0]["map"] as? [String: Any])
      #expect((map["values"] as? [[Double]])?.map(\.count) == [4, 4, 4, 4, 4] && zoo.exists("a.png"))
      let png = try Data(contentsOf: URL(fileURLWithPath: zoo.path("a.png")))
      #expect(png.prefix(4) == Data([0x89, 0x50, 0x4e, 0x47]))
      #expect(try zoo("explain", model, Self.seven, "-o", "a.png").status == 73)
      // Several images go to a folder.
      let many = try zoo(
        "explain", model, Self.seven, ZooCommand.fixture("digits/pictures/two.png"), "-o", "b")
      #expect(many.status == 64 && many.errors.contains("a folder"), "\(many.errors)")
      try FileManager.default.createDirectory(atPath: zoo.path("b"), withIntermediateDirectories: true)
      let folder = try zoo(
        "explain", model, Self.seven, ZooCommand.fixture("digits/pictures/two.png"), "-o", "b")
      #expect(folder.status == 0 && zoo.exists("b/seven.cam.png") && zoo.exists("b/two.cam.png"))
      let none = try zoo("explain", model, Self.seven, "--class", "owl")
      #expect(none.status == 64 && none.errors.contains("'owl' is none of its 3 classes"), "\(none.errors)")
      #expect(try zoo("explain", model, Self.seven, "--layer", "owl").status == 64)
      let broken = try zoo("explain", model, Self.digits, Self.seven)
      #expect(broken.status == 65 && broken.output.contains("seven.jpg"), "\(broken.errors)")
    }
  }

  @Test func terminalsShowPicturesAndBars() throws {
    try withCommand { zoo in
      let shown = try zoo.inTerminal(columns: 80, ["explain", Self.digits, Self.seven])
      #expect(shown.status == 0 && shown.output.contains("\u{1b}[38;2;") && shown.output.contains("▀"))
      // Where lines are broken depends on the path.
      let words = shown.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(words.contains("occlusion by grey patches"))
      let plain = try zoo.inTerminal(
        columns: 80, ["explain", Self.digits, Self.seven], environment: ["NO_COLOR": "1"])
      #expect(!plain.output.contains("▀") && plain.output.contains("occlusion"))
      let bars = try zoo.inTerminal(columns: 80, ["predict", Self.digits, Self.seven])
      #expect(bars.status == 0 && bars.output.contains("%  ██"))
      let narrow = try zoo.inTerminal(columns: 50, ["predict", Self.digits, Self.seven])
      #expect(!narrow.output.contains("█"))
      #expect(try !zoo("predict", Self.digits, Self.seven).output.contains("█"))
    }
  }
}
