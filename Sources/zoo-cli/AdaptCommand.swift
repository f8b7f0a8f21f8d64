import ArgumentParser
import ModelZooTools
import ZooSystem

struct AdaptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adapt",
    abstract: "Measure a model's batch norms anew on pictures of another kind, without labels.",
    discussion: """
      PICTURES is a folder of pictures, or what zoo train takes. The mean and variance of every batch norm are measured \
      over all pixels of all pictures, in the network's order, and written in place of the stored ones (AdaBN). No other \
      weight changes. At least 32 pictures are needed; they should show about the mix of classes that the model will see.

      If the pictures are in folders named as the model's classes, the labels measure whether it helped, on the same \
      pictures before and after (McNemar's exact test). They take no part in the adaptation. Often it does not help; the \
      last line says so.

      Examples:
        zoo adapt flowers.zoo photos -o flowers-photos.zoo
        zoo adapt flowers.zoo photos -o flowers-photos.zoo --weight 0.5
        zoo adapt flowers.zoo labelled --labels -o flowers-photos.zoo --json
      """)

  @Argument(help: "A .zoo file.", completion: .file(extensions: ["zoo"]))
  var model: String

  @Argument(help: "A folder of pictures, of class folders, or a CSV file.", completion: .file())
  var pictures: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The output.", valueName: "out.zoo"),
    completion: .file(extensions: ["zoo"]))
  var output: String

  @Option(
    help: ArgumentHelp(
      "How much the new statistics count, from 0 to 1; the stored ones have the rest.", valueName: "number"))
  var weight = 1.0

  @Flag(help: "Fail if the pictures have no labels that fit the model's.")
  var labels = false

  @OptionGroup var picture: PictureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  /// How many norms are listed.
  private static let listed = 10

  func validate() throws {
    guard weight > 0, weight <= 1 else {
      throw ValidationError("--weight takes a number above 0 and up to 1, not \(weight).")
    }
  }

  func run() throws {
    let opened = try Model(zooFile: model)
    var options = BatchNormAdaptation.Options()
    options.weight = weight
    options.fitting = picture.fitting(for: opened)
    options.isUpright = picture.isUpright(for: opened)
    options.threads = threads.count
    options.requiresLabels = labels
    options.overwrite = overwrite.force
    common.warn(of: opened)
    let adaptation = try BatchNormAdaptation(model: model, options: options)
    try AtomicFile.checkPossible(output, overwrite: overwrite.force)
    let dataset =
      labels ? try ImageDataset(path: pictures) : try BatchNormAdaptation.pictures(at: pictures)
    let bar = ProgressBar(quiet: common.quiet)
    let report = try adaptation.adapt(to: dataset, named: dataName, output: output) { progress in
      switch progress {
      case .pictures(let pass, let passes, let done, let total):
        bar.show("pass \(pass) of \(passes)", done: done, total: total) { "\($0) pictures" }
      case .measuring(let done, let total):
        bar.show("measuring", done: done, total: total) { "\($0) pictures" }
      case .verifying(let check): bar.show(check)
      case .writing(let done, let total): bar.show("writing", done: done, total: total) { byteSize($0) }
      }
    }
    bar.finish()
    for warning in report.warnings where !common.quiet { Terminal.warning(warning) }
    for picture in report.unreadable where !common.quiet {
      Terminal.warning("skipped \(picture.picture): \(picture.reason)")
    }
    if common.json { return try Terminal.print(json: report) }
    if !common.quiet { try print(report) }
  }

  private func print(_ report: AdaptationReport) throws {
    try Terminal.print(
      row: "statistics",
      "of \(counted(report.pictures, "picture")) of \(report.data), weight \(report.weight)")
    try Terminal.print(
      row: "norms",
      "\(report.norms.count), measured in \(report.passes) passes"
        + (report.norms.count > Self.listed ? "; the \(Self.listed) that moved farthest:" : ":"))
    try Terminal.print()
    var table = Table(
      ["NORM", "CHANNELS", "MEAN MOVED BY", "AT MOST", "VARIANCE TIMES"], rightAligned: [1, 2, 3, 4])
    for norm in report.norms.prefix(Self.listed) {
      table.add(
        norm.layer, grouped(norm.channels), "\(decimal(norm.meanShift, 2)) σ",
        "\(decimal(norm.largestShift, 2)) σ", decimal(norm.varianceRatio, 2))
    }
    try table.print()
    try Terminal.print()
    try Terminal.print(row: "checks", "\(report.verification.checks.count { $0.status == .passed }) passed")
    if let measured = report.measured {
      func text(_ share: TrainingReport.Measured.Interval) -> String {
        "\(decimal(share.value * 100, 1)) % right (95 %: \(decimal(share.low * 100, 1)) to "
          + "\(decimal(share.high * 100, 1)))"
      }
      try Terminal.print(
        row: "before", "\(text(measured.before)) of \(counted(measured.pictures, "picture"))")
      try Terminal.print(row: "after", text(measured.after))
      try Terminal.print(
        row: "",
        "\(measured.won) pictures won, \(measured.lost) lost: chance would give such a difference with a "
          + "probability of \(measured.probability < 0.001 ? "less than 0.001" : decimal(measured.probability, 3))"
      )
    }
    try Terminal.print("wrote \(report.output)")
    switch report.measured?.verdict {
    case .better: try Terminal.print("It helped.")
    case .worse: try Terminal.print("It made the model worse on these pictures; keep \(report.model).")
    case .same: try Terminal.print("It did not help: the difference may be chance.")
    case nil:
      try Terminal.print("Nothing says whether it helps: \(report.unmeasured ?? "no picture has a label").")
    }
  }

  /// The name of the pictures' folder or file.
  private var dataName: String { pictures.split(separator: "/").last.map(String.init) ?? pictures }
}
