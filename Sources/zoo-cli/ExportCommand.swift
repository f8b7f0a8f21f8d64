import ArgumentParser
import ZooConversion
import ZooSystem

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model's weights for other programs.",
    discussion: """
      The output's ending chooses the format: .safetensors and .npz hold tensors named by their Keras \
      paths; .weights.h5 is Keras 3's, .h5 what Keras 2 and Keras 3 both load with load_weights.

      Examples:
        zoo export resnet50.zoo -o resnet50.safetensors
        zoo export resnet50.zoo -o resnet50.weights.h5
      """)

  @Argument(help: "The .zoo file.", completion: .file())
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to write: a .safetensors, .npz, .weights.h5 or .h5 file.", valueName: "out"))
  var output: String

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    let exporter = try Exporter(path: model, output: output)
    let bar = ProgressBar(quiet: common.quiet)
    let report = try exporter.export(overwrite: overwrite.force) { done, total in
      bar.show("writing", done: done, total: total, format: byteSize)
    }
    bar.finish()
    if common.json { return try Terminal.print(json: report) }
    guard !common.quiet else { return }
    try Terminal.print(
      "wrote \(report.output): \(report.architecture), \(grouped(report.parameters)) weights in "
        + "\(report.tensors) tensors, \(byteSize(report.bytes))")
    if report.widened > 0 {
      try Terminal.print("\(report.widened) tensors of bf16 are stored as f32, since this format lacks bf16")
    }
  }
}
