import Foundation
import Testing

/// What the command answers to arguments that make no sense, and to files that are not what they should be.
@Suite("Usage and wrong files")
struct UsageTests {
  private func withZoo(_ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try body(zoo)
  }

  @Test(
    arguments: [
      (["convert"], "Missing expected argument '<input>'", "convert"),
      (["pull"], "Name what to pull; --list shows", "pull"),
      (["convert", "x.h5", "--achitecture", "y"], "Did you mean '--architecture'?", "convert"),
      (["bench", "x.zoo", "--threads", "0"], "--threads takes a number", "bench"),
      (["bench", "x.zoo", "--batch", "0"], "--batch takes a number", "bench"),
      (["bench", "x.zoo", "--batch-norm", "batch"], "--batch-norm needs --training", "bench"),
      (["convert", "x.h5", "--input-size", "96x"], "'96x' is invalid for '--input-size <HxW>'", "convert"),
      (["convert", "-"], "name the output with -o", "convert"),
      (["train", "x"], "Missing expected argument '--backbone <model.zoo>'", "train"),
      (["evaluate", "x.zoo"], "Missing expected argument '<data>'", "evaluate"),
      (["explain", "x.zoo"], "Missing expected argument '<images>", "explain"),
      (["inspect", "x.zoo", "--graph", "x.pdf"], "ends in .html or .svg", "inspect"),
      (["convert", "x.h5", "-o", "-", "--json"], "both need standard output", "convert"),
      (["similar", "x.zoo", "a.jpg"], "Missing expected argument '<places>", "similar"),
      (["similar", "x.zoo", "a.jpg", "b", "--top", "0"], "--top takes a number from 1", "similar"),
      (["similar", "x.zoo", "a.jpg", "b", "--html", "x.pdf"], "ends in .html", "similar"),
      (["similar", "x.zoo", "-", "b"], "Standard input is not read here", "similar"),
      (["index", "x.zoo", "a"], "Missing expected argument '--output <out.zoofeatures>'", "index"),
      (["index", "x.zoo", "a", "-o", "b", "--cache", "c", "--no-cache"], "exclude each other", "index"),
      (
        ["cluster", "x.zoo", "a", "--groups", "some"], "'some' is invalid for '--groups <auto|n>'", "cluster"
      ),
      (["cluster", "x.zoo", "a", "-o", "x.png"], "ends in .html", "cluster"),
      (
        ["whiten", "x.zoo", "a", "-o", "b.zoo", "--components", "0"], "--components takes a number", "whiten"
      ),
    ] as [([String], String, String)])
  func wrongUsageShowsTheCommandsOwn(arguments: [String], message: String, command: String) throws {
    try withZoo { zoo in
      let result = try zoo.run(arguments)
      #expect(result.status == 64)
      let lines = result.errors.split(separator: "\n")
      #expect(
        lines.first?.hasPrefix("zoo: error: ") == true && lines[0].contains(message), "\(result.errors)")
      #expect(lines.contains { $0.hasPrefix("Usage: zoo \(command) ") }, "\(result.errors)")
      #expect(lines.last == "  See 'zoo \(command) --help' for more information.")
    }
  }

  @Test(
    arguments: [
      (["predit", "m.zoo"], "predict"), (["Inpsect", "m.zoo"], "inspect"), (["lst"], "list"),
      (["help", "verfy"], "verify"), (["nothing"], nil), (["help", "nothing"], nil), (["x", "--json"], nil),
    ] as [([String], String?)])
  func unknownCommandsAreAnswered(arguments: [String], meant: String?) throws {
    try withZoo { zoo in
      let result = try zoo.run(arguments)
      #expect(result.status == 64)
      #expect(result.errors.hasPrefix("zoo: error: Unknown command '"))
      #expect(result.errors.contains("Did you mean") == (meant != nil), "\(result.errors)")
      if let meant { #expect(result.errors.contains("Did you mean '\(meant)'?"), "\(result.errors)") }
    }
  }

  @Test func helpOfACommandIsStillHelp() throws {
    try withZoo { zoo in
      let help = try zoo("help", "convert")
      #expect(help.status == 0 && help.output.contains("USAGE: zoo convert"))
      let all = try zoo()
      #expect(all.status == 0 && all.output.contains("ZOO_LIMITS") && all.output.contains("ZOO_KERNELS"))
    }
  }

  /// Commands that need a `.zoo` file.
  @Test(arguments: [["verify"], ["bench"], ["run", "--input", "x.npy"]])
  func weightFilesAreNamed(command: [String]) throws {
    try withZoo { zoo in
      for (file, kind, output) in [
        ("digits/digits.h5", "Keras HDF5 model", "digits.zoo"),
        ("models/mobilenet.k2w.h5", "Keras HDF5 weights", "mobilenet.k2w.zoo"),
        ("dialects/trained.keras", "Keras 3 archive", "trained.zoo"),
        ("models/mobilenet.io.npz", "NumPy archive", "mobilenet.io.zoo"),
      ] {
        let path = ZooCommand.fixture(file)
        let result = try zoo.run([command[0], path] + command.dropFirst())
        #expect(result.status == 65)
        #expect(result.errors.contains("it is a weight file (\(kind))"), "\(result.errors)")
        #expect(result.errors.contains("zoo convert \(path)`, which writes \(output)"), "\(result.errors)")
      }
      let page = "<!DOCTYPE html><html><body>404</body></html>"
      try Data(page.utf8).write(to: URL(fileURLWithPath: zoo.path("page.zoo")))
      let web = try zoo.run([command[0], "page.zoo"] + command.dropFirst())
      #expect(web.status == 65 && web.errors.contains("a web page"), "\(web.errors)")
      let folder = try zoo.run([command[0], "."] + command.dropFirst())
      #expect(folder.status == 65 && folder.errors.contains("it is a folder"), "\(folder.errors)")
    }
  }

  @Test(arguments: [["convert"], ["inspect"], ["verify"], ["predict", "a.jpg"], ["bench"]])
  func namesOfNetworksLeadToTheirWeights(command: [String]) throws {
    try withZoo { zoo in
      let result = try zoo.run([command[0], "ResNet-50"] + command.dropFirst())
      #expect(result.status == 66)
      #expect(
        result.errors.hasPrefix("zoo: error: cannot open ResNet-50: there is no such file; resnet50 is"),
        "\(result.errors)")
      #expect(result.errors.contains("https://") && result.errors.contains("zoo convert resnet50_weights"))
      let other = try zoo.run([command[0], "efficientnetb0"] + command.dropFirst())
      #expect(
        other.status == 66 && other.errors.contains("/efficientnetb0.h5, then run `zoo convert"),
        "\(other.errors)")
      // A file of that name is a file.
      try Data("no weights".utf8).write(to: URL(fileURLWithPath: zoo.path("vgg16")))
      let file = try zoo.run([command[0], "vgg16"] + command.dropFirst())
      #expect(file.status == 65 && !file.errors.contains("https://"), "\(file.errors)")
    }
  }

  @Test func missingFilesAndFoldersAreNamed() throws {
    try withZoo { zoo in
      for (arguments, says) in [
        (["inspect", "nothere.h5"], "cannot open nothere.h5: No such file"),
        (["inspect", "nodir/x.h5"], "cannot open nodir/x.h5: there is no folder nodir"),
        (["convert", ConvertTests.digits, "--labels", "."], "cannot open .: it is a folder"),
        (
          ["convert", ConvertTests.digits, "-o", "nodir/"],
          "cannot create nodir/digits.zoo: there is no folder nodir"
        ),
        (["export", ConvertTests.digits, "-o", "no/x.npz"], "cannot create no/x.npz: there is no folder no"),
      ] {
        let result = try zoo.run(arguments)
        #expect(result.status == (arguments[0] == "inspect" || arguments.contains("--labels") ? 66 : 73))
        #expect(result.errors.contains(says), "\(result.errors)")
      }
      #expect(try zoo.contents().isEmpty)
    }
  }

  /// With `--json`, an error is the one document, unless there is a result that says more.
  @Test func errorsAsJSON() throws {
    try withZoo { zoo in
      for (arguments, code, exitCode) in [
        (["inspect", "nothere.h5", "--json"], "cannot-open", 66), (["inspect", "--json"], "usage", 64),
        (["list", "alexnet", "--json"], "unknown-architecture", 64),
      ] {
        let result = try zoo.run(arguments)
        let error = try #require(result.jsonObject()["error"] as? [String: Any])
        #expect(error["code"] as? String == code && error["exit_code"] as? Int == exitCode)
        #expect(error["message"] is String && Int(result.status) == exitCode)
        #expect(result.errors.hasPrefix("zoo: error: "))
      }
      #expect(try zoo("convert", ConvertTests.digits, "-q").status == 0)
      let url = URL(fileURLWithPath: zoo.path("digits.zoo"))
      var bytes = try Data(contentsOf: url)
      bytes[bytes.count - 200] ^= 1
      try bytes.write(to: url)
      let failed = try zoo("verify", "digits.zoo", "--json")
      #expect(try failed.status == 1 && failed.jsonObject()["passed"] as? Bool == false)
    }
  }
}
