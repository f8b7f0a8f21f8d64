import Foundation
import Testing

/// What `zoo predict` says of outputs that differ, and how it goes through pictures.
@Suite("zoo predict")
struct PredictTests {
  private static func head(_ file: String) -> String { ZooCommand.fixture("heads/\(file)") }
  private static let folder = ZooCommand.fixture("digits/pictures")
  private static let picture = folder + "/seven.jpg"

  private func predictions(_ result: ZooCommand.Result) throws -> [[String: Any]] {
    #expect(result.status == 0, "\(result.errors)")
    return try #require((result.json() as? [[String: Any]])?.first?["predictions"] as? [[String: Any]])
  }

  @Test(arguments: ["logits.keras", "logits.k2.h5"]) func valuesAreNoProbabilities(file: String) throws {
    try withCommand { zoo in
      let text = try zoo("predict", Self.head(file), Self.picture)
      #expect(text.status == 0 && !text.output.contains("%"))
      #expect(text.errors.contains("its values are no probabilities"))
      let rows = try predictions(zoo("predict", Self.head(file), Self.picture, "--json"))
      #expect(rows.count == 3 && rows.allSatisfy { $0["value"] is Double && $0["probability"] == nil })
    }
  }

  @Test func aSigmoidTellsTwoClassesApart() throws {
    try withCommand { zoo in
      for (labels, names) in [("cat\ndog\n", ["cat", "dog"]), ("dog\n", ["not dog", "dog"])] {
        try labels.write(toFile: zoo.path("labels.txt"), atomically: true, encoding: .utf8)
        let converted = try zoo(
          "convert", Self.head("one-sigmoid.h5"), "-o", "m.zoo", "-f", "--labels", "labels.txt",
          "--preprocessing",
          "none")
        #expect(converted.status == 0, "\(converted.errors)")
        let rows = try predictions(zoo("predict", "m.zoo", Self.picture, "--json"))
        #expect(rows.count == 2)
        for row in rows {
          #expect(row["label"] as? String == names[try #require(row["class"] as? Int)])
        }
        #expect(abs(rows.reduce(0) { $0 + ($1["probability"] as? Double ?? 0) } - 1) < 1e-6)
        #expect(try zoo("inspect", "m.zoo", "--json").jsonObject()["classes"] as? Int == 2)
      }
      try "a\nb\nc\n".write(toFile: zoo.path("labels.txt"), atomically: true, encoding: .utf8)
      let three = try zoo("convert", Self.head("one-sigmoid.h5"), "-o", "x.zoo", "--labels", "labels.txt")
      #expect(three.status == 65 && three.errors.contains("3 labels for 2 classes"), "\(three.errors)")
    }
  }

  /// Teachable Machine's habit: a labels.txt beside keras_model.h5.
  @Test func labelsBesideTheWeights() throws {
    try withCommand { zoo in
      try FileManager.default.copyItem(atPath: Self.head("logits.k2.h5"), toPath: zoo.path("keras_model.h5"))
      func names(_ model: String) throws -> [String] {
        try predictions(zoo("predict", model, Self.picture, "--json"))
          .sorted { ($0["class"] as? Int ?? 0) < ($1["class"] as? Int ?? 0) }.compactMap {
            $0["label"] as? String
          }
      }
      func convert(_ more: String...) throws -> ZooCommand.Result {
        try zoo.run(
          ["convert", "keras_model.h5", "-o", "m.zoo", "-f", "--preprocessing", "tf"] + more)
      }
      try "0 cardboard\n1 plastic\n2 glass\n".write(
        toFile: zoo.path("labels.txt"), atomically: true, encoding: .utf8)
      let found = try convert()
      #expect(found.status == 0, "\(found.errors)")
      #expect(found.output.split(separator: "\n").count { $0.contains("labels.txt") } == 1, "\(found.output)")
      #expect(try names("m.zoo") == ["cardboard", "plastic", "glass"])
      #expect(try names("keras_model.h5") == ["cardboard", "plastic", "glass"])
      #expect(try convert("--json").jsonObject()["labels_file"] as? String == "labels.txt")

      // Stated ones come first.
      try "a\nb\nc\n".write(toFile: zoo.path("own.txt"), atomically: true, encoding: .utf8)
      let stated = try convert("--labels", "own.txt")
      #expect(stated.status == 0 && !stated.output.contains("labels.txt"))
      #expect(try names("m.zoo") == ["a", "b", "c"])
      // Those of something else are not taken.
      for other in ["a\nb\n", "a\n\nb\n", ""] {
        try other.write(toFile: zoo.path("labels.txt"), atomically: true, encoding: .utf8)
        let plain = try convert("--json")
        #expect(try plain.status == 0 && plain.jsonObject()["labels_file"] == nil, "\(plain.errors)")
        #expect(try names("m.zoo") == ["0", "1", "2"])
      }
    }
  }

