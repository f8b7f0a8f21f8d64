import ArgumentParser
import ModelZooTools
import ZooSystem

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a classifier on labelled pictures.",
    discussion: """
      DATA is what zoo train takes: a folder of class folders, one with train, val and test folders, or a CSV file. Classes \
      are matched to the model's labels by name. If the data have a test part, only that is used. Accuracy comes with its \
      95 % interval (Wilson), and next to it what guessing the largest class would give.

      Examples:
        zoo evaluate flowers.zoo flowers/test
        zoo evaluate flowers.zoo labels.csv --tta 8 --report test.html
      """)

  @Argument(help: "A .zoo file.", completion: .file(extensions: ["zoo"]))
  var model: String

  @Argument(help: "A folder of class folders, or a CSV file.", completion: .file())
  var data: String

  @Option(
    help: ArgumentHelp("The columns of a CSV file, separated by commas; by default all.", valueName: "names"))
  var tasks: String?

  @Option(help: "The part of the data to use: training, validation or test.")
  var part: ImageDataset.Part?

  @Option(
    help: ArgumentHelp(
      "Average this many views of each picture: the picture itself and augmented ones.", valueName: "n"))
  var tta = 1

  @Option(
    help:
      "Whether such views are flipped left to right; auto flips unless the model was trained without flips.")
  var flip = HeadTrainer.Flips.automatic

  @OptionGroup var report: ReportOption
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...64).contains(tta) else {
      throw ValidationError("--tta takes a number from 1 to 64, not \(tta).")
    }
  }

  func run() throws {
    let opened = try Model(zooFile: model)
    var options = Evaluation.Options()
    options.fitting = pictures.fitting(for: opened)
    options.isUpright = pictures.isUpright(for: opened)
    options.views = tta
    options.flips = flip
    options.threads = threads.count
    common.warn(of: opened)
    try report.checkPossible(overwrite: overwrite.force)
    let columns = tasks.map { $0.split(separator: ",").map(String.init) } ?? []
    let dataset = try ImageDataset(path: data, options: ImageDataset.Options(tasks: columns))
    let bar = ProgressBar(quiet: common.quiet)
    let evaluation = try Evaluation(
      model: model, on: dataset, named: data, part: part, options: options
    ) { done, total in bar.show("evaluating", done: done, total: total) { "\($0) pictures" } }
    if let path = report.path {
      bar.show("writing \(path)")
      if report.isPage {
        try evaluation.writePage(to: path, arguments: ReportOption.arguments, overwrite: overwrite.force)
      } else {
        try evaluation.write(to: path, overwrite: overwrite.force)
      }
    }
    bar.finish()
    for warning in evaluation.warnings where !common.quiet { Terminal.warning(warning) }
    for picture in evaluation.unreadable where !common.quiet {
      Terminal.warning("skipped \(picture.picture): \(picture.reason)")
    }
    if common.json { return try Terminal.print(json: evaluation) }
    for task in evaluation.tasks {
      let prefix = evaluation.tasks.count > 1 ? "\(task.name): " : ""
      try MeasuredText(task.measured).print("result", prefix: prefix)
      try MeasuredText(task.measured).printClasses()
    }
  }
}

extension ImageDataset.Part: ExpressibleByArgument {}
