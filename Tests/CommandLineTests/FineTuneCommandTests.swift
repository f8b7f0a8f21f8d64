import Foundation
import Testing
import ZooTestSupport

/// `zoo train --fine-tune` as a user types it.
@Suite("train --fine-tune") struct FineTuneCommandTests {
  private func prepared() throws -> ZooCommand {
    let zoo = try ZooCommand()
    try Letters.copy(["A", "E", "X"], pictures: Letters.count, to: zoo.folder.appending(path: "letters"))
    #expect(
      try zoo("convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "-q").status == 0)
    return zoo
  }

  private func arguments(_ output: String, _ more: [String]) -> [String] {
    ["train", "letters", "--backbone", "digits.zoo", "-o", output, "--no-cache", "--batch", "8"] + more
  }

  @Test func itSaysWhatLearnedAndHowWell() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let made = try zoo.run(
      arguments("l.zoo", ["--fine-tune", "last", "--epochs", "2", "--report", "r.html"]))
    #expect(made.status == 0, "\(made.errors)")
    for line in [
      "measured by    pictures held back, which chose epochs and layers too, and on which the model in the file",
      "last stage     ", "best epoch ", "before         ", " s for layers, ", "wrote l.zoo",
    ] {
      #expect(made.output.contains(line), "\(line) in \(made.output)")
    }
    let page = try String(contentsOfFile: zoo.path("r.html"), encoding: .utf8)
    for part in [
      "Training of layers", "Loss, last stage", "Rate of the head", "kept their stored statistics",
    ] {
      #expect(page.contains(part), "\(part)")
    }
    #expect(try zoo.contents() == ["digits.zoo", "l.zoo", "letters", "r.html"])
    #expect(try zoo("verify", "l.zoo", "-q").status == 0)
    #expect(try zoo("inspect", "l.zoo").output.contains("fine-tuning"))

    let json = try zoo.run(arguments("j.zoo", ["--fine-tune", "auto", "--epochs", "1", "--json"]))
      .jsonObject()
    let tuning = try #require(json["fine_tuning"] as? [String: Any])
    let stages = try #require(tuning["stages"] as? [[String: Any]])
    #expect(stages.compactMap { $0["name"] as? String } == ["last stage", "all layers"])
    #expect(stages.allSatisfy { $0["kept"] is Bool && $0["gain_error"] is Double })
  }

