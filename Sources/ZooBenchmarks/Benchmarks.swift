import Foundation

/// `zoo-benchmarks [networks | conversion [WEIGHTS...]]`; without arguments both, conversion of VGG16.
///
/// `ZOO` is the command to time (by default the one beside this program), `PYTHON` a Python with h5py and
/// safetensors to compare with.
@main
enum Benchmarks {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case nil:
      try NetworkBenchmark.run()
      print()
      try ConversionBenchmark.run(files: [])
    case "networks": try NetworkBenchmark.run()
    case "conversion": try ConversionBenchmark.run(files: Array(arguments.dropFirst()))
    case "files": try ConversionBenchmark.makeFiles(in: URL(fileURLWithPath: arguments.last ?? "."))
    default: print("usage: zoo-benchmarks [networks | conversion [WEIGHTS...]]")
    }
  }
}
