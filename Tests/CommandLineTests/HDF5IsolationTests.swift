import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// libhdf5 in a child process: what happens to it there is one line here.
@Suite("HDF5 in a child process")
struct HDF5IsolationTests {
  static let sound = ZooCommand.fixture("containers/strings-variable.h5")

  /// Calls `body` with the folder of a new command and a file of these bytes in it.
  private func with(_ bytes: Data, _ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try bytes.write(to: URL(fileURLWithPath: zoo.path("x.h5")))
    try body(zoo)
  }

  /// Standard output has nothing, or with `--json` the error as a document.
  private func expectOneLine(_ result: ZooCommand.Result, asJSON: Bool = false, _ what: Comment) {
    #expect(result.status == 65, what)
    #expect(result.errors.hasPrefix("zoo: error: "), what)
    #expect(result.errors.split(separator: "\n").count <= 2, what)
    #expect(asJSON ? (try? result.jsonObject()["error"]) != nil : result.output.isEmpty, what)
  }

  @Test func aFaultOfLibhdf5IsOneLine() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    for command in ["convert", "inspect"] {
      let result = try zoo(command, ZooCommand.fixture("malformed/crash.h5"))
      expectOneLine(result, "\(command): \(result.errors)")
      #expect(result.errors.contains("malformed HDF5 file in "))
    }
    #expect(try zoo.contents().isEmpty)
  }

  /// The same file as the weights of a `.keras` archive: stored, and deflated.
  @Test(arguments: [false, true])
  func aFaultInsideAnArchive(deflated: Bool) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try FileManager.default.createDirectory(atPath: zoo.path("m"), withIntermediateDirectories: true)
    try Data("{}".utf8).write(to: URL(fileURLWithPath: zoo.path("m/config.json")))
    try FileManager.default.copyItem(
      atPath: ZooCommand.fixture("malformed/crash.h5"), toPath: zoo.path("m/model.weights.h5"))
    let script = """
      import sys, zipfile
      with zipfile.ZipFile("m.keras", "w", zipfile.\(deflated ? "ZIP_DEFLATED" : "ZIP_STORED")) as archive:
        for name in ("config.json", "model.weights.h5"): archive.write("m/" + name, name)
      """
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    python.arguments = ["python3", "-c", script]
    python.currentDirectoryURL = zoo.folder
    try python.run()
    python.waitUntilExit()
    try #require(python.terminationStatus == 0, "python3 makes the archive")
    for input in ["m", "m.keras"] {
      let result = try zoo("inspect", input)
      expectOneLine(result, "\(input): \(result.errors)")
      #expect(result.errors.contains("HDF5"))
    }
  }

  /// Changed in two bytes anywhere, a file is refused, or read twice alike: its digests are of all bytes.
  @Test(arguments: ["strings-variable.h5", "gzip-shuffle-fletcher32.h5", "superblock3-dense.h5"])
  func damagedFilesAreReadOrRefused(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: ZooCommand.fixture("containers/\(name)")))
    let random = CounterGenerator(name: name)
    for number in 0..<12 {
      var damaged = whole
      for change in 0..<2 {
        let bits = random.bits(at: 2 * number + change)
        damaged[Int(bits >> 8) % whole.count] = UInt8(bits & 0xff)
      }
      try with(damaged) { zoo in
        let result = try zoo("inspect", "--json", "x.h5")
        if result.status != 0 {
          expectOneLine(result, asJSON: true, "\(name), file \(number): \(result.errors)")
        }
        let again = try zoo("inspect", "--json", "x.h5")
        #expect(again.status == result.status && again.output == result.output, "\(name), file \(number)")
      }
    }
  }

  @Test func limitsAreSetByTheEnvironment() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    for limits in ["tensors=3", "text=16", "objects=5", "groups=1", "memory=1M"] {
      let result = try zoo("inspect", Self.sound, environment: ["ZOO_LIMITS": limits])
      expectOneLine(result, "\(limits): \(result.errors)")
    }
    let remedy = try zoo("inspect", Self.sound, environment: ["ZOO_LIMITS": "objects=5"])
    #expect(remedy.errors.contains("ZOO_LIMITS=objects="))
    #expect(try zoo("inspect", Self.sound, environment: ["ZOO_LIMITS": "tensors=4,text=1M"]).status == 0)
    for wrong in ["tensor=4", "tensors", "tensors=0", "tensors=-1", "tensors=9999999999G"] {
      #expect(try zoo("inspect", Self.sound, environment: ["ZOO_LIMITS": wrong]).status == 64, "\(wrong)")
    }
  }
}

/// The library's choice, with helpers of all kinds.
@Suite("HDF5Access")
struct HDF5AccessTests {
  /// Opens a sound file with `helper` and returns the error.
  private func failure(_ helper: String, seconds: Int = 60) -> ZooError? {
    var limits = ReadingLimits()
    limits.seconds = seconds
    return HDF5Access.$scoped.withValue(.isolated(helper: helper)) {
      ReadingLimits.$scoped.withValue(limits) {
        do throws(ZooError) {
          _ = try WeightFiles.open(path: HDF5IsolationTests.sound)
          return nil
        } catch {
          return error
        }
      }
    }
  }

  @Test func isolatedReadsTheSame() throws {
    for name in ["models/mobilenet.k2.h5", "models/mobilenet.keras", "containers/gzip-shuffle-big-f8.h5"] {
      let path = ZooCommand.fixture(name)
      let here = try WeightFiles.open(path: path)
      let there = try HDF5Access.$scoped.withValue(.isolated(helper: ZooCommand.executable.path)) {
        try WeightFiles.open(path: path)
      }
      #expect(there.tensors == here.tensors && there.writer == here.writer)
      for entry in here.tensors { #expect(try there.read(entry).doubles() == here.read(entry).doubles()) }
    }
  }

  @Test func helpersThatAreNone() throws {
    #expect(failure("/nowhere/zoo")?.category == .inputOutput)
    #expect(failure("/nowhere/zoo")?.why.contains("can't be run") == true)
    for program in ["/bin/true", "/bin/echo"] {
      #expect(failure(program)?.why.contains("not the helper") == true, "\(program)")
    }
    #expect(failure("/bin/false")?.why.contains("exit code 1") == true)
  }

  @Test(
    arguments: [
      ("kill -SEGV $$", "Segmentation fault"), ("kill -KILL $$", "did not finish"),
      ("sleep 30", "did not finish"),
      ("printf 'zooh5c1\\n\\0garbage'", "inconsistent"), ("printf 'zooh5c1\\n\\1'", "inconsistent"),
      ("exec yes", "more content"), ("exit 3", "exit code 3"),
    ])
  func helpersThatMisbehave(script: String, says: String) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try Data("#!/bin/bash\n\(script)\n".utf8).write(to: URL(fileURLWithPath: zoo.path("helper")))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: zoo.path("helper"))
    // What writes without end needs some time to write too much.
    func attempt() -> ZooError? { failure(zoo.path("helper"), seconds: script == "exec yes" ? 20 : 1) }
    var outcome = attempt()
    // A process that another test starts holds the script open for writing until it becomes its own program.
    while outcome?.why.contains("Text file busy") == true { outcome = attempt() }
    let error = try #require(outcome)
    #expect(error.category == .badInput && error.why.contains(says), "\(error)")
  }
}
