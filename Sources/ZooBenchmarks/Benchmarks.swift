import Foundation

/// `zoo-benchmarks networks [MODELS] [NAME...]`, `zoo-benchmarks conversion [WEIGHTS...]`, `zoo-benchmarks kernels`,
/// `zoo-benchmarks sharing MODEL.zoo…`, `zoo-benchmarks decoding FOLDER`, `zoo-benchmarks head MODEL.zoo`,
/// `zoo-benchmarks compression MODEL.zoo…`, `zoo-benchmarks training [NAME] [BATCH] [NORMS] [LAYERS]`,
/// `zoo-benchmarks integer [NAME...]`, `zoo-benchmarks matching WEIGHTS...`.
///
/// `ZOO` is the command to time (by default the one beside this program), `PYTHON` a Python with the engines,
/// or with h5py and safetensors, to compare with; `ROUNDS` how often each is measured. MODELS is a folder that
/// `Scripts/engines.py prepare` filled; without it networks have random weights and nothing is compared with.
@main
enum Benchmarks {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "networks":
      let rounds = environment("ROUNDS").flatMap { Int($0) } ?? 3
      try NetworkBenchmark(models: rest.first, names: Array(rest.dropFirst()), rounds: max(1, rounds)).run()
    case "kernels": try KernelBenchmark().run()
    case "sharing": try SharingBenchmark.run(files: rest)
    case "decoding" where rest.count == 1: try DecodingBenchmark.run(folder: rest[0])
    case "head" where rest.count == 1: try HeadBenchmark.run(model: rest[0])
    case "compression" where !rest.isEmpty: try CompressionBenchmark.run(files: rest)
    case "integer": try IntegerBenchmark.run(rest)
    case "training": try TrainingBenchmark.run(rest)
    case "conversion": try ConversionBenchmark.run(files: rest)
    case "matching" where !rest.isEmpty: try MatchingBenchmark.run(files: rest)
    case "conversion-files": try ConversionBenchmark.makeFiles(in: URL(fileURLWithPath: rest.last ?? "."))
    case "network-file" where rest.count == 2: try NetworkBenchmark.writeFile(of: rest[0], to: rest[1])
    default:
      print(
        """
        usage: zoo-benchmarks networks [MODELS] [NAME...] | conversion [WEIGHTS...] | kernels | sharing MODEL.zoo...
          | decoding FOLDER | head MODEL.zoo | compression MODEL.zoo... | training [NAME] [BATCH] [NORMS] [LAYERS]
          | integer [NAME...] | matching WEIGHTS...
        """
      )
    }
  }
}

struct Failure: Error, CustomStringConvertible {
  let command: [String]
  var description: String { "this command failed: \(command.joined(separator: " "))" }
}

func environment(_ name: String) -> String? {
  ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
}

/// The path of a program in the folder of this one.
func besideThis(_ name: String) -> String {
  let program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
  return program.deletingLastPathComponent().appendingPathComponent(name).path
}
