import ArgumentParser
import ModelZooTools
import ZooSystem

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON document on standard output and nothing else.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print only results and errors.")
  var quiet = false
}

/// Where a command writes and whether it may replace what is there.
struct OverwriteOption: ParsableArguments {
  @Flag(name: [.short, .long], help: "Replace an existing output.")
  var force = false
}

/// The file that `-o` means: a folder gets one of the name `name`, as the current one does where nothing is said.
func pathOfOutput(_ output: String?, name: String) -> String {
  guard let output else { return name }
  guard output.hasSuffix("/") || isFolder(output) else { return output }
  return (output.hasSuffix("/") ? output : output + "/") + name
}

/// Which network a weight file is of.
struct ArchitectureOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The architecture; detected from the file by default. See zoo list.", valueName: "name"),
    completion: .list(KnownArchitecture.names))
  var architecture: String?
}

/// The pictures that a weight file's network takes.
struct InputOptions: ParsableArguments {
  @Option(help: "How pixels are turned into inputs.")
  var preprocessing: Preprocessing?

  @Option(
    help: ArgumentHelp(
      "Height and width, or one number for both; by default those of the file or of the architecture.",
      valueName: "HxW"))
  var inputSize: InputSize?
}

/// Whether what was converted is checked before it is written.
struct VerificationOption: ParsableArguments {
  @Flag(name: .customLong("no-verify"), help: "Skip the verification.")
  var skipVerification = false
}

struct ThreadsOption: ParsableArguments {
  @Option(help: ArgumentHelp("The number of threads; by default one per processor.", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 256, not \(threads).")
    }
  }

  var count: Int { threads ?? Processors.count }
}

extension Preprocessing: ExpressibleByArgument {
  public init?(argument: String) {
    guard let mode = Preprocessing(rawValue: argument), Preprocessing.statable.contains(mode) else {
      return nil
    }
    self = mode
  }

  public static var allValueStrings: [String] { statable.map(\.rawValue) }
  public static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}
extension KernelLayout.Named: ExpressibleByArgument {}

extension CommonOptions {
  /// Says how pixels go in where that is not the stated preprocessing, and what makes results doubtful.
  func warn(of model: Model) {
    if !quiet, model.preprocessingIsInside {
      Terminal.note("preprocessing inside the network: pixels 0…255 go in as they are")
    }
    guard !quiet, model.preprocessing == .unknown else { return }
    Terminal.warning(
      "\(model.path) does not say how pixels are preprocessed, so 0…255 go in as they are; "
        + "zoo convert --preprocessing states it")
  }
}

extension StorageType: ExpressibleByArgument {}

/// `--input-size 224x224`; `--input-size 224` is the same.
struct InputSize: ExpressibleByArgument {
  let extent: Extent2D

  init?(argument: String) {
    let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(sides.count), let height = sides[0], let width = sides[sides.count - 1],
      (1...16384).contains(height), (1...16384).contains(width)
    else { return nil }
    extent = Extent2D(height, width)
  }
}

/// `--lambda LAYER=EXPRESSION`.
struct LambdaStatement: ExpressibleByArgument {
  let layer: String
  let expression: String

  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), sign > argument.startIndex else { return nil }
    layer = String(argument[..<sign])
    expression = String(argument[argument.index(after: sign)...])
  }
}