  /// Statistics that stayed while the weights before them learned fit no longer, which is no fault.
  @Test func oldStatisticsDoNotTestify() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let made = try zoo.run(
      arguments("l.zoo", ["--fine-tune", "all", "--rate", "0.03", "--epochs", "8"]))
    #expect(made.status == 0, "\(made.errors)")
    let line = "n/a     batch-norm statistics (the weights before them have learned since they were measured)"
    #expect(try zoo("verify", "l.zoo").output.contains(line))
    // What is made of the file knows it, too.
    #expect(try zoo("convert", "l.zoo", "-o", "f16.zoo", "--dtype", "f16").output.contains(line))
    #expect(try zoo.run(arguments("again.zoo", []).map { $0 == "digits.zoo" ? "l.zoo" : $0 }).status == 0)
    #expect(try zoo("verify", "again.zoo").output.contains(line))
    // A file for Keras can't say it.
    #expect(try zoo("export", "l.zoo", "-o", "l.h5", "-q").status == 0)
    let converted = try zoo("convert", "l.h5", "-o", "back.zoo")
    #expect(converted.status == 0 || converted.errors.contains("use --no-verify."), "\(converted.errors)")
  }

  /// Without the option a line says what it would cost.
  @Test func costsAreForeseen() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let frozen = try zoo.run(arguments("l.zoo", []))
    #expect(
      frozen.output.contains("not trained    the backbone; --fine-tune last, about "), "\(frozen.output)")
    let dry = try zoo.run(arguments("n.zoo", ["--dry-run"]))
    #expect(dry.output.contains("layers         --fine-tune all takes about "), "\(dry.output)")
    func costs(_ options: String...) throws -> [[String: Any]] {
      let estimate = try zoo.run(arguments("n.zoo", ["--dry-run", "--json"] + options)).jsonObject()
      return try #require(estimate["fine_tuning"] as? [[String: Any]])
    }
    let layer = "conv_pw_3"
    #expect(try costs("--fine-tune", layer).compactMap { $0["layers"] as? String } == [layer])
    func memory(_ batch: String, _ norms: String) throws -> Int {
      let costs = try costs("--fine-tune", "all", "--batch", batch, "--batch-norm", norms)
      return try #require(costs.first?["memory"] as? Int)
    }
    #expect(try memory("8", "fixed") < memory("32", "fixed"))
    #expect(try memory("32", "fixed") < memory("32", "batch"))
    let unknown = try zoo.run(arguments("n.zoo", ["--dry-run", "--fine-tune", "conv9"]))
    #expect(unknown.status == 64 && unknown.errors.contains("'conv9'"), "\(unknown.errors)")
    let found = try zoo.run(
      ["train", "letters", "--backbone", "digits.zoo", "--no-cache", "--fine-tune", "last", "--find-rate"])
    #expect(found.status == 0 && found.output.contains("SMOOTHED"), "\(found.errors)")
    #expect(try zoo.contents() == ["digits.zoo", "l.zoo", "letters"])
  }

  /// Killed while it trains, and gone on with: the same bytes as in one go.
  @Test func aKilledTrainingGoesOn() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    let options = ["--fine-tune", "all", "--epochs", "12"]
    #expect(try zoo.run(arguments("whole.zoo", options)).status == 0)
    let process = try zoo.process(arguments("l.zoo", options + ["-q"]))
    try process.run()
    while process.isRunning, !zoo.exists("l.zoo.checkpoint") { usleep(1000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal {
      #expect(!zoo.exists("l.zoo"))
      let anew = try zoo.run(arguments("l.zoo", options))
      #expect(anew.status == 73 && anew.errors.contains("--resume goes on with it"), "\(anew.errors)")
      let other = try zoo.run(arguments("l.zoo", options + ["--resume", "--rate", "0.01"]))
      #expect(other.status == 65 && other.errors.contains("other options"), "\(other.errors)")
    }
    let resumed = try zoo.run(arguments("l.zoo", options + ["--resume", "--force"]))
    #expect(resumed.status == 0, "\(resumed.errors)")
    let (whole, parts) = (
      try Data(contentsOf: zoo.folder.appending(path: "whole.zoo")),
      try Data(contentsOf: zoo.folder.appending(path: "l.zoo"))
    )
    #expect(whole == parts)
    #expect(try zoo.contents() == ["digits.zoo", "l.zoo", "letters", "whole.zoo"])
  }

  @Test func wrongOptionsAreNamed() throws {
    let zoo = try prepared()
    defer { zoo.cleanUp() }
    for (options, text) in [
      (["--fine-tune", "all", "--head", "nearest"], "--fine-tune goes with --head linear or mlp."),
      (["--fine-tune", "all", "--batch-norm", "batch", "--batch", "2"], "--batch of at least 4"),
      (["--fine-tune", "all", "--rate", "0"], "--rate takes a number above 0"),
      (["--fine-tune", "all", "--ema", "1"], "--ema takes a share"),
      (["--resume"], "--resume goes with --fine-tune"),
      (["--find-rate"], "--find-rate goes with --fine-tune"),
      (["--fine-tune", "nowhere"], "no such layer"),
      (["--fine-tune", "all", "--checkpoint", "nowhere"], "there is no folder nowhere"),
      (["--fine-tune", "all", "--memory", "1"], "raise --memory"),
      (["--fine-tune", "all", "--optimizer", "sgd", "--rate", "1e38"], "Try a lower --rate"),
    ] {
      let result = try zoo.run(arguments("l.zoo", options))
      #expect(result.status != 0 && result.errors.contains(text), "\(options): \(result.errors)")
      #expect(result.output.isEmpty)
      #expect(!zoo.exists("l.zoo"))
    }
  }
}
