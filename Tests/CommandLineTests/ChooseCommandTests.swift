import Foundation
import Testing
import ZooTestSupport

/// `zoo choose`, `zoo adapt`, `zoo ensemble` and the heads of `zoo train`.
@Suite("choosing, adapting, joining, as commands")
struct ChooseCommandTests {
  private func withCommand(_ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let converted = try zoo("convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "-q")
    #expect(converted.status == 0, "\(converted.errors)")
    try body(zoo)
  }

  @Test func choosingPrintsATableAndAReason() throws {
    try withCommand { zoo in
      try Letters.copy(["A", "X", "E"], to: URL(fileURLWithPath: zoo.path("data")))
      // The same network, whose file does not say how pixels are preprocessed.
      _ = try zoo("convert", ConvertTests.digits, "-o", "unknown.zoo", "-q")
      let text = try zoo(
        "choose", "data", "digits.zoo", "--layers", "conv_pw_2_relu,conv_pw_6_relu", "--cache", "cache")
      #expect(text.status == 0, "\(text.errors)")
      for part in ["36 pictures in 3 classes", "LOGME", "MS/PICTURE", "conv_pw_6_relu", "\n* "] {
        #expect(text.output.contains(part), "\(part) in \(text.output)")
      }
      #expect(zoo.exists("cache"))
      let json = try zoo("choose", "data", "digits.zoo", "--top", "--no-cache", "--json").jsonObject()
      let candidates = try #require(json["candidates"] as? [[String: Any]])
      #expect(candidates.count == 1 && candidates[0]["recommended"] as? Bool == true)
      for key in [
        "accuracy", "logme", "ms_per_picture", "parameters", "file_bytes", "width", "preprocessing",
      ] {
        #expect(candidates[0][key] != nil, "\(key)")
      }
      #expect(json["reason"] as? String != nil)
    }
  }

  @Test func wrongRequestsAreUsageErrors() throws {
    try withCommand { zoo in
      for (arguments, message) in [
        (["choose", "data"], "Missing expected argument '<backbone.zoo>"),
        (["choose", "data", "digits.zoo", "--folds", "1"], "--folds takes a number from 2 to 20"),
        (["choose", "data", "digits.zoo", "--layers", "a", "--top"], "exclude each other"),
        (["adapt", "digits.zoo", "data", "-o", "x.zoo", "--weight", "2"], "--weight takes a number"),
        (["adapt", "digits.zoo", "data"], "Missing expected argument '--output <out.zoo>'"),
        (["ensemble", "digits.zoo", "-o", "x.zoo"], "two models or more"),
        (["train", "data", "-o", "x.zoo"], "Missing expected argument '--backbone <model.zoo>'"),
        (["train", "data", "--backbone", "a", "--add-to", "b", "-o", "x.zoo"], "exclude each other"),
        (["train", "data", "--backbone", "a", "-o", "x.zoo", "--hidden", "8"], "--hidden goes with"),
        (
          ["train", "data", "--backbone", "a", "-o", "x.zoo", "--head", "nearest", "--penalty", "1"],
          "--penalty goes with"
        ),
      ] as [([String], String)] {
        let result = try zoo.run(arguments)
        #expect(result.status == 64 && result.errors.contains(message), "\(arguments): \(result.errors)")
      }
      #expect(try zoo("choose", "data", "digits.zoo").status == 66)
      #expect(try zoo("ensemble", "digits.zoo", "none.zoo", "-o", "x.zoo").status == 66)
      for command in ["choose", "adapt", "ensemble"] {
        let help = try zoo(command, "--help")
        #expect(help.status == 0 && help.output.contains("Examples:\n  zoo \(command) "), "\(help.output)")
      }
    }
  }

  @Test func adaptingSaysWhetherItHelped() throws {
    try withCommand { zoo in
      let text = try zoo("adapt", "digits.zoo", Letters.folder.path, "-o", "a.zoo")
      #expect(text.status == 0, "\(text.errors)")
      for part in ["of 168 pictures", "MEAN MOVED BY", " σ", "wrote a.zoo", "Nothing says whether it helps"] {
        #expect(text.output.contains(part), "\(part) in \(text.output)")
      }
      #expect(try zoo("verify", "a.zoo", "-q").status == 0)
      #expect(try zoo("inspect", "a.zoo").output.contains("168 pictures"))
      #expect(try zoo("adapt", "digits.zoo", Letters.folder.path, "-o", "a.zoo").status == 73)
      let labels = try zoo("adapt", "digits.zoo", Letters.folder.path, "-o", "b.zoo", "--labels")
      #expect(labels.status == 65 && labels.errors.contains("classes that the model has not"))
      try Letters.copy(["A"], pictures: 5, to: URL(fileURLWithPath: zoo.path("few")))
      let few = try zoo("adapt", "digits.zoo", "few", "-o", "b.zoo")
      #expect(few.status == 65 && few.errors.contains("too few pictures"), "\(few.errors)")
      #expect(!zoo.exists("b.zoo"))
    }
  }

  @Test func headsGrowAndAreJoined() throws {
    try withCommand { zoo in
      try Letters.copy(["A", "E", "X"], to: URL(fileURLWithPath: zoo.path("data")))
      try Letters.copy(["L"], pictures: 2, to: URL(fileURLWithPath: zoo.path("more")))
      try Letters.copy(["X"], pictures: 1, to: URL(fileURLWithPath: zoo.path("more")))
      func train(_ name: String, _ more: String...) throws {
        let result = try zoo.run(
          [
            "train", "data", "--backbone", "digits.zoo", "--layer", "conv_pw_6_relu", "--no-cache", "-o",
            name,
          ]
            + more)
        #expect(result.status == 0, "\(result.errors)")
      }
      try train("near.zoo", "--head", "nearest")
      try train("mlp.zoo", "--head", "mlp", "--hidden", "8", "--json")
      let added = try zoo("train", "more", "--add-to", "near.zoo", "-o", "more.zoo")
      #expect(added.status == 0, "\(added.errors)")
      #expect(added.output.contains("new            L\n") && added.output.contains("classes        4\n"))
      let letter = Letters.folder.appending(path: "L/L-0.bmp").path
      #expect(try zoo("predict", "more.zoo", letter, "--top", "1").output.contains("L"))
      try Letters.copy(["N"], pictures: 3, to: URL(fileURLWithPath: zoo.path("one")))
      let single = try zoo("train", "one", "--add-to", "more.zoo", "-o", "five.zoo")
      #expect(single.status == 0 && single.output.contains("classes        5\n"), "\(single.errors)")
      let refused = try zoo("train", "more", "--add-to", "mlp.zoo", "-o", "none.zoo")
      #expect(refused.status == 65 && refused.errors.contains("--head nearest"), "\(refused.errors)")
      let joined = try zoo("ensemble", "near.zoo", "mlp.zoo", "-o", "both.zoo")
      #expect(joined.status == 0 && joined.output.contains("serve several members"), "\(joined.errors)")
      #expect(try zoo("verify", "both.zoo", "-q").status == 0)
      let other = try zoo("ensemble", "near.zoo", "more.zoo", "-o", "none.zoo")
      #expect(other.status == 65 && other.errors.contains("'L'"), "\(other.errors)")
      #expect(!zoo.exists("none.zoo"))
    }
  }
}
