import Foundation
import Testing

/// `zoo similar`, `zoo index`, `zoo cluster` and `zoo whiten` on pictures of digits.
@Suite("pictures without labels")
struct UnlabelledCommandTests {
  /// Runs commands in a folder with the model and a folder of pictures.
  private func withDigits(_ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo(
      "convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "--quiet")
    try #require(result.status == 0, "\(result.errors)")
    try FileManager.default.copyItem(
      atPath: ZooCommand.fixture("digits/pictures"), toPath: zoo.path("pictures"))
    try body(zoo)
  }

  private let cache = ["--cache", "cache"]

  @Test func similarPicturesInAFolderAndAnIndex() throws {
    try withDigits { zoo in
      let query = "pictures/seven.jpg"
      let first = try zoo.run(["similar", "digits.zoo", query, "pictures", "--top", "4"] + cache)
      #expect(first.status == 0 && first.errors.isEmpty, "\(first.errors)")
      let lines = first.output.split(separator: "\n")
      #expect(lines.count == 5 && lines[0] == "similarity  picture")
      let values = lines.dropFirst().compactMap { Double($0.split(separator: " ")[0]) }
      #expect(values.count == 4 && values == values.sorted(by: >) && values[0] < 1)
      #expect(!first.output.contains(query))
      let index = try zoo.run(["index", "digits.zoo", "pictures", "-o", "p.zoofeatures"] + cache)
      #expect(
        index.status == 0 && index.output.contains("0 computed and 10 from the cache"), "\(index.output)")
      let again = try zoo.run(["index", "digits.zoo", "pictures", "-o", "p.zoofeatures"] + cache)
      #expect(again.status == 73 && again.errors.contains("p.zoofeatures"))
      let second = try zoo.run(
        ["similar", "digits.zoo", query, "p.zoofeatures", "--top", "4", "--check", "--html", "x.html"] + cache
      )
      #expect(second.output == first.output, "\(second.errors)")
      let page = try String(contentsOfFile: zoo.path("x.html"), encoding: .utf8)
      #expect(page.contains("Pictures like seven.jpg") && page.contains("default-src 'none'"))
      let kept = try zoo.run(["similar", "digits.zoo", query, "pictures", "--html", "x.html"] + cache)
      #expect(kept.status == 73 && kept.output.isEmpty)
      let json = try zoo.run(["similar", "digits.zoo", query, "p.zoofeatures", "--json"] + cache).jsonObject()
      let matches = try #require(json["matches"] as? [[String: Any]])
      #expect(json["pictures"] as? Int == 10 && matches.count == 9 && json["picture"] as? String == query)
      #expect(matches.allSatisfy { $0["path"] is String && $0["similarity"] is Double })
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    try withDigits { zoo in
      #expect(try zoo.run(["index", "digits.zoo", "pictures", "-o", "p.zoofeatures"] + cache).status == 0)
      let seven = "pictures/seven.jpg"
      let layer = try zoo.run(
        ["similar", "digits.zoo", seven, "p.zoofeatures", "--layer", "conv_pw_6_relu"] + cache)
      #expect(layer.status == 65 && layer.errors.contains("not of conv_pw_6_relu"), "\(layer.errors)")
      let unknown = try zoo.run(["similar", "digits.zoo", seven, "pictures", "--layer", "x"] + cache)
      #expect(unknown.status == 64 && unknown.errors.contains("'x'"))
      #expect(try zoo.run(["similar", "digits.zoo", "none.jpg", "pictures"] + cache).status == 66)
      let json = try zoo.run(["similar", "digits.zoo", "none.jpg", "pictures", "--json"] + cache)
      #expect(try json.jsonObject()["error"] != nil)
      var bytes = try Data(contentsOf: URL(filePath: zoo.path("p.zoofeatures")))
      bytes[bytes.count - 3] ^= 1
      try bytes.write(to: URL(filePath: zoo.path("p.zoofeatures")))
      let damaged = try zoo.run(["similar", "digits.zoo", seven, "p.zoofeatures", "--check"] + cache)
      #expect(damaged.status == 65 && damaged.errors.contains("checksum"), "\(damaged.errors)")
      try bytes.prefix(70).write(to: URL(filePath: zoo.path("p.zoofeatures")))
      #expect(try zoo.run(["similar", "digits.zoo", seven, "p.zoofeatures"] + cache).status == 65)
    }
  }

  @Test func picturesAreSortedIntoGroups() throws {
    try withDigits { zoo in
      let before = try FileManager.default.contentsOfDirectory(atPath: zoo.path("pictures")).sorted()
      let result = try zoo.run(
        ["cluster", "digits.zoo", "pictures", "--groups", "3", "-o", "map.html", "--copy-to", "sorted"]
          + cache)
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
      for part in ["10 in 3 groups", "silhouette", "group 3", "wrote map.html", "copied to sorted"] {
        #expect(result.output.contains(part), "\(part): \(result.output)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: zoo.path("pictures")).sorted() == before)
      let copies = try (1...3).flatMap {
        try FileManager.default.contentsOfDirectory(atPath: zoo.path("sorted/group-\($0)"))
      }
      #expect(copies.sorted() == before)
      let again = try zoo.run(["cluster", "digits.zoo", "pictures", "--copy-to", "sorted"] + cache)
      #expect(again.status == 73 && again.output.isEmpty)
      let json = try zoo.run(["cluster", "digits.zoo", "pictures", "--json"] + cache).jsonObject()
      let groups = try #require(json["groups"] as? [[String: Any]])
      #expect(groups.flatMap { $0["pictures"] as? [String] ?? [] }.count == 10)
      #expect((json["trials"] as? [[String: Any]])?.count == 2 && json["silhouette"] is Double)
      let many = try zoo.run(["cluster", "digits.zoo", "pictures", "--groups", "11"] + cache)
      #expect(many.status == 65 && many.errors.contains("10 make no 11 groups"), "\(many.errors)")
    }
  }

  @Test func aWhitenedModelIsABackbone() throws {
    try withDigits { zoo in
      let result = try zoo.run(
        ["whiten", "digits.zoo", "pictures", "-o", "w.zoo", "--components", "4"] + cache)
      #expect(result.status == 0 && result.output.contains("whitened to 4 with"), "\(result.errors)")
      #expect(try zoo("verify", "w.zoo").status == 0)
      let inspected = try zoo("inspect", "w.zoo")
      #expect(inspected.status == 0 && inspected.output.contains("principal components, whitened"))
      let json = try zoo.run(
        ["similar", "w.zoo", "pictures/one.png", "pictures", "--json"] + cache
      ).jsonObject()
      #expect(json["layers"] as? [String] == ["whitened"])
      let few = try zoo.run(
        ["whiten", "digits.zoo", "pictures", "-o", "x.zoo", "--components", "50"] + cache)
      #expect(few.status == 0 && few.errors.contains("so 50 could not be kept"), "\(few.errors)")
      let one = try zoo.run(["whiten", "digits.zoo", "pictures/one.png", "-o", "y.zoo"] + cache)
      #expect(one.status == 65 && !zoo.exists("y.zoo"))
    }
  }

  @Test func helpHasExamples() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    for name in ["similar", "index", "cluster", "whiten"] {
      let help = try zoo(name, "--help")
      #expect(help.status == 0 && help.output.contains("Examples:\n  zoo \(name) "), "\(help.output)")
    }
  }
}
