import Foundation

/// Runs the executable as a user would.
struct ZooCommand {
  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// Standard output as one JSON document.
    func json() throws -> Any {
      try JSONSerialization.jsonObject(with: Data(output.utf8), options: [.fragmentsAllowed])
    }
    func jsonObject() throws -> [String: Any] {
      guard let object = try json() as? [String: Any] else { throw CocoaError(.coderInvalidValue) }
      return object
    }
  }

  /// The folder in which commands run, removed afterwards.
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func cleanUp() { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Everything in the folder, hidden files too.
  func contents() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  func process(_ arguments: [String], environment: [String: String] = [:]) throws -> Process {
    let process = Process()
    process.executableURL = try Self.executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    return process
  }

  func callAsFunction(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
    try run(arguments, environment: environment)
  }

  func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
    let process = try process(arguments, environment: environment)
    // Files rather than pipes: no amount of output can block the program.
    let outputs = ["out", "err"].map { name in
      FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString).\(name)")
    }
    for url in outputs { try Data().write(to: url) }
    defer { for url in outputs { try? FileManager.default.removeItem(at: url) } }
    process.standardOutput = try FileHandle(forWritingTo: outputs[0])
    process.standardError = try FileHandle(forWritingTo: outputs[1])
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationReason == .exit
        ? process.terminationStatus : 128 + process.terminationStatus,
      output: String(decoding: try Data(contentsOf: outputs[0]), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: outputs[1]), as: UTF8.self))
  }

  /// The folder with Package.swift.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func fixture(_ path: String) -> String { root.appendingPathComponent("Fixtures/\(path)").path }

  /// Real trained files beside the repository, which users don't have.
  static let shared = root.deletingLastPathComponent().appendingPathComponent("shared/real")

  /// Whether the real files are there; says so where they are not.
  static let hasShared: Bool = {
    let present = FileManager.default.fileExists(atPath: shared.path)
    if !present { print("No real trained files at ../shared/real: the tests that use them do not run.") }
    return present
  }()

  static var executable: URL {
    get throws {
      let candidates =
        CommandLine.arguments.prefix(1).map {
          URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent("zoo")
        } + Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent().appendingPathComponent("zoo") }
        + [root.appendingPathComponent(".build/release/zoo")]
      guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) })
      else {
        throw CocoaError(
          .fileNoSuchFile, userInfo: [NSLocalizedDescriptionKey: "no zoo executable was built"])
      }
      return found
    }
  }
}

/// Calls `body` with the command in an empty folder of its own, which goes afterwards.
func withCommand(_ body: (ZooCommand) throws -> Void) throws {
  let zoo = try ZooCommand()
  defer { zoo.cleanUp() }
  try body(zoo)
}
