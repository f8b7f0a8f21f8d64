import Foundation
import Testing
import ZooTestSupport

/// `zoo train` and `zoo evaluate` as a user types them.
@Suite("train") struct TrainCommandTests {
  /// Some letters, and the network for digits.
  private func prepared(_ letters: [String] = ["A", "L", "X"], pictures: Int = Letters.count) throws
    -> ZooCommand
  {
    let zoo = try ZooCommand()
    try Letters.copy(letters, pictures: pictures, to: zoo.folder.appending(path: "letters"))
    #expect(
      try zoo("convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "-q").status == 0)
    return zoo
  }

  private func train(_ zoo: ZooCommand, _ more: String...) throws -> ZooCommand.Result {
    try zoo.run(
      ["train", "letters", "--backbone", "digits.zoo", "--layer", "conv_pw_6_relu"] + more,
      environment: ["ZOO_CACHE": zoo.path("cache")])
  }

  @Test func trainingSaysWhatItDid() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let first = try train(zoo)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.isEmpty)
    for line in [
      "data           letters: 36 pictures in 3 classes (largest A 12, smallest X 12)",
      "features       128 of conv_pw_6_relu; 36 computed, 0 from the cache",
      "measured by    5-fold cross-validation", "guessing the largest class: 33.3 %", "wrote letters.zoo",
    ] {
      #expect(first.output.contains(line), "\(line) in \(first.output)")
    }
    #expect(try zoo.contents() == ["cache", "digits.zoo", "letters", "letters.zoo"])
    let again = try train(zoo, "--force")
    #expect(again.output.contains("0 computed, 36 from the cache"))

