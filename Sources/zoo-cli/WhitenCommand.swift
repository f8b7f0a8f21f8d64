import ArgumentParser
import ModelZooTools
import ZooSystem

struct WhitenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "whiten",
    abstract: "Fit a model's features to pictures without labels.",
    discussion: """
      Finds the directions in which the features of the pictures differ most, and writes the model with one dense layer \
      behind its pooled features that has them as outputs, uncorrelated and all of the variance 1. zoo train, zoo similar \
      and zoo cluster use these outputs as features where they are given the result.

      Examples:
        zoo whiten mobilenet.zoo photographs -o whitened.zoo
        zoo train flowers --backbone whitened.zoo -o flowers.zoo
      """)

  @Argument(help: "A .zoo file.", completion: .file(extensions: ["zoo"]))
  var model: String

  @Argument(help: "Folders and pictures.", completion: .file())
  var places: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The output.", valueName: "out.zoo"),
    completion: .file(extensions: ["zoo"]))
  var output: String

  @Option(
    help: ArgumentHelp(
      "How many directions to keep; by default 128, or a quarter of the number of pictures if that is less.",
      valueName: "n"))
  var components: Int?

  @OptionGroup var features: FeatureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let components, !(1...65536).contains(components) {
      throw ValidationError("--components takes a number from 1 to 65536, not \(components).")
    }
    guard !places.contains("-") else {
      throw ValidationError("Standard input is not read here; name a file.")
    }
  }

  func run() throws {
    let opened = try Model(zooFile: model)
    try AtomicFile.checkPossible(output, overwrite: overwrite.force)
    common.warn(of: opened)
    if !common.quiet { try features.pictures.warnOfOthers(in: places) }
    let whitener = try FeatureWhitener(
      backbone: model, components: components,
      options: features.options(for: opened, threads: threads.count))
    let name = places.map { $0.split(separator: "/").last.map(String.init) ?? $0 }.joined(separator: ", ")
    let bar = ProgressBar(quiet: common.quiet)
    let report = try whitener.whiten(places, named: name, to: output, overwrite: overwrite.force) {
      bar.show($0)
    }
    bar.finish()
    if !common.quiet {
      for warning in report.warnings { Terminal.warning(warning) }
      for picture in report.unreadable { Terminal.warning("skipped \(picture.picture): \(picture.reason)") }
    }
    if common.json { return try Terminal.print(json: report) }
    guard !common.quiet else { return }
    try Terminal.print(row: "pictures", grouped(report.pictures))
    try Terminal.print(
      row: "features",
      "\(grouped(report.features)) of \(report.layers.joined(separator: ", ")), whitened to "
        + "\(grouped(report.components)) with \(decimal(report.explained * 100, 1)) % of their variance")
    try Terminal.print(
      row: "checks", "\(report.verification.checks.count { $0.status == .passed }) passed")
    try Terminal.print("wrote \(report.output)")
  }
}
