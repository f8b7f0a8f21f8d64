import ArgumentParser
import ModelZooTools
import ZooSystem

struct ChooseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "choose",
    abstract: "Compare backbones on your own pictures before training.",
    discussion: """
      DATA is what zoo train takes: a folder of class folders, one with train, val and test folders, or a CSV file with a \
      column of classes. Each backbone runs once over the pictures. For the last map of each of its resolutions, averaged \
      over the pixels, the linear head of zoo train is measured by cross-validation, in the same parts for all and with \
      copies of a picture in one part. Test pictures are left out.

      The table begins with the most accurate. LOGME rates features without training a head; higher is better. * marks the \
      recommendation: the fastest one of those whose accuracy can't be told from the best on the same pictures (McNemar's \
      exact test, p of 0.05 or more). Times and parameters are those of the network as far as the layer; zoo train --layer \
      trains there.

      Examples:
        zoo choose flowers mobilenet.zoo resnet50.zoo
        zoo choose flowers mobilenet.zoo --layers conv_pw_11_relu,conv_pw_13_relu
        zoo choose labels.csv *.zoo --top --json
      """)

  @Argument(help: "A folder of class folders, or a CSV file.", completion: .file())
  var data: String

  @Argument(
    help: ArgumentHelp("The .zoo files to compare.", valueName: "backbone.zoo"),
    completion: .file(extensions: ["zoo"]))
  var backbones: [String]

  @Option(
    help: ArgumentHelp(
      "The layers to compare, separated by commas, which all backbones have to have; by default the last map of each "
        + "resolution.", valueName: "names"))
  var layers: String?

  @Flag(help: "Compare only what goes into each backbone's last global pooling.")
  var top = false

  @Option(help: ArgumentHelp("The column of a CSV file to tell apart.", valueName: "name"))
  var task: String?

  @Option(help: ArgumentHelp("The number of parts of cross-validation.", valueName: "n"))
  var folds = 5

  @Option(help: ArgumentHelp("Another seed splits the data otherwise.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var cache: CacheOptions
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (2...20).contains(folds) else {
      throw ValidationError("--folds takes a number from 2 to 20, not \(folds).")
    }
    guard layers == nil || !top else { throw ValidationError("--layers and --top exclude each other.") }
  }

  func run() throws {
    var options = BackboneChooser.Options()
    options.layers = layers.map { $0.split(separator: ",").map(String.init) } ?? []
    options.isTopOnly = top
    options.folds = folds
    options.seed = seed
    options.threads = threads.count
    options.cacheFolder = cache.folder
    let chooser = try BackboneChooser(backbones: backbones, options: options)
    let dataset = try ImageDataset(
      path: data, options: ImageDataset.Options(tasks: task.map { ["\($0):class"] } ?? []))
    let bar = ProgressBar(quiet: common.quiet)
    let choice = try chooser.choose(for: dataset, named: data) { progress in
      switch progress {
      case .pictures(let model, let done, let total):
        bar.show("features of \(model)", done: done, total: total) { "\($0) pictures" }
      case .layers(let model, let done, let total):
        bar.show("layers of \(model)", done: done, total: total) { "\($0) layers" }
      }
    }
    bar.finish()
    for warning in choice.warnings where !common.quiet { Terminal.warning(warning) }
    for picture in choice.unreadable where !common.quiet {
      Terminal.warning("skipped \(picture.picture): \(picture.reason)")
    }
    if common.json { return try Terminal.print(json: choice) }
    try print(choice)
  }

  private func print(_ choice: BackboneChoice) throws {
    if !common.quiet {
      try Terminal.print(
        row: "data", "\(choice.data): \(grouped(choice.pictures)) pictures in \(choice.classes) classes")
      try Terminal.print(
        row: "measured by",
        "\(choice.folds)-fold cross-validation; guessing the largest class: "
          + "\(decimal(choice.largestClass * 100, 1)) %")
      try Terminal.print()
    }
    var table = Table(
      ["", "MODEL", "LAYER", "RIGHT", "95 %", "P", "LOGME", "WIDTH", "PARAMETERS", "FILE", "MS/PICTURE"],
      rightAligned: [3, 4, 5, 6, 7, 8, 9, 10], dropping: [9, 8, 5])
    for candidate in choice.candidates {
      table.add(
        candidate.isRecommended ? "*" : "", candidate.model + (candidate.statesPreprocessing ? "" : " (?)"),
        candidate.layer,
        "\(decimal(candidate.accuracy.value * 100, 1)) %",
        "\(decimal(candidate.accuracy.low * 100, 1))–\(decimal(candidate.accuracy.high * 100, 1))",
        candidate.comparison.map { $0.probability < 0.001 ? "<0.001" : decimal($0.probability, 3) } ?? "",
        candidate.logME.map { decimal($0, 3) } ?? "–",
        grouped(candidate.width), grouped(candidate.parameters), byteSize(candidate.fileBytes),
        decimal(candidate.millisecondsPerPicture, 2))
    }
    try table.print()
    guard !common.quiet else { return }
    try Terminal.print()
    if choice.candidates.contains(where: { !$0.statesPreprocessing }) {
      try Terminal.print("(?) its file does not say how pixels are preprocessed")
    }
    try Terminal.print("* \(choice.reason)")
  }
}