    let inspected = try zoo("inspect", "letters.zoo")
    #expect(inspected.output.contains("trained from   digits.zoo, layer conv_pw_6_relu"))
    #expect(inspected.output.contains("trained on     letters, 36 pictures"))
    let summary = try #require(
      try zoo("inspect", "letters.zoo", "--json").jsonObject()["training"] as? [String: Any])
    #expect(summary["pictures"] as? Int == 36 && summary["data"] as? String == "letters")
    #expect(try zoo("verify", "letters.zoo", "-q").status == 0)

    let predicted = try zoo("predict", "letters.zoo", "letters/L/L-2.bmp", "--top", "1")
    #expect(predicted.output.contains("%  L"), "\(predicted.output)")
    let evaluated = try zoo("evaluate", "letters.zoo", "letters", "--tta", "2", "--json")
    let tasks = try #require(try evaluated.jsonObject()["tasks"] as? [[String: Any]])
    let measured = try #require(tasks.first?["measured"] as? [String: Any])
    #expect(measured["pictures"] as? Int == 36)
    #expect(try #require((measured["accuracy"] as? [String: Double])?["value"]) > 0.9)
  }

  @Test func reportsAreWrittenWholeAndNotReplaced() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let made = try train(zoo, "--report", "r.html")
    #expect(made.status == 0, "\(made.errors)")
    let page = try String(contentsOfFile: zoo.path("r.html"), encoding: .utf8)
    for part in [
      "Training of letters.zoo", "zoo train letters --backbone digits.zoo", "guessing the largest class",
      "data:image/jpeg;base64,", "class=\"heat\"",
    ] {
      #expect(page.contains(part), "\(part)")
    }
    // Known before the work begins.
    let again = try zoo("train", "letters", "--backbone", "digits.zoo", "-o", "n.zoo", "--report", "r.html")
    #expect(again.status == 73 && again.errors.contains("r.html") && !zoo.exists("n.zoo"))
    #expect(try train(zoo, "--report", "r.json", "--force", "-q").status == 0)
    let json = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: zoo.path("r.json"))))
    let hashes = try #require((json as? [String: Any])?["hashes"] as? [String: String])
    #expect(hashes.keys.sorted() == ["backbone", "data", "output"])
    #expect(try #require((json as? [String: Any])?["peak_bytes"] as? Int) > 1 << 20)

    let evaluated = try zoo("evaluate", "letters.zoo", "letters", "--report", "e.html")
    #expect(evaluated.status == 0 && zoo.exists("e.html"), "\(evaluated.errors)")
    #expect(try zoo("evaluate", "letters.zoo", "letters", "--report", "e.html").status == 73)
    #expect(try zoo("evaluate", "letters.zoo", "letters", "--report", "e.html", "--force").status == 0)
    #expect(try train(zoo, "--report", "letters.zoo").status == 64)
    #expect(try train(zoo, "--report", "d.html", "--dry-run").status == 64 && !zoo.exists("d.html"))
  }

  @Test func aDryRunWritesNothing() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let result = try zoo.run(
      ["train", "letters", "--backbone", "digits.zoo", "--dry-run"],
      environment: ["ZOO_CACHE": zoo.path("cache")])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("pictures       36") && result.output.contains("memory "))
    #expect(try zoo.contents() == ["digits.zoo", "letters"])
  }

  /// What was computed before an interruption is there the next time, and no output appears.
  @Test func anInterruptionLosesNothing() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let process = try zoo.process(
      [
        "train", "letters", "--backbone", "digits.zoo", "-o", "letters.zoo", "--cache", "cache", "--views",
        "64",
      ])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    // As soon as whole records of the first batch are written.
    while process.isRunning, (try? zoo.cachedBytes()) ?? 0 < 100_000 { usleep(2000) }
    process.interrupt()
    process.waitUntilExit()
    let cached = try zoo.cachedBytes()
    #expect(cached > 0 && !zoo.exists("letters.zoo"))
    let result = try zoo(
      "train", "letters", "--backbone", "digits.zoo", "-o", "letters.zoo", "--cache", "cache", "--views",
      "64", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let features = try #require(try result.jsonObject()["features"] as? [String: Any])
    #expect(try #require(features["cached"] as? Int) > 0)
  }

  @Test func badDataGetsOneLine() throws {
    let zoo = try prepared(["A", "X"], pictures: 6)
    defer { zoo.cleanUp() }
    func folder(_ name: String, _ classes: [String]) throws {
      for own in classes {
        try FileManager.default.createDirectory(
          at: zoo.folder.appending(path: "\(name)/\(own)"), withIntermediateDirectories: true)
      }
    }
    try folder("empty", ["a", "b"])
    try Letters.copy(["A"], to: zoo.folder.appending(path: "one"))
    try Data("path,class\nnowhere.png,a\n".utf8).write(to: zoo.folder.appending(path: "missing.csv"))
    try Data("path,class\nletters/A/A-0.bmp,a\nletters/A/A-0.bmp,b\n".utf8).write(
      to: zoo.folder.appending(path: "twice.csv"))
    for (data, status, says) in [
      ("empty", 65, "no picture"), ("one", 65, "one"), ("missing.csv", 65, "nowhere.png"),
      ("twice.csv", 65, "A-0.bmp"), ("nothing-there", 66, "cannot open"),
    ] as [(String, Int32, String)] {
      let result = try zoo("train", data, "--backbone", "digits.zoo", "-o", "out.zoo", "--no-cache")
      #expect(result.status == status, "\(data): \(result.errors)")
      #expect(
        result.errors.hasPrefix("zoo: error: ") && result.errors.contains(says), "\(data): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count <= 2, "\(data): \(result.errors)")
      #expect(!zoo.exists("out.zoo"))
    }
    for arguments in [
      ["--validation", "1"], ["--folds", "1"], ["--views", "0"], ["--penalty", "0"],
      ["--cache", "x", "--no-cache"],
    ] {
      let result = try zoo.run(["train", "letters", "--backbone", "digits.zoo", "-o", "out.zoo"] + arguments)
      #expect(result.status == 64, "\(arguments): \(result.errors)")
    }
    let unknown = try zoo(
      "train", "letters", "--backbone", "digits.zoo", "-o", "out.zoo", "--layer", "nope", "--no-cache")
    #expect(unknown.status == 64 && unknown.errors.contains("'nope'"))
    let weights = try zoo(
      "train", "letters", "--backbone", ConvertTests.digits, "-o", "out.zoo", "--no-cache")
    #expect(weights.status == 65 && weights.errors.contains("zoo convert"))
  }
}

extension ZooCommand {
  /// The bytes of all files in the folder `cache`.
  fileprivate func cachedBytes() throws -> Int {
    let cache = folder.appending(path: "cache")
    return try FileManager.default.contentsOfDirectory(atPath: cache.path).reduce(0) { sum, name in
      let size = try FileManager.default.attributesOfItem(atPath: cache.appending(path: name).path)[.size]
      return sum + (size as? Int ?? 0)
    }
  }
}
