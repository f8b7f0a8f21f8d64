import Foundation
import Testing
import ZooWeightFiles

/// Which pictures `zoo predict` and `zoo features` read, how they fit them to the network, and what is written.
@Suite("pictures")
struct PictureCommandTests {
  private static let model = ZooCommand.fixture("heads/rescaling.keras")
  private static let pictures = ZooCommand.fixture("digits/pictures")
  private static let seven = pictures + "/seven.jpg"
  private static func image(_ name: String) -> String { ZooCommand.fixture("images/\(name)") }

  /// The first values of a picture's predictions.
  private func values(_ zoo: ZooCommand, _ arguments: String...) throws -> [Double] {
    let result = try zoo.run(["predict", Self.model, "--json"] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    let rows = try #require((result.json() as? [[String: Any]])?.first?["predictions"] as? [[String: Any]])
    return rows.sorted { ($0["class"] as? Int ?? 0) < ($1["class"] as? Int ?? 0) }
      .compactMap { $0["probability"] as? Double }
  }

  @Test func everyFormatAndFolders() throws {
    try withCommand { zoo in
      let names = [
        "lossy.webp", "palette.gif", "rgb.bmp", "lzw.tiff", "rgb16.tiff", "baseline420.jpg", "rgb.png",
      ]
      for name in names {
        try FileManager.default.copyItem(atPath: Self.image(name), toPath: zoo.path(name))
      }
      try Data("\0\0\0\u{18}ftypheic\0\0\0\0mif1heic".utf8)
        .write(to: URL(fileURLWithPath: zoo.path("phone.jpg")))
      let folder = try zoo("predict", Self.model, ".", "--json")
      #expect(folder.status == 0)
      #expect(folder.errors.contains("left out 1 image of formats that are not read: ./phone.jpg (HEIC)"))
      let rows = try #require(folder.json() as? [[String: Any]])
      #expect(rows.compactMap { $0["image"] as? String } == names.sorted().map { "./\($0)" })
      // What is not read is named, and the others are classified.
      let named = try zoo("predict", Self.model, "phone.jpg", "lossy.webp", "--top", "1")
      #expect(named.status == 65 && named.output.contains("lossy.webp\n"))
      #expect(named.errors.contains("phone.jpg: it is a HEIC picture; JPEG, PNG, WebP"), "\(named.errors)")
    }
  }

  /// The same picture, stored lying, is classified as the upright one with `--exif` alone.
  @Test func orientation() throws {
    try withCommand { zoo in
      let upright = try values(zoo, Self.image("oriented/1.png"))
      #expect(try values(zoo, Self.image("oriented/6.png")) == upright)
      let turned = try values(zoo, Self.image("oriented/6.png"), "--exif")
      #expect(turned != upright)
      #expect(try values(zoo, Self.image("oriented/6.tiff")) == turned)
      #expect(try zoo("predict", "--help").output.contains("EXIF"))
    }
  }

  @Test func resizingAndCropping() throws {
    try withCommand { zoo in
      let picture = Self.image("rgb.png")
      let filters = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
      let all = try filters.map { try values(zoo, picture, "--resize", $0) }
      #expect(Set(all).count == filters.count)
      #expect(try values(zoo, picture) == all[2])
      let crops = try ["aspect", "0.875", "0.5", "200"].map { try values(zoo, picture, "--crop", $0) }
      #expect(Set(crops + [all[2]]).count == 5)
      for wrong in [
        ["--crop", "0"], ["--crop", "1.5"], ["--crop", "x"], ["--resize", "cubic"], ["--crop", "3"],
      ] {
        let result = try zoo.run(["predict", Self.model, picture] + wrong)
        #expect(result.status == 64 && result.output.isEmpty, "\(wrong): \(result.errors)")
      }
    }
  }

  @Test func featuresAsTheEndingSays() throws {
    try withCommand { zoo in
      try FileManager.default.copyItem(atPath: Self.seven, toPath: zoo.path("a, \"b\".jpg"))
      let inputs = ["a, \"b\".jpg", Self.pictures + "/two.png"]
      for ending in ["npz", "npy", "csv"] {
        let result = try zoo.run(
          ["features", Self.model] + inputs + ["-o", "f.\(ending)", "--pooling", "avg"])
        #expect(result.status == 0, "\(result.errors)")
      }
      let npz = try NumPyArchive(path: zoo.path("f.npz"))
      let npy = try NumPyArchive(path: zoo.path("f.npy"))
      let array = try #require(try npz.array(named: "features"))
      #expect(array.shape[0] == 2 && array.shape.rank == 2)
      let numbers = array.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      let alone = try #require(try npy.array(named: "arr_0"))
      #expect(alone.shape == array.shape)
      #expect(alone.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == numbers)

      let lines = try String(contentsOfFile: zoo.path("f.csv"), encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let channels = array.shape[1]
      #expect(lines.count == 4 && lines[3].isEmpty)
      #expect(lines[0] == "path," + (0..<channels).map { "f\($0)" }.joined(separator: ","))
      #expect(lines[1].hasPrefix("\"a, \"\"b\"\".jpg\","))
      for row in 0..<2 {
        let fields = lines[row + 1].split(separator: ",").suffix(channels).map { Float($0) }
        #expect(fields == numbers[row * channels..<(row + 1) * channels].map { $0 })
      }

      // A map has a column for each row, column and channel of it.
      #expect(try zoo.run(["features", Self.model, inputs[1], "-o", "map.csv"]).status == 0)
      let map = try String(contentsOfFile: zoo.path("map.csv"), encoding: .utf8)
      #expect(map.hasPrefix("path,f0_0_0,f0_0_1,"))

      for wrong in ["f.onnx", "f", "csv", ".csv/f", "f.csv.gz"] {
        let result = try zoo.run(["features", Self.model, inputs[1], "-o", wrong])
        #expect(
          result.status == 64 && result.errors.contains(".npz, .npy, .csv"), "\(wrong): \(result.errors)")
        #expect(!zoo.exists(wrong))
      }
    }
  }

  /// The texts in it are no tensors, and the others are listed all the same.
  @Test func ownFeaturesAreInspected() throws {
    try withCommand { zoo in
      #expect(try zoo("features", Self.model, Self.pictures, "-o", "f.npz", "--pooling", "avg").status == 0)
      let text = try zoo("inspect", "f.npz", "--tensors")
      #expect(text.status == 0 && text.output.contains("features"), "\(text.errors)")
      #expect(text.output.contains("paths: an array of texts (<U"), "\(text.output)")
      let json = try zoo("inspect", "f.npz", "--json").jsonObject()
      #expect((json["tensors"] as? [[String: Any]])?.map { $0["name"] as? String } == ["features"])
      #expect((json["left_out"] as? [[String: Any]])?.map { $0["name"] as? String } == ["paths", "skipped"])
    }
  }

  /// What Keras 3.15 and torchvision's way to crop give for a photograph, computed there.
  @Test(
    .enabled(if: ZooCommand.hasShared, "there is no ../shared/real"),
    arguments: [
      ([], "malamute", 0.1636), (["--resize", "nearest"], "malamute", 0.2207),
      (["--resize", "nearest", "--crop", "aspect"], "malamute", 0.2207),
      (["--crop", "0.875"], "Great_Dane", 0.0832), (["--crop", "256"], "Great_Dane", 0.0832),
      (["--crop", "0.875", "--resize", "bicubic"], "Great_Dane", 0.0913),
    ] as [([String], String, Double)])
  func aPhotographAsElsewhere(_ options: [String], label: String, probability: Double) throws {
    try withCommand { zoo in
      let shared = ZooCommand.shared
      let weights = shared.appendingPathComponent("mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5").path
      let dog = shared.appendingPathComponent("images/dog.jpg").path
      let result = try zoo.run(["predict", weights, dog, "--json", "--top", "1"] + options)
      let rows = try #require((result.json() as? [[String: Any]])?.first?["predictions"] as? [[String: Any]])
      #expect(rows.first?["label"] as? String == label)
      #expect(abs((rows.first?["probability"] as? Double ?? 0) - probability) < 1e-4)
    }
  }
}
