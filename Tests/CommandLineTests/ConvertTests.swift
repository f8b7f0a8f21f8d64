import Foundation
import Testing
import ZooSystem
import ZooTensor

@Suite("zoo convert")
struct ConvertTests {
  static let digits = ZooCommand.fixture("digits/digits.h5")

  @Test func convertsVerifiesAndSaysSo() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo("convert", Self.digits, "--preprocessing", "tf")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("wrote digits.zoo"))
    #expect(result.output.contains("fast engine against reference engine"))
    #expect(try zoo.contents() == ["digits.zoo"])
    let verified = try zoo("verify", "digits.zoo")
    #expect(verified.status == 0, "\(verified.errors)")
    #expect(verified.output.hasSuffix("digits.zoo: verified\n"))
  }

  @Test func convertingTwiceGivesTheSameBytes() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    for name in ["a.zoo", "b.zoo"] {
      #expect(try zoo("convert", Self.digits, "-o", name).status == 0)
    }
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: zoo.path("a.zoo")))
        == Data(contentsOf: URL(fileURLWithPath: zoo.path("b.zoo"))))
  }

  @Test func replacesAnOutputOnlyWhenForced() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try Data("precious".utf8).write(to: URL(fileURLWithPath: zoo.path("out.zoo")))
    let refused = try zoo("convert", Self.digits, "-o", "out.zoo")
    #expect(refused.status == 73)
    #expect(refused.errors.hasPrefix("zoo: error: cannot create out.zoo: "))
    #expect(refused.errors.contains("--force"))
    #expect(try String(contentsOfFile: zoo.path("out.zoo"), encoding: .utf8) == "precious")
    #expect(try zoo("convert", Self.digits, "-o", "out.zoo", "--force").status == 0)
    #expect(try zoo("verify", "out.zoo").status == 0)
  }

  @Test func aFailedConversionKeepsTheOldFile() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try Data("precious".utf8).write(to: URL(fileURLWithPath: zoo.path("out.zoo")))
    let result = try zoo("convert", ZooCommand.fixture("malformed/truncated.h5"), "-o", "out.zoo", "--force")
    #expect(result.status == 65)
    #expect(try String(contentsOfFile: zoo.path("out.zoo"), encoding: .utf8) == "precious")
    #expect(try zoo.contents() == ["out.zoo"])
  }

  @Test func dryRunWritesNothing() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo("convert", Self.digits, "--dry-run", "--json")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try result.jsonObject()["output"] == nil)
    #expect(try zoo.contents().isEmpty)
  }

  @Test func theReportSaysWhatWentWhereAndWhy() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    #expect(try zoo("convert", Self.digits, "--report", "report.json", "--quiet").status == 0)
    let report = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: zoo.path("report.json"))))
        as? [String: Any])
    let tensors = try #require(report["tensors"] as? [[String: Any]])
    #expect(tensors.count == 137)
    for tensor in tensors {
      for key in ["slot", "source", "source_shape", "sourceShape", "shape", "transform", "evidence"] {
        #expect(tensor[key] != nil, "\(key)")
      }
    }
  }

  /// Half precision goes as far as the accuracy allows, or as far as is asked.
  @Test func halfPrecisionMakesTheFileSmaller() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    #expect(try zoo("convert", Self.digits, "-o", "f32.zoo").status == 0)
    #expect(try zoo("convert", Self.digits, "-o", "f16.zoo", "--dtype", "f16").status == 0)
    #expect(
      try zoo("convert", "f32.zoo", "-o", "again.zoo", "--dtype", "f16", "--largest-error", "1").status == 0)
    let size = { (name: String) in
      try #require(FileManager.default.attributesOfItem(atPath: zoo.path(name))[.size] as? Int)
    }
    #expect(try size("f16.zoo") < size("f32.zoo"))
    #expect(try Double(size("again.zoo")) < 0.6 * Double(size("f32.zoo")))
    for name in ["mobilenet", "nasnet-32", "resnet"] {
      let layout = name == "mobilenet" ? "k2w.h5" : "old.weights.h5"
      let arguments =
        [
          "convert", ZooCommand.fixture("models/\(name).\(layout)"), "--dtype", "f16", "--io",
          ZooCommand.fixture("models/\(name).io.npz"),
        ]
        + (name == "resnet" ? ["--input-size", "40x33"] : ["--input-size", "32x32"]) + ["-o", "\(name).zoo"]
      let result = try zoo.run(arguments)
      #expect(result.status == 0, "\(result.errors)")
    }
    #expect(try zoo("verify", "f16.zoo").status == 0)
    #expect(try zoo("verify", "again.zoo").status == 0)
  }

  @Test(
    arguments: [
      (["convert"], 64), (["convert", "a", "b"], 64), (["frobnicate"], 64),
      (["convert", "x.h5", "--largest-error", "0.1"], 64),
      (["convert", "x.h5", "--dtype", "float"], 64), (["convert", "x.h5", "--input-size", "0x3"], 64),
      (["convert", "x.h5", "--preprocessing", "jpeg"], 64),
      (["predict", "x.zoo", "a.jpg", "--top", "0"], 64),
      (["convert", "x.h5", "--no-verify", "--io", "y.npz"], 64), (["bench", "x.zoo", "--threads", "0"], 64),
      (["convert", "nowhere.h5"], 66), (["inspect", "nowhere.zoo"], 66), (["verify", "nowhere.zoo"], 66),
      (["predict", "nowhere.zoo", "a.jpg"], 66), (["convert", "."], 65),
    ] as [([String], Int32)])
  func wrongArgumentsGetAShortAnswerAndTheRightCode(arguments: [String], status: Int32) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo.run(arguments)
    #expect(result.status == status, "\(result.errors)")
    #expect(result.errors.hasPrefix("zoo: error: "))
    // Wrong usage adds what the argument is for, the usage and where to read more.
    #expect(result.errors.split(separator: "\n").count <= (status == 64 ? 4 : 2))
    #expect(result.output.isEmpty)
    #expect(try zoo.contents().isEmpty)
  }

  @Test func anOutputThatCannotBeMade() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo("convert", Self.digits, "-o", "no/such/folder/out.zoo")
    #expect(result.status == 73)
    #expect(result.errors.hasPrefix("zoo: error: cannot create no/such/folder/out.zoo: "))
    let architecture = try zoo("convert", Self.digits, "--architecture", "alexnet")
    #expect(architecture.status == 64)
    #expect(architecture.errors.contains("mobilenet"))
    #expect(try zoo.contents().isEmpty)
  }

  /// Every malformed fixture: one line, the input's code, nothing left behind.
  @Test(
    arguments: try FileManager.default.contentsOfDirectory(atPath: ZooCommand.fixture("malformed"))
      .filter {
        !$0.hasSuffix(".py") && !$0.hasSuffix(".md") && !$0.hasSuffix(".jpg") && !$0.hasSuffix(".png")
      }.sorted())
  func malformedFilesAreRefused(name: String) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo("convert", ZooCommand.fixture("malformed/\(name)"), "-o", "out.zoo")
    if name.hasPrefix("fits") || name.hasPrefix("extra-tensor") {
      // A tensor too many is no error, but it is named.
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("unused") == name.hasPrefix("extra-tensor"))
      #expect(result.errors.contains("block6_conv1/kernel") == name.hasPrefix("extra-tensor"))
      return
    }
    if name.hasPrefix("missing-tensor") { #expect(result.errors.contains("no tensor for '")) }
    #expect(result.status == 65, "\(result.output) \(result.errors)")
    let first = try #require(result.errors.split(separator: "\n").first)
    #expect(first.hasPrefix("zoo: error: "))
    #expect(first.contains(name), "the file is named in: \(first)")
    #expect(!result.errors.contains("HDF5-DIAG"))
    #expect(try zoo.contents().isEmpty)
  }

  /// Killed at any moment, a conversion leaves either nothing or the whole file under the output's name.
  @Test func killedAtAnyMomentItLeavesNoPartialOutput() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    #expect(try zoo("convert", Self.digits, "-o", "whole.zoo").status == 0)
    let whole = try Data(contentsOf: URL(fileURLWithPath: zoo.path("whole.zoo")))
    for delay in stride(from: 0.0, through: 0.4, by: 0.02) {
      let process = try zoo.process(["convert", Self.digits, "-o", "out.zoo", "--quiet"])
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      Thread.sleep(forTimeInterval: delay)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if zoo.exists("out.zoo") {
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: zoo.path("out.zoo"))) == whole, "killed after \(delay) s")
        try FileManager.default.removeItem(atPath: zoo.path("out.zoo"))
      }
    }
    // Where there are files without a name, nothing else is left.
    let isUnnamed = try AtomicFile(path: zoo.path("x")).temporaryPath.hasPrefix("/proc/")
    #expect(try !isUnnamed || zoo.contents() == ["whole.zoo"])
  }

  /// A file size limit stands in for a full disk: the write fails midway.
  @Test func outOfSpaceLeavesNothing() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    let executable = try zoo.process([]).executableURL?.path ?? ""
    shell.arguments = [
      "-c", "ulimit -f 100; exec \"$0\" convert \"$1\" -o out.zoo --quiet", executable, Self.digits,
    ]
    shell.currentDirectoryURL = zoo.folder
    let errors = Pipe()
    shell.standardError = errors
    try shell.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationReason == .exit && shell.terminationStatus == 74, "\(text)")
    #expect(text.hasPrefix("zoo: error: cannot write out.zoo: "))
    #expect(try zoo.contents().isEmpty)
  }
}
