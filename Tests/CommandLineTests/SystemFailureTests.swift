import Foundation
import Testing

/// What the system takes away while the program works: nothing is lost, and one line says what happened.
@Suite("System failures", .serialized)
struct SystemFailureTests {
  private static let digits = ZooCommand.fixture("digits/digits.h5")
  private static let isRoot = geteuid() == 0
  /// Whether a file system of a given size can be mounted; says so where it can't.
  private static let canMount: Bool = {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString)")
      .path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let can = isRoot && shell("mount -t tmpfs -o size=1m none \(folder) && umount \(folder)") == 0
    if !can { print("No file system can be mounted here: the test of a full one does not run.") }
    return can
  }()
  /// Whether programs can be run as someone whom a folder's mode keeps out; says so where they can't.
  private static let canBeNobody: Bool = {
    let can = !isRoot || shell("setpriv --reuid 65534 --clear-groups true") == 0
    if !can {
      print("Programs can't be run as another user here: the test of a read-only folder does not run.")
    }
    return can
  }()

  @discardableResult
  private static func shell(_ command: String) -> Int32 {
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", command]
    shell.standardError = FileHandle.nullDevice
    guard (try? shell.run()) != nil else { return -1 }
    shell.waitUntilExit()
    return shell.terminationStatus
  }

  /// Runs `arguments` and calls `interfere` after `delay`; returns the exit code, or 128 and the signal, and
  /// what it says.
  private func run(
    _ arguments: [String], in zoo: ZooCommand, after delay: Double, _ interfere: () throws -> Void
  ) throws -> (status: Int32, errors: String) {
    let process = try zoo.process(arguments)
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    Thread.sleep(forTimeInterval: delay)
    try interfere()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let isExit = process.terminationReason == .exit
    return (process.terminationStatus + (isExit ? 0 : 128), text)
  }

  private func expectOneLine(_ errors: String, _ comment: Comment) {
    #expect(errors.hasPrefix("zoo: error: "), comment)
    #expect(errors.split(separator: "\n").count <= 2, comment)
  }

  /// Emptied, cut or changed at any moment, an input is refused or was already read.
  @Test(arguments: ["empty", "cut", "change"])
  func anInputThatChangesWhileItIsRead(how: String) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let whole = try Data(contentsOf: URL(fileURLWithPath: Self.digits))
    var midway = 0
    for delay in stride(from: 0.0, through: 0.6, by: 0.03) {
      try whole.write(to: URL(fileURLWithPath: zoo.path("in.h5")))
      let (status, errors) = try run(
        ["convert", "in.h5", "-o", "out.zoo", "--preprocessing", "tf"], in: zoo, after: delay
      ) {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: zoo.path("in.h5")))
        switch how {
        case "empty": try file.truncate(atOffset: 0)
        case "cut": try file.truncate(atOffset: UInt64(whole.count / 2))
        default:
          try file.seek(toOffset: UInt64(whole.count / 2))
          file.write(Data(repeating: 1, count: 1000))
        }
        try file.close()
      }
      let comment: Comment = "\(how) after \(delay) s: \(status) \(errors)"
      // A verification can see it before anything else does.
      #expect([0, 1, 65, 74].contains(status), comment)
      if status == 74 { midway += 1 }
      if status == 0 {
        #expect(try zoo("verify", "out.zoo").status == 0, comment)
        try FileManager.default.removeItem(atPath: zoo.path("out.zoo"))
      } else {
        expectOneLine(errors, comment)
      }
      #expect(try zoo.contents() == ["in.h5"], comment)
    }
    #expect(midway > 0, "some moment is between opening and the end")
  }

  /// A model that is cut while it is verified: no crash.
  @Test func aModelThatIsCutWhileItIsRead() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    #expect(try zoo("convert", Self.digits, "-o", "whole.zoo", "--no-verify").status == 0)
    let whole = try Data(contentsOf: URL(fileURLWithPath: zoo.path("whole.zoo")))
    for delay in stride(from: 0.0, through: 0.3, by: 0.02) {
      try whole.write(to: URL(fileURLWithPath: zoo.path("m.zoo")))
      let (status, errors) = try run(["verify", "m.zoo"], in: zoo, after: delay) {
        try FileHandle(forUpdating: URL(fileURLWithPath: zoo.path("m.zoo"))).truncate(atOffset: 5000)
      }
      #expect([0, 1, 65, 74].contains(status), "after \(delay) s: \(status) \(errors)")
      if status != 0 { expectOneLine(errors, "after \(delay) s: \(status) \(errors)") }
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount a file system"))
  func aFullDisk() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try FileManager.default.createDirectory(atPath: zoo.path("disk"), withIntermediateDirectories: true)
    try #require(Self.shell("mount -t tmpfs -o size=200k none \(zoo.path("disk"))") == 0)
    defer { Self.shell("umount \(zoo.path("disk"))") }
    try Data("precious".utf8).write(to: URL(fileURLWithPath: zoo.path("disk/out.zoo")))
    let result = try zoo("convert", Self.digits, "-o", "disk/out.zoo", "--force")
    #expect(result.status == 74, "\(result.errors)")
    #expect(result.errors.hasPrefix("zoo: error: cannot write disk/out.zoo: "))
    #expect(try FileManager.default.contentsOfDirectory(atPath: zoo.path("disk")) == ["out.zoo"])
    #expect(try String(contentsOfFile: zoo.path("disk/out.zoo"), encoding: .utf8) == "precious")
  }

  @Test(.enabled(if: canBeNobody, "needs the right to become another user"))
  func aReadOnlyFolder() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try FileManager.default.createDirectory(atPath: zoo.path("closed"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Self.digits, toPath: zoo.path("in.h5"))
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: zoo.path("closed"))
    defer {
      try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: zoo.path("closed"))
    }
    let process = try zoo.process(["convert", "in.h5", "-o", "closed/out.zoo"])
    if Self.isRoot, let executable = process.executableURL {
      process.arguments =
        ["--reuid", "65534", "--clear-groups", executable.path] + (process.arguments ?? [])
      process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    }
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 73, "\(text)")
    #expect(text == "zoo: error: cannot create closed/out.zoo: the folder closed is not writable\n")
    #expect(try zoo.contents() == ["closed", "in.h5"])
  }

  /// Of two that write one output at once, one wins; with --force the later; the file is always whole.
  @Test(arguments: [false, true])
  func twoConversionsToOneOutput(force: Bool) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    for round in 0..<4 {
      let arguments = ["convert", Self.digits, "-o", "out.zoo", "--preprocessing", "tf"]
      let pairs = try (0..<2).map { _ in
        let process = try zoo.process(arguments + (force ? ["--force"] : []))
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return (process, errors)
      }
      var statuses: [Int32] = []
      for (process, errors) in pairs {
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        statuses.append(process.terminationStatus)
        if process.terminationStatus != 0 { expectOneLine(text, "round \(round): \(text)") }
      }
      #expect(statuses.sorted() == (force ? [0, 0] : [0, 73]), "round \(round)")
      #expect(try zoo.contents() == ["out.zoo"])
      #expect(try zoo("verify", "out.zoo").status == 0)
      try FileManager.default.removeItem(atPath: zoo.path("out.zoo"))
    }
  }
}
