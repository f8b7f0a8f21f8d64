import ArgumentParser
import ModelZooTools
import ZooSystem

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a model or weight file contains.",
    discussion: """
      In the list of layers, 3x3/2 is a window of 3x3 pixels that moves by 2 pixels; a stride of 1 is left out. A \
      terminal that is too narrow for the lists of layers and tensors gets them cut; --json has everything.

      Examples:
        zoo inspect resnet50.zoo
        zoo inspect mobilenet.h5 --layers --tensors
        zoo inspect resnet50.zoo --graph resnet50.html
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .modelFiles)
  var file: String

  @Flag(help: "List the layers.")
  var layers = false

  @Flag(help: "List the tensors.")
  var tensors = false

  @Option(
    help: ArgumentHelp(
      "Write a picture of the network: a web page with blocks that unfold and the weights of each layer, or a static "
        + "picture (SVG).",
      valueName: "graph.html|graph.svg"),
    completion: .file(extensions: ["html", "svg"]))
  var graph: String?

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let graph, GraphFormat(path: graph) == nil {
      throw ValidationError("--graph takes a file that ends in .html or .svg, not '\(graph)'.")
    }
  }

  func run() throws {
    if let graph { try Model(converting: file).writeGraph(to: graph, overwrite: overwrite.force) }
    var summary = try ModelSummary(path: file, withDigests: common.json || tensors)
    summary.remark = summary.remark.map(ZooError.typed)
    if common.json { return try Terminal.print(json: summary) }
    try printOverview(summary)
    if layers { try printLayers(summary) }
    if tensors { try printTensors(summary) }
  }

  private func printOverview(_ summary: ModelSummary) throws {
    func row(_ label: String, _ value: String?) throws {
      guard let value, !value.isEmpty else { return }
      try Terminal.print(row: label, value)
    }
    try row("file", summary.file)
    try row("format", summary.format)
    try row("architecture", summary.architecture.map { "\($0) (\(summary.variant ?? ""))" })
    try row("remark", summary.remark)
    try row(
      "parameters",
      grouped(summary.parameters)
        + (summary.trainableParameters.map { " (\(grouped($0)) trainable)" } ?? ""))
    try row("MACs", summary.macs.map(grouped))
    try row("input", summary.inputShape.map(shapeText))
    try row("output", summary.outputShapes.map { $0.map(shapeText).joined(separator: ", ") })
    try row(
      "preprocessing",
      summary.preprocessingIsInside == true ? "none, as it is inside the network" : summary.preprocessing)
    try row("pictures", summary.resize.map { "resize \($0)" + (summary.crop.map { ", crop \($0)" } ?? "") })
    for (layer, expression) in (summary.source.lambdas ?? [:]).sorted(by: { $0.key < $1.key }) {
      try row("lambda", "\(layer) = \(expression), as stated")
    }
    if summary.activations == "int8" {
      let floats = summary.floatLayers ?? []
      try row(
        "activations", "int8" + (floats.isEmpty ? "" : ", but f32 in \(floats.joined(separator: ", "))"))
    }
    try row("classes", summary.classes.map(String.init))
    try row("layers", summary.layers.isEmpty ? nil : String(summary.layers.count))
    try row("tensors", tensorText(summary.tensors))
    try row("left out", summary.leftOut.map { "\($0.name): \($0.reason)" }.joined(separator: ", "))
    for (reason, tensors) in Dictionary(grouping: summary.unused, by: \.reason).sorted(by: { $0.key < $1.key }
    ) {
      let names = tensors.prefix(4).map { "'\($0.name)'" }.joined(separator: ", ")
      let belong = tensors.count == 1 ? "1 tensor belongs" : "\(tensors.count) tensors belong"
      try row("unused", "\(belong) to nothing: \(names)\(tensors.count > 4 ? ", …" : "") (\(reason))")
    }
    try row("accuracy", summary.accuracy)
    if let training = summary.training { try printTraining(training) }
    try row("licence", summary.licence)
    try row("citation", summary.citation)
    try row("content", summary.content)
    if summary.source.file != summary.file { try row("source", summary.source.file) }
    try row("source sha256", summary.source.sha256)
    try row("writer", summary.source.writer)
    for (check, verdict) in summary.verification.sorted(by: { $0.key < $1.key }) {
      try row("check", "\(check): \(verdict)")
    }
  }

  private func printTraining(_ training: ModelSummary.Training) throws {
    try Terminal.print(
      row: "trained from",
      "\(training.backbone), \(training.layers.count == 1 ? "layer" : "layers") "
        + training.layers.joined(separator: ", "))
    try Terminal.print(row: "trained on", "\(training.data), \(counted(training.pictures, "picture"))")
    for task in training.tasks where task.kind != "number" || training.tasks.count > 1 {
      let name = training.tasks.count > 1 ? "\(task.name): " : ""
      let some = task.labels.prefix(12).joined(separator: ", ") + (task.labels.count > 12 ? ", …" : "")
      try Terminal.print(
        row: "task",
        name + (task.kind == "number" ? "a number" : "\(task.labels.count) \(task.kind): \(some)"))
    }
    let pixels = [
      "resize \(training.resize)", training.crop.map { "crop \($0)" }, training.exif ? "exif" : nil,
    ]
    try Terminal.print(row: "pictures", pixels.compactMap(\.self).joined(separator: ", "))
    for (name, value) in training.settings.sorted(by: { $0.key < $1.key }) {
      try Terminal.print(row: "setting", "\(name): \(value)")
    }
    for (name, value) in training.results.sorted(by: { $0.key < $1.key }) {
      try Terminal.print(row: "result", "\(name): \(decimal(value, 4))")
    }
  }

  private func printLayers(_ summary: ModelSummary) throws {
    try Terminal.print()
    if summary.macs == nil {
      var table = Table(["LAYER", "CLASS", "PARAMETERS"], rightAligned: [2])
      for layer in summary.layers { table.add(layer.name, layer.kind, grouped(layer.parameters)) }
      return try table.print()
    }
    var table = Table(
      ["LAYER", "KIND", "OUTPUT", "PARAMETERS", "MACS", "DETAILS", "CONNECTED TO"], rightAligned: [3, 4],
      whole: [2], dropping: [4], wrapsLast: true)
    for layer in summary.layers {
      table.add(
        layer.name, layer.kind, shapeText(layer.outputShape), grouped(layer.parameters), grouped(layer.macs),
        layer.details, layer.inputs.joined(separator: ", "))
    }
    try table.print()
  }

  /// How many tensors there are, the bytes that they take, and their types where these are several.
  private func tensorText(_ tensors: [ModelSummary.Tensor]) -> String {
    let bytes = tensors.reduce(0) { $0 + $1.bytes }
    let decoded = tensors.reduce(0) { $0 + ($1.decodedBytes ?? $1.bytes) }
    let types = Dictionary(grouping: tensors, by: \.dtype).mapValues(\.count).sorted {
      ($1.value, $0.key) < ($0.value, $1.key)
    }
    return "\(tensors.count), \(byteSize(bytes))"
      + (decoded > bytes ? ", compressed from \(byteSize(decoded))" : "")
      + (types.count > 1 ? "; \(types.map { "\($0.value) \($0.key)" }.joined(separator: ", "))" : "")
  }

  /// With what storing a tensor changed at most, of its largest value, where it changed any.
  private func printTensors(_ summary: ModelSummary) throws {
    try Terminal.print()
    let hasErrors = summary.tensors.contains { $0.storageError != nil }
    let error = hasErrors ? ["ERROR"] : []
    var table = Table(
      ["TENSOR", "SHAPE", "TYPE", "BYTES"] + error + ["CHECKSUM"], rightAligned: hasErrors ? [3, 4] : [3],
      whole: [1, 2])
    for tensor in summary.tensors {
      table.add(
        [tensor.name, shapeText(tensor.shape), tensor.dtype, grouped(tensor.bytes)]
          + (hasErrors ? [tensor.storageError.map(significant) ?? ""] : [])
          + [String((tensor.checksum ?? tensor.sha256 ?? "").prefix(16))])
    }
    try table.print()
  }

  private func shapeText(_ dimensions: [Int]) -> String { Shape(checking: dimensions)?.description ?? "?" }
}
