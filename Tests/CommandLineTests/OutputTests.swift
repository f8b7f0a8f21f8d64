import Foundation
import Testing

/// Where results go, and how they look in a terminal.
@Suite("Outputs and terminals")
struct OutputTests {
  private func withZoo(_ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try body(zoo)
  }

  /// Lines without colours, and what status lines showed before they were erased.
  private func lines(_ terminal: String) -> [String] {
    terminal.split(whereSeparator: { $0 == "\n" || $0 == "\r" }).map { line in
      String(line).replacing("\u{1b}[K", with: "").replacing(/\u{1b}\[[0-9;]*m/, with: "")
    }
  }

  @Test func aFolderGetsAFileOfTheInputsName() throws {
    try withZoo { zoo in
      try FileManager.default.createDirectory(atPath: zoo.path("d"), withIntermediateDirectories: false)
      #expect(try zoo("convert", ConvertTests.digits, "-o", "d/").output.contains("wrote d/digits.zoo"))
      #expect(try zoo("convert", ConvertTests.digits, "-o", "d").status == 73)
      #expect(try zoo("convert", ConvertTests.digits, "-o", "d", "-f", "-q").status == 0)
      #expect(try zoo.contents() == ["d"])
    }
  }

  @Test func quietConversionsPrintNothing() throws {
    try withZoo { zoo in
      let result = try zoo("convert", ConvertTests.digits, "-q")
      #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty)
      let verified = try zoo("verify", "digits.zoo", "-q")
      #expect(verified.status == 0 && verified.output == "digits.zoo: verified\n")
    }
  }

  @Test func oneNumberIsASquare() throws {
    try withZoo { zoo in
      let weights = ZooCommand.fixture("models/mobilenet.k2w.h5")
      let square = try zoo("convert", weights, "--input-size", "96", "--dry-run", "--no-verify")
      #expect(square.status == 0 && square.output.contains("96x96"), "\(square.errors)")
    }
  }

  @Test func standardInputAndOutput() throws {
    try withZoo { zoo in
      #expect(try zoo.piping(ConvertTests.digits, into: "convert", "-", "-o", "a.zoo", "-q").status == 0)
      let both = try zoo.piping(ConvertTests.digits, into: "convert", "-", "-o", "-")
      #expect(both.status == 0 && both.errors.contains("wrote standard output"), "\(both.errors)")
      #expect(try both.output == Data(contentsOf: URL(fileURLWithPath: zoo.path("a.zoo"))))
      let source = try zoo("inspect", "a.zoo", "--json").jsonObject()["source"] as? [String: Any]
      #expect(source?["file"] as? String == "standard-input")
      let digest = try zoo("inspect", ConvertTests.digits, "--json").jsonObject()["source"] as? [String: Any]
      #expect(source?["sha256"] as? String == digest?["sha256"] as? String)
      let torn = ZooCommand.fixture("malformed/truncated.h5")
      let refused = try zoo.piping(torn, into: "convert", "-", "-o", "b.zoo")
      #expect(refused.status == 65 && refused.errors.contains("in standard input"), "\(refused.errors)")
      let empty = try zoo("convert", "-", "-o", "b.zoo")
      #expect(empty.status == 65 && empty.errors.contains("it is empty"), "\(empty.errors)")
      #expect(try zoo.contents() == ["a.zoo"])
      let shown = try zoo.inTerminal(columns: 80, ["convert", ConvertTests.digits, "-o", "-"])
      #expect(shown.status == 64 && shown.output.contains("a terminal cannot show"), "\(shown.output)")
    }
  }

  @Test func standardInputHasALimit() throws {
    try withZoo { zoo in
      let process = try zoo.process(
        ["convert", "-", "-o", "x.zoo"], environment: ["ZOO_LIMITS": "input=1K", "TMPDIR": zoo.folder.path])
      let errors = Pipe()
      process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: ConvertTests.digits))
      process.standardError = errors
      try process.run()
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 65 && text.contains("ZOO_LIMITS=input=NUMBER"), "\(text)")
      #expect(try zoo.contents().isEmpty)
    }
  }

  /// Whoever is ended while standard input comes in leaves nothing behind.
  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptedInputLeavesNothing(signal: Int32) throws {
    try withZoo { zoo in
      let process = try zoo.process(
        ["convert", "-", "-o", "x.zoo"], environment: ["TMPDIR": zoo.folder.path])
      let input = Pipe()
      process.standardInput = input
      process.standardError = FileHandle.nullDevice
      try process.run()
      try input.fileHandleForWriting.write(contentsOf: Data(count: 1000))
      for _ in 0..<600 where try zoo.contents().isEmpty { Thread.sleep(forTimeInterval: 0.05) }
      #expect(try zoo.contents().count == 1)
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
      #expect(try zoo.contents().isEmpty)
    }
  }

  // MARK: Terminals

  @Test(arguments: [80, 200])
  func nothingIsWiderThanTheTerminal(columns: Int) throws {
    try withZoo { zoo in
      #expect(try zoo("convert", ConvertTests.digits, "-q").status == 0)
      let resnet = ZooCommand.fixture("models/resnet.old.weights.h5")
      for arguments in [
        ["convert", ConvertTests.digits, "-o", "b.zoo"], ["verify", "digits.zoo"], ["list"],
        ["list", "mobilenet"], ["inspect", resnet, "--layers", "--tensors"],
        ["bench", "digits.zoo", "--seconds", "0.1", "--layers"], ["inspect", "nothere.zoo"], ["convert"],
        ["diff", "digits.zoo", ZooCommand.fixture("stores/by-class.weights.h5")],
      ] {
        let shown = try zoo.inTerminal(columns: columns, arguments)
        for line in lines(shown.output) {
          // A path is a word that is not broken.
          #expect(line.count <= columns || line.contains(resnet), "\(arguments): \(line)")
        }
        #expect(!shown.output.isEmpty)
      }
    }
  }

  @Test func coloursAreForTerminals() throws {
    try withZoo { zoo in
      #expect(try zoo("convert", ConvertTests.digits, "-q").status == 0)
      let shown = try zoo.inTerminal(columns: 100, ["verify", "digits.zoo"])
      #expect(shown.output.contains("\u{1b}[32mok\u{1b}[0m"), "\(shown.output)")
      for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
        let plain = try zoo.inTerminal(columns: 100, ["verify", "digits.zoo"], environment: environment)
        #expect(!plain.output.contains("\u{1b}[3") && plain.output.contains("verified"), "\(plain.output)")
      }
      #expect(try !zoo("verify", "digits.zoo").output.contains("\u{1b}"))
    }
  }

  @Test func theLayersSayWhatTheyRead() throws {
    try withZoo { zoo in
      let resnet = ZooCommand.fixture("models/resnet.old.weights.h5")
      let layers = try #require(zoo("inspect", resnet, "--json").jsonObject()["layers"] as? [[String: Any]])
      let sum = try #require(layers.first { $0["name"] as? String == "conv2_block1_add" })
      #expect(sum["inputs"] as? [String] == ["conv2_block1_0_bn", "conv2_block1_3_bn"])
      let first = try #require(layers.first { $0["name"] as? String == "conv1_conv" })
      #expect(first["kernel"] as? [Int] == [7, 7] && first["strides"] as? [Int] == [2, 2])
      #expect(first["padding"] as? String == "valid" && first["groups"] as? Int == 1)
      #expect(first["dilation"] as? [Int] == [1, 1] && first["activation"] as? String == "linear")
      #expect((first["attributes"] as? [String: Any])?["filters"] as? Int == 4)
      let pool = try #require(layers.first { $0["name"] as? String == "pool1_pool" })
      #expect(pool["kernel"] as? [Int] == [3, 3])
      // Every layer but the input reads layers before it.
      var known: Set<String> = []
      for layer in layers {
        let inputs = try #require(layer["inputs"] as? [String])
        #expect(inputs.isEmpty == (layer["kind"] as? String == "input") && known.isSuperset(of: inputs))
        known.insert(try #require(layer["name"] as? String))
      }
      let text = try zoo("inspect", resnet, "--layers").output
      #expect(text.contains("7x7/2, valid") && text.contains("conv2_block1_0_bn, conv2_block1_3_bn"))
      let narrow = try zoo.inTerminal(columns: 80, ["inspect", resnet, "--layers"]).output
      #expect(narrow.contains("CONNECTED TO") && narrow.contains("…"))
    }
  }

  @Test func theClassesAreInTheJSON() throws {
    try withZoo { zoo in
      let labels = ZooCommand.fixture("digits/labels.txt")
      #expect(try zoo("convert", ConvertTests.digits, "-q", "--labels", labels).status == 0)
      let json = try zoo("inspect", "digits.zoo", "--json").jsonObject()
      let found = try #require(json["labels"] as? [[String: String]])
      let names = try String(contentsOfFile: labels, encoding: .utf8).split(separator: "\n").map(String.init)
      #expect(found.map { $0["label"] } == names)
    }
  }
}
