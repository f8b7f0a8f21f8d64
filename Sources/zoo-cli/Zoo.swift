import ArgumentParser
import ModelZooTools
import ZooSystem

struct Zoo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo",
    abstract: "Convert, verify and run pretrained models.",
    discussion: """
      Converts a Keras or NumPy weight file to a single verified, self-describing .zoo file, which runs without \
      Python.

      Examples:
      \(pulling)  zoo convert resnet50.h5
        zoo inspect resnet50.zoo
        zoo predict resnet50.zoo cat.jpg

      Exit codes:
        0   success
        1   a verification failed, or compared files differ
        64  wrong usage
        65  the input is malformed, unsupported or does not fit
        66  the input cannot be opened
        70  an internal error
        73  the output cannot be created
        74  reading or writing failed midway

      Environment:
        ZOO_KERNELS  the instruction set to use, see zoo list --kernels
        ZOO_LIMITS   limits for reading files, NAME=NUMBER,... with K, M or G; errors name them
        ZOO_CACHE    the folder where downloads and features of pictures are kept
        NO_COLOR     no colours in a terminal, if set
      """,
    version: ZooVersion.current,
    subcommands: downloading + [
      ConvertCommand.self, InspectCommand.self, VerifyCommand.self, RunCommand.self, PredictCommand.self,
      ExplainCommand.self, FeaturesCommand.self, ChooseCommand.self, TrainCommand.self, AdaptCommand.self,
      EnsembleCommand.self, EvaluateCommand.self, SimilarCommand.self, IndexCommand.self, ClusterCommand.self,
      WhitenCommand.self, BenchCommand.self, ListCommand.self, ExportCommand.self, DiffCommand.self,
    ])

  /// What needs the package trait Pull.
  #if Pull
    private static let downloading: [any ParsableCommand.Type] = [PullCommand.self]
    private static let pulling = "  zoo pull mobilenet\n      "
  #else
    private static let downloading: [any ParsableCommand.Type] = []
    private static let pulling = ""
  #endif

  @Flag(name: .shortAndLong, help: "With --version, also show what it runs with, for reports of faults.")
  var verbose = false

  func run() throws {
    guard verbose else { throw CleanExit.helpRequest(self) }
    try printInstallation()
  }

  func printInstallation() throws {
    let installation = Installation()
    var rows = [("zoo", installation.version)]
    if let commit = installation.checkout { rows.append(("checkout", "now at commit \(commit)")) }
    rows.append(("Swift", installation.swift))
    rows.append(("processor", "\(installation.processor), \(installation.threads) threads"))
    rows.append(("kernels", installation.kernels.joined(separator: ", ")))
    for (name, version) in installation.libraries.sorted(by: { $0.key.lowercased() < $1.key.lowercased() }) {
      rows.append((name, version))
    }
    let width = 2 + (rows.map(\.0.count).max() ?? 0)
    for (label, value) in rows { try Terminal.print(row: label, value, width: width) }
  }
}

@main
enum Main {
  /// On the main thread, whose stack is the largest.
  @MainActor static func main() async {
    if HDF5Helper.isRequested { exit(HDF5Helper.run()) }
    // A reader that goes away (`zoo inspect … | head`) is a failed write, not a death by signal.
    signal(SIGPIPE, SIG_IGN)
    AtomicFile.removeTemporariesOnSignals()
    MappingRegister.reportLossesAndExit()
    var command: (any ParsableCommand)?
    do {
      try protect()
      let arguments = CommandLine.arguments.dropFirst()
      try CommandName.check(Array(arguments))
      // The parser itself answers --version, whatever is beside it.
      if arguments.allSatisfy(["--version", "-v", "--verbose"].contains), arguments.count == 2,
        arguments.contains("--version")
      {
        return try Zoo().printInstallation()
      }
      var parsed = try Zoo.parseAsRoot()
      command = parsed
      if var lasting = parsed as? any AsyncParsableCommand {
        try await lasting.run()
      } else {
        try parsed.run()
      }
    } catch {
      exit(report(error, in: command.map { type(of: $0) }))
    }
  }

  /// Files are hostile until shown otherwise: libhdf5 sees them in a child process of this executable.
  private static func protect() throws {
    HDF5Access.current = .isolated(helper: try HDF5Helper.ownExecutable())
    guard let changes = getenv("ZOO_LIMITS").map({ String(cString: $0) }) else { return }
    guard let limits = ReadingLimits(changes: changes) else {
      throw ValidationError("ZOO_LIMITS is no list of NAME=NUMBER of known limits: '\(changes)'")
    }
    ReadingLimits.current = limits
  }

  /// Prints an error as the contract asks and returns the exit code.
  private static func report(_ error: any Error, in command: (any ParsableCommand.Type)?) -> Int32 {
    switch error {
    case let code as ExitCode:
      return code.rawValue
    case let error as ZooError:
      let error = error.asTyped
      Terminal.error("\(error)", remedy: error.remedy)
      return report(ErrorOutput(error), exitCode: error.category.exitCode)
    default:
      guard Zoo.exitCode(for: error) != .success else { Zoo.exit(withError: error) }
      guard Zoo.exitCode(for: error) == .validationFailure else {
        Terminal.error("unexpected fault in zoo: \(error)")
        return report(ErrorOutput(code: "unexpected", message: "\(error)"), exitCode: 70)
      }
      let message = UsageMessage(error, in: command)
      message.print()
      return report(
        ErrorOutput(code: "usage", message: message.error), exitCode: ExitCode.validationFailure.rawValue)
    }
  }

  /// With `--json` an error is a document too, unless a command has printed one already.
  private static func report(_ error: ErrorOutput, exitCode: Int32) -> Int32 {
    guard CommandLine.arguments.contains("--json"), !Terminal.hasPrintedJSON else { return exitCode }
    var error = error
    error.exitCode = exitCode
    try? Terminal.print(json: ["error": error])
    return exitCode
  }
}

/// An error as JSON.
private struct ErrorOutput: Encodable {
  let code: String
  let message: String
  var remedy: String?
  var exitCode: Int32 = 0

  enum CodingKeys: String, CodingKey {
    case code, message, remedy
    case exitCode = "exit_code"
  }

  init(code: String, message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: ZooError) {
    code = "\(error.code)"
    message = "\(error)"
    remedy = error.remedy
  }
}

extension ErrorCategory {
  /// As in `sysexits.h`.
  var exitCode: Int32 {
    switch self {
    case .verificationFailed: 1
    case .usage: 64
    case .badInput: 65
    case .cannotOpen: 66
    case .cannotCreate: 73
    case .inputOutput: 74
    case .cancelled: 130
    case .unexpected: 70
    }
  }
}
