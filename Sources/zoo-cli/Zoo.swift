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
        zoo convert resnet50.h5
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
      """,
    version: ZooVersion.current,
    subcommands: [
      ConvertCommand.self, InspectCommand.self, VerifyCommand.self, RunCommand.self, PredictCommand.self,
      FeaturesCommand.self, BenchCommand.self, ListCommand.self, ExportCommand.self,
      DiffCommand.self,
    ])
}

@main
enum Main {
  static func main() {
    if HDF5Helper.isRequested { exit(HDF5Helper.run()) }
    // A reader that goes away (`zoo inspect … | head`) is a failed write, not a death by signal.
    signal(SIGPIPE, SIG_IGN)
    AtomicFile.removeTemporariesOnSignals()
    MappingRegister.reportLossesAndExit()
    do {
      try protect()
      var command = try Zoo.parseAsRoot()
      try command.run()
    } catch {
      exit(report(error))
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
  private static func report(_ error: any Error) -> Int32 {
    switch error {
    case let code as ExitCode:
      return code.rawValue
    case let error as ZooError:
      Terminal.error("\(error)", remedy: error.remedy)
      return error.category.exitCode
    default:
      guard Zoo.exitCode(for: error) != .success else { Zoo.exit(withError: error) }
      guard Zoo.exitCode(for: error) == .validationFailure else {
        Terminal.error("unexpected fault in zoo: \(error)")
        return 70
      }
      Terminal.error("wrong usage in arguments: \(Zoo.message(for: error))", remedy: "See `zoo --help`.")
      return ExitCode.validationFailure.rawValue
    }
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
    case .unexpected: 70
    }
  }
}