  @Test func greyPicturesAsKerasHasThem() throws {
    try withCommand { zoo in
      #expect(
        try zoo("convert", Self.head("grey.h5"), "-o", "g.zoo", "--preprocessing", "unit").status == 0)
      let expected = try #require(
        JSONSerialization.jsonObject(
          with: Data(contentsOf: URL(fileURLWithPath: Self.head("predictions.json"))))
          as? [String: [String: [Double]]])
      let result = try zoo("predict", "g.zoo", Self.folder, "--json")
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
      let rows = try #require(result.json() as? [[String: Any]])
      #expect(rows.count == 10)
      for row in rows {
        let name = URL(fileURLWithPath: try #require(row["image"] as? String)).lastPathComponent
        let values = try #require(expected["grey.h5"]?[name])
        for prediction in try #require(row["predictions"] as? [[String: Any]]) {
          let (index, value) = (prediction["class"] as? Int ?? 0, prediction["probability"] as? Double ?? 0)
          #expect(abs(values[index] - value) < 1e-5, "\(name)")
        }
      }
      let features = try zoo("features", "g.zoo", Self.folder, "-o", "f.npz", "--pooling", "max", "--json")
      #expect(try features.jsonObject()["shape"] as? [Int] == [10, 4])
      let caffe = try zoo("convert", Self.head("grey.h5"), "-o", "c.zoo", "--preprocessing", "caffe")
      #expect(caffe.status == 65 && caffe.errors.contains("three channels"), "\(caffe.errors)")
    }
  }

  @Test func badPicturesHideNoOthers() throws {
    try withCommand { zoo in
      let model = Self.head("rescaling.keras")
      let bad = ZooCommand.fixture("malformed/truncated.png")
      let text = try zoo("predict", model, Self.picture, "nowhere.jpg", bad, Self.folder + "/two.png")
      #expect(text.status == 66)
      #expect(text.output.contains("seven.jpg\n") && text.output.contains("two.png\n"))
      #expect(text.errors.contains("nowhere.jpg") && text.errors.contains("truncated.png"))
      let json = try zoo("predict", model, bad, "nowhere.jpg", Self.picture, "--json")
      #expect(json.status == 65)
      let rows = try #require(json.json() as? [[String: Any]])
      #expect(rows.map { $0["error"] is String } == [true, true, false])
      #expect(rows.map { ($0["predictions"] as? [Any])?.count } == [0, 0, 3])
      let features = try zoo("features", model, Self.picture, "nowhere.jpg", "-o", "f.npz", "--json")
      #expect(features.status == 66 && zoo.exists("f.npz"))
      #expect(try features.jsonObject()["skipped"] as? [String] == ["nowhere.jpg"])
      try FileManager.default.createDirectory(atPath: zoo.path("empty"), withIntermediateDirectories: true)
      #expect(try zoo("predict", model, "empty").status == 65)
    }
  }

  @Test func standardInputIsAPicture() throws {
    try withCommand { zoo in
      for (command, file) in [("predict", Self.picture), ("features", Self.picture)] {
        let more = command == "features" ? ["-o", "f.npz"] : []
        let process = try zoo.process([command, Self.head("rescaling.keras"), "-", "--json"] + more)
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let json = try JSONSerialization.jsonObject(with: data)
        if command == "predict" {
          #expect((json as? [[String: Any]])?.first?["image"] as? String == "-")
        } else {
          #expect((json as? [String: Any])?["images"] as? Int == 1)
        }
      }
      let empty = try zoo("predict", Self.head("rescaling.keras"), "-")
      #expect(empty.status == 65 && empty.errors.contains("standard input"), "\(empty.errors)")
    }
  }

  @Test func unknownPreprocessingIsSaid() throws {
    try withCommand { zoo in
      let converted = try zoo("convert", Self.head("sigmoids.h5"), "-o", "m.zoo")
      #expect(converted.status == 0 && converted.errors.contains("set --preprocessing"))
      #expect(try zoo("inspect", "m.zoo", "--json").jsonObject()["preprocessing"] as? String == "unknown")
      for arguments in [
        ["predict", "m.zoo", Self.picture], ["features", "m.zoo", Self.picture, "-o", "f.npz"],
      ] {
        let result = try zoo.run(arguments)
        #expect(result.status == 0)
        #expect(
          result.errors.split(separator: "\n").count { $0.contains("how pixels are preprocessed") } == 1)
      }
      let verified = try zoo("verify", "m.zoo")
      #expect(verified.status == 0 && !verified.output.contains(": verified"), "\(verified.output)")
      #expect(try zoo("convert", "m.zoo", "-o", "n.zoo", "--preprocessing", "unit").status == 0)
      #expect(try zoo("predict", "n.zoo", Self.picture).errors.isEmpty)
      #expect(try zoo("verify", "n.zoo").output.contains("n.zoo: verified"))
      #expect(try zoo("convert", "m.zoo", "-o", "o.zoo", "--preprocessing", "unknown").status == 64)
      let inside = try zoo("convert", Self.head("rescaling.keras"), "-o", "r.zoo")
      #expect(inside.errors.isEmpty && inside.output.contains("preprocessing  none"))
    }
  }

  @Test func halfPrecisionCountsWhatItStored() throws {
    try withCommand { zoo in
      func convert(_ more: String...) throws -> ZooCommand.Result {
        try zoo.run(
          ["convert", ConvertTests.digits, "-o", "h.zoo", "-f", "--preprocessing", "tf", "--dtype", "f16"]
            + more)
      }
      let few = try convert("--largest-error", "1e-9")
      #expect(few.status == 0)
      #expect(few.output.contains("stored as f32\n"), "\(few.output)")
      #expect(few.errors.contains("nothing became smaller") && few.errors.contains("--largest-error"))
      let size = try #require(few.errors.firstMatch(of: /with --largest-error ([0-9.e-]+) all/)?.1)
      let all = try convert("--largest-error", String(size))
      #expect(all.output.contains("stored as f16\n") && all.errors.isEmpty, "\(all.output)\(all.errors)")
      let dry = try convert("--largest-error", "1e-9", "--dry-run", "--json").jsonObject()
      let tensors = try #require(dry["tensors"] as? [[String: Any]])
      #expect(tensors.allSatisfy { $0["stored_type"] as? String == "f32" })
      #expect(try zoo("convert", "--help").output.contains("0.05 for f16"))
    }
  }
}
