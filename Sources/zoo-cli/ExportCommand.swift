import ArgumentParser
import ModelZooTools
import ZooSystem

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model or its weights for other programs.",
    discussion: """
      The ending of the output chooses the format. .safetensors and .npz hold tensors named by their Keras \
      paths. load_weights of Keras 3 reads .weights.h5; load_weights of Keras 2 and 3 reads .h5. .hdf5 is a \
      whole model, which load_model of Keras 2 and 3 opens, and .keras one for Keras 3 alone; .onnx is one for ONNX Runtime and other engines; \
      .mlpackage is one for Core ML on Apple's systems, which takes pictures and names classes. \
      With --format mlx, .safetensors holds what the layers of Apple's MLX load, dense layers of 4 and 8 bits \
      in its own form.

      Examples:
        zoo export resnet50.zoo -o resnet50.safetensors
        zoo export resnet50.zoo -o resnet50.weights.h5
        zoo export flowers.zoo -o flowers.keras
        zoo export flowers.zoo -o flowers.hdf5
        zoo export resnet50.zoo -o resnet50.onnx
        zoo export resnet50.zoo -o resnet50.onnx --layout nchw
        zoo export resnet50.zoo -o ResNet50.mlpackage
        zoo export resnet50.zoo -o ResNet50.mlpackage --dtype f32
        zoo export resnet50.zoo -o resnet50.safetensors --format mlx
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .modelFiles)
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The output: a .safetensors, .npz, .weights.h5, .h5, .hdf5, .keras or .onnx file, or an .mlpackage folder.",
      valueName: "out"),
    completion: .file(extensions: ["safetensors", "npz", "h5", "hdf5", "keras", "onnx", "mlpackage"]))
  var output: String

  @Option(help: "Whose names and axes a .safetensors file has.")
  var format = Exporter.Axes.keras

  @Option(
    help: "For .onnx and .mlpackage: the order of the axes of images in arrays; without it nhwc, as in Keras."
  )
  var layout: ImageLayout?

  @Option(
    help: "For .mlpackage: the floats that it holds and computes with; without it f16, for the Neural Engine."
  )
  var dtype: Exporter.Precision?

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if layout != nil, !outputEnds(in: ".onnx"), !outputEnds(in: ".mlpackage") {
      throw ValidationError("--layout is for outputs that end in .onnx or .mlpackage.")
    }
    if dtype != nil, !outputEnds(in: ".mlpackage") {
      throw ValidationError("--dtype is for outputs that end in .mlpackage; others keep the model's types.")
    }
  }

  /// Outputs of a Core ML package that 16-bit weights move farther deserve a look.
  private static let doubtfulError = 0.05

  private func outputEnds(in ending: String) -> Bool {
    let name = output.lowercased()
    return name.hasSuffix(ending) || name.hasSuffix(ending + "/")
  }

  func run() throws {
    let exporter = try Exporter(
      path: model, output: output, axes: format, layout: layout ?? .nhwc, precision: dtype ?? .f16)
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
    if let data = report.data { try Terminal.print("its weights are in \(data), which has to lie beside it") }
    if let error = report.largestError, error > Self.doubtfulError {
      Terminal.warning(
        "16-bit weights move its outputs by up to \(significant(error)) of their largest value; --dtype f32 keeps them"
      )
    }
    if let interface = report.interface { try Terminal.print("it \(interface)") }
    if let error = report.largestError, let trials = report.trials {
      try Terminal.print(
        "16-bit weights move its outputs by at most \(significant(error)) of their largest value, on \(trials); "
          + "--dtype f32 keeps 32 bits")
    }
    if report.format == "mlpackage" { return }
    if report.widened > 0, report.format == "onnx" {
      try Terminal.print("\(report.widened) tensors of smaller types were written as f32")
    } else if report.widened > 0 {
      try Terminal.print(
        "\(report.widened) bf16 tensors were written as f32, because this format has no bf16")
    }
  }
}

extension Exporter.Axes: ExpressibleByArgument {}
extension Exporter.Precision: ExpressibleByArgument {}
extension ImageLayout: ExpressibleByArgument {}
