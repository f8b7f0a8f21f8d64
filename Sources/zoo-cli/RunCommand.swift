import ArgumentParser
import ModelZooTools
import ZooSystem

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a model on an array.",
    discussion: """
      The input must be preprocessed: float32 of shape (N, H, W, C).

      Examples:
        zoo run resnet50.zoo --input x.npy --output y.npz
        zoo run resnet50.zoo --input io.npz --tap conv2_block1_out --engine reference
      """)

  @Argument(help: "A .zoo file.", completion: .zooFiles)
  var model: String

  @Option(
    help: ArgumentHelp("A .npy file, or a .npz with x (and x1, … for further inputs).", valueName: "x"),
    completion: .file(extensions: ["npy", "npz"]))
  var input: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The output, with y, y1, … and tap:LAYER; without it, a summary is printed.", valueName: "y.npz"),
    completion: .file(extensions: ["npz"]))
  var output: String?

  @Option(
    help: ArgumentHelp("Also return the output of this layer; can be repeated.", valueName: "layer"),
    completion: .layers)
  var tap: [String] = []

  @Option(help: "The engine; the reference engine is slow and computes in double precision.")
  var engine = ArrayRun.EngineKind.fast

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    if let output { try AtomicFile.checkPossible(output, overwrite: overwrite.force) }
    let run = try ArrayRun(path: model, inputPath: input, taps: tap)
    let bar = ProgressBar(quiet: common.quiet)
    bar.show("running the \(engine.rawValue) engine")
    let results = try run.results(engine: engine, threads: threads.count)
    bar.finish()
    if let output {
      try results.write(to: output, overwrite: overwrite.force)
    }
    let rows = results.arrays.map { RunOutput(name: $0.name, tensor: $0.tensor) }
    if common.json { return try Terminal.print(json: rows) }
    guard !common.quiet else { return }
    var table = Table(["ARRAY", "SHAPE", "MINIMUM", "MAXIMUM", "MEAN"], rightAligned: [2, 3, 4])
    for row in rows {
      table.add(
        row.name, Shape(row.shape).description, decimal(Double(row.minimum), 6),
        decimal(Double(row.maximum), 6),
        decimal(row.mean, 6))
    }
    try table.print()
  }
}

extension ArrayRun.EngineKind: ExpressibleByArgument {}

/// One result array in numbers.
private struct RunOutput: Encodable {
  let name: String
  let shape: [Int]
  let minimum: Float
  let maximum: Float
  let mean: Double

  init(name: String, tensor: Tensor) {
    self.name = name
    self.shape = tensor.shape.dimensions
    minimum = tensor.values.min() ?? .nan
    maximum = tensor.values.max() ?? .nan
    mean = tensor.values.reduce(0) { $0 + Double($1) } / Double(max(1, tensor.values.count))
  }
}
