import ArgumentParser
import ModelZooTools
import ZooSystem

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a weight file to a verified .zoo file.",
    discussion: """
      Reads Keras HDF5 (.h5), Keras 3 (.keras, .weights.h5), NumPy (.npz), safetensors, PyTorch (.pt, \
      .pth) and .zoo files, which it recognises by their content. Nothing in a file is run. The output appears complete and verified, or not at all. As INPUT, - is \
      standard input; as the output, standard output.

      Examples:
        zoo convert resnet50.h5
        zoo convert mobilenet.npz -o m.zoo --architecture mobilenet --dtype f16
        zoo convert model.keras --io recorded.npz --report report.html
        zoo convert resnet50.h5 --fit 30MB
        zoo convert model.h5 --lambda 'scale=x / 127.5 - 1'
        curl -s https://example.org/model.h5 | zoo convert - -o models/model.zoo
      """)

  @Argument(help: "The weight file; - is standard input.", completion: .modelFiles)
  var input: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The output, or a folder for it; by default INPUT's name with .zoo, in the current folder.",
      valueName: "out.zoo"), completion: .zooFiles)
  var output: String?

  @OptionGroup var network: ArchitectureOption

  @Option(
    help: ArgumentHelp(
      "The model's Keras configuration (to_json()), for weights that were saved without it.",
      valueName: "model.json"), completion: .file(extensions: ["json"]))
  var config: String?

  @Option(
    name: .customLong("lambda"),
    help: ArgumentHelp(
      "What a layer with Python code computes, which is never run: arithmetic of x, numbers and Keras' "
        + "activation functions, for example 'scale=x / 127.5 - 1'. May be repeated.",
      valueName: "layer=expression"))
  var lambdas: [LambdaStatement] = []

  @Option(
    help: ArgumentHelp(
      "The program that wrote the file, if variants differ. See zoo list NAME.", valueName: "name"),
    completion: .list(KnownArchitecture.allWriters))
  var writer: String?

  @Option(help: "The layout of the file's kernels; detected by default.")
  var kernelOrder: KernelLayout.Named?

  @Flag(help: "Match by name even if the order in the file disagrees.")
  var trustNames = false

  @Option(
    help:
      "The type of stored weights: f32, the default, is bit-exact; int8 and int4 store kernels as whole numbers with scales."
  )
  var dtype: StorageType?

  private static let defaultLargestErrors = StorageType.allCases.filter { $0 != .f32 }.map {
    "\(decimal(Converter.Options.largestStorageError(of: $0), 2)) for \($0.rawValue)"
  }.joined(separator: ", ")

  @Option(
    help: ArgumentHelp(
      "With a smaller --dtype: maximum relative error per layer; layers that would exceed it are stored more exactly. "
        + "(default: \(defaultLargestErrors))",
      valueName: "error"))
  var largestError: Double?

  @Option(
    help:
      "How values are computed: int8 runs whole layers on 8 bits, faster with VNNI, AMX or NEON; implies --dtype int8."
  )
  var activations = Activations.f32

  enum Activations: String, CaseIterable, ExpressibleByArgument { case f32, int8 }

  private static let defaultOutputError = Converter.Options().largestOutputError

  @Option(
    help: ArgumentHelp(
      "With --activations int8: how far outputs may move, root of the mean square, of their deviation; layers that "
        + "move them farther stay f32. (default: \(defaultOutputError))",
      valueName: "error"))
  var outputError: Double?

  @Option(
    help: ArgumentHelp(
      "With --activations int8, --fit or --fit-error: a folder of pictures like those of its use, to try it on; synthetic "
        + "ones by default.",
      valueName: "folder"), completion: .directory)
  var images: String?

  @Flag(
    help: "Code the stored weights without loss: a smaller file to ship, which takes longer to open.")
  var compress = false

  @Option(
    help: ArgumentHelp(
      "The most that the output may take, for example 10MB: each tensor gets the type and the coding that cost the least. "
        + "Prints what else there would be.",
      valueName: "size"))
  var fit: ByteCount?

  @Option(
    help: ArgumentHelp(
      "How far outputs may move, root of the mean square, of their deviation, for example 0.01: makes the smallest file "
        + "that keeps to it. Prints what else there would be.",
      valueName: "error"))
  var fitError: Double?

  @Option(
    help: ArgumentHelp(
      "A text file with one class label per line; by default a labels.txt in the weight file's folder, if it fits.",
      valueName: "labels.txt"),
    completion: .file(extensions: ["txt"]))
  var labels: String?

  @OptionGroup var pictures: InputOptions

  @Option(
    help: ArgumentHelp(
      "Also compare with recorded inputs and outputs: x, y, tap:LAYER.", valueName: "io.npz"),
    completion: .file(extensions: ["npz"]))
  var io: String?

  @Flag(help: "Do everything except write the output.")
  var dryRun = false

  @Option(
    help: ArgumentHelp(
      "Write a report of how each tensor was matched and what the checks found: a web page if the name ends in .html, "
        + "JSON otherwise.",
      valueName: "report.json|report.html"),
    completion: .file(extensions: ["json", "html"]))
  var report: String?

  @Flag(help: "Treat every warning as an error.")
  var strict = false

  @OptionGroup var verification: VerificationOption

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if input == "-" && output == nil {
      throw ValidationError("To convert standard input, name the output with -o.")
    }
    if writesToStandardOutput {
      if common.json { throw ValidationError("-o - and --json both need standard output.") }
      if isatty(STDOUT_FILENO) == 1 {
        throw ValidationError("-o - writes a file that a terminal cannot show; redirect standard output.")
      }
    }
    if verification.skipVerification && io != nil {
      throw ValidationError("--io and --no-verify exclude each other.")
    }
    if let layer = Dictionary(grouping: lambdas, by: \.layer).first(where: { $0.value.count > 1 })?.key {
      throw ValidationError("--lambda is given twice for '\(layer)'.")
    }
    if activations == .int8 {
      guard storage == .int8 else { throw ValidationError("--activations int8 takes --dtype int8.") }
    } else if outputError != nil {
      throw ValidationError("--output-error requires --activations int8.")
    } else if images != nil && target == nil {
      throw ValidationError("--images requires --activations int8, --fit or --fit-error.")
    }
    if fit != nil || fitError != nil {
      if fit != nil && fitError != nil { throw ValidationError("--fit and --fit-error exclude each other.") }
      guard dtype == nil, activations == .f32, !compress else {
        throw ValidationError(
          "--fit and --fit-error choose types and coding themselves: leave --dtype, --compress and --activations out."
        )
      }
      if let fitError, !(fitError > 0) {
        throw ValidationError("--fit-error takes a positive number, not \(fitError).")
      }
    }
    if let outputError, !(outputError > 0) {
      throw ValidationError("--output-error takes a positive number, not \(outputError).")
    }
    if let largestError {
      guard storage != .f32 else {
        throw ValidationError("--largest-error requires --dtype f16 or another smaller type.")
      }
      guard largestError > 0 else {
        throw ValidationError("--largest-error takes a positive number, not \(largestError).")
      }
    }
  }

  func run() throws {
    var options = Converter.Options()
    options.recipe = RecipeOptions(
      architecture: network.architecture, preprocessing: pictures.preprocessing,
      inputSize: pictures.inputSize?.extent,
      labels: try labels.map(ClassLabel.read(fromFile:)), writer: writer, kernelLayout: kernelOrder,
      trustsNames: trustNames, configuration: config,
      lambdas: Dictionary(lambdas.map { ($0.layer, $0.expression) }, uniquingKeysWith: { _, last in last }))
    options.storage = storage
    options.integerActivations = activations == .int8
    if let outputError { options.largestOutputError = outputError }
    options.images = images.map { [$0] } ?? []
    if let largestError { options.largestStorageError = largestError }
    options.compress = compress
    options.fit = target
    options.verify = !verification.skipVerification
    options.verifier.threads = threads.count
    options.verifier.ioPath = io
    options.overwrite = overwrite.force
    options.dryRun = dryRun
    options.isStrict = strict

    if let report { try AtomicFile.checkPossible(report, overwrite: overwrite.force) }
    let source = input == "-" ? try StandardInput() : nil
    // The file goes with its last use.
    defer { withExtendedLifetime(source) {} }
    let target = writesToStandardOutput && !dryRun ? try StandardOutput() : nil
    let bar = ProgressBar(quiet: common.quiet)
    let result: ConversionReport
    do {
      result = try Converter(options: options)
        .convert(source?.path ?? input, to: target?.path ?? outputPath) { bar.show($0) }
    } catch {
      throw source?.naming(error) ?? error
    }
    bar.finish()
    if let report { try write(result, to: report, model: target?.path ?? result.output) }
    try target?.send()
    if common.json { return try Terminal.print(json: result) }
    guard !common.quiet else { return }
    for warning in result.warnings {
      Terminal.warning(source.map { $0.naming(warning) } ?? warning)
    }
    try ConversionText(
      result: result, output: writesToStandardOutput ? StandardOutput.name : outputPath,
      isCompressed: compress,
      stream: writesToStandardOutput ? .errors : .output
    ).print()
  }

  /// - Parameter model: the `.zoo` file that was written; nil for a dry run.
  private func write(_ result: ConversionReport, to report: String, model: String?) throws {
    guard GraphFormat(path: report) == .html else {
      return try result.write(to: report, overwrite: overwrite.force)
    }
    try result.writePage(
      to: report, model: model.map { path throws(ZooError) in try Model(zooFile: path) },
      overwrite: overwrite.force)
  }

  private var writesToStandardOutput: Bool { output == "-" }

  /// The file to write: a folder gets one of INPUT's name.
  private var outputPath: String {
    let name = Converter.defaultOutput(for: input == "-" ? StandardInput.fileName : input)
    return pathOfOutput(output, name: name)
  }

  /// The type that weights are stored in as far as they may be.
  private var storage: StorageType { dtype ?? (activations == .int8 ? .int8 : .f32) }

  private var target: FitTarget? { fit.map { .bytes($0.bytes) } ?? fitError.map { .error($0) } }
}
