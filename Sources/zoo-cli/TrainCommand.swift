import ArgumentParser
import ModelZooTools
import ZooSystem

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a classifier on your own pictures, on top of a pretrained backbone.",
    discussion: """
      DATA is a folder with a folder of pictures for each class, a folder with train, val and test folders of such \
      folders, or a CSV file that names a picture in each line and has a column for each task. The backbone stays as it \
      is: its features are computed once and kept in a cache, and a head on them is solved, its penalty chosen by \
      cross-validation. The result is one verified .zoo file with backbone, head, labels and preprocessing.

      Copies of a picture, also resized or saved again, are found and never end up on both sides of a split. A fifth of \
      the pictures is held back to measure the result, or, if the smallest class has fewer than 20, cross-validation \
      measures it; then the head is trained on all. Pictures in val and test folders are never trained on.

      Examples:
        zoo pull mobilenet && zoo train flowers/ --backbone mobilenet.zoo
        zoo train flowers --backbone mobilenet.zoo -o flowers.zoo --views 8 --report flowers.html
        zoo train flowers --backbone mobilenet.zoo -o flowers.zoo --head mlp --hidden 256
        zoo train flowers --backbone mobilenet.zoo -o flowers.zoo --head nearest
        zoo train more --add-to flowers.zoo -o more-flowers.zoo
        zoo train labels.csv --backbone resnet50.zoo -o tags.zoo --tasks colour,weight:number
      """)

  @Argument(help: "A folder of class folders, or a CSV file.", completion: .file())
  var data: String

  @Option(
    help: ArgumentHelp("The .zoo file whose features to use.", valueName: "model.zoo"),
    completion: .file(extensions: ["zoo"]))
  var backbone: String?

  @Option(
    help: ArgumentHelp(
      "In place of --backbone: a model that was trained with --head nearest, to which the classes of DATA are added from one "
        + "or more pictures each. Nothing is trained.", valueName: "model.zoo"),
    completion: .file(extensions: ["zoo"]))
  var addTo: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The output, or a folder for it; by default DATA's name with .zoo, in the current folder.",
      valueName: "out.zoo"), completion: .file(extensions: ["zoo"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The columns of a CSV file to learn, separated by commas; NAME:class, NAME:labels or NAME:number says what a "
        + "column holds.", valueName: "names"))
  var tasks: String?

  @Option(
    help: ArgumentHelp(
      "The backbone's layers whose outputs are the features, separated by commas; by default what goes into its last "
        + "global pooling.", valueName: "names"), completion: .layers)
  var layer: String?

  @Option(
    help: ArgumentHelp(
      "The share of pictures to hold back for validation; by default 0.2, or cross-validation if the smallest class has "
        + "fewer than 20 pictures.", valueName: "share"))
  var validation: Double?

  @Option(help: ArgumentHelp("The number of parts of cross-validation.", valueName: "n"))
  var folds = 5

  @Option(
    help: ArgumentHelp(
      "The number of views of each picture to train on: the picture itself and augmented ones.",
      valueName: "n"))
  var views = 1

  @Option(help: "How far augmented views are from the picture.")
  var augment = HeadTrainer.Augmentation.light

  @Option(
    help: ArgumentHelp(
      "Whether augmented views are flipped left to right; auto flips unless held-back pictures are told worse when they "
        + "are flipped, as letters and digits are.")
  )
  var flip = HeadTrainer.Flips.automatic

  @Option(
    help:
      "How classes are weighed; auto balances them if the largest has over 3 times the pictures of the smallest."
  )
  var classWeights = HeadTrainer.ClassWeights.automatic

  @OptionGroup var head: HeadOptions

  @Option(
    help: ArgumentHelp(
      "The penalty on the head's squared weights; by default it is chosen by cross-validation.",
      valueName: "number"))
  var penalty: Double?

  @Option(
    help: ArgumentHelp("Another seed splits the data otherwise, and gives other views.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup(title: "Options of training layers of the backbone") var fineTune: FineTuneOptions

  @OptionGroup var cache: CacheOptions

  @OptionGroup var report: ReportOption

  @Flag(help: "Look at the data, and print what training would take.")
  var dryRun = false

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    func check(_ isRight: Bool, _ text: String) throws { if !isRight { throw ValidationError(text) } }
    try check(
      backbone != nil || addTo != nil,
      "Missing expected argument '--backbone <model.zoo>'. `zoo pull mobilenet` downloads one; `zoo list` shows others."
    )
    try check(backbone == nil || addTo == nil, "--backbone and --add-to exclude each other.")
    try check(
      addTo == nil || head.head == .linear && layer == nil && views == 1 && !dryRun && tasks == nil,
      "--add-to takes the model's own head, layer and task; it goes with no option that chooses them.")
    try check(validation.map { $0 > 0 && $0 < 1 } ?? true, "--validation takes a share between 0 and 1.")
    try check((2...20).contains(folds), "--folds takes a number from 2 to 20, not \(folds).")
    try check((1...64).contains(views), "--views takes a number from 1 to 64, not \(views).")
    try check(penalty.map { $0 > 0 && $0.isFinite } ?? true, "--penalty takes a number above 0.")
    try check(report.path == nil || !dryRun, "--report and --dry-run exclude each other.")
    try check(report.path == nil || report.path != outputPath, "--report and -o name the same file.")
    try check(penalty == nil || head.head == .linear, "--penalty goes with --head linear.")
    try check(augment != .none || views == 1, "--augment none has no views; it goes with --views 1.")
    try check(!fineTune.isAsked || head.head != .nearest, "--fine-tune goes with --head linear or mlp.")
    try check(!fineTune.isAsked || addTo == nil, "--fine-tune and --add-to exclude each other.")
  }

  func run() throws {
    if let addTo { return try add(to: addTo) }
    guard let backbone else { return }
    var trainer = try HeadTrainer(backbone: backbone)
    let model = trainer.model
    var options = HeadTrainer.Options()
    options.layers = Self.list(layer)
    options.views = views
    options.augmentation = augment
    options.flips = flip
    options.validation = validation
    options.folds = folds
    options.classWeights = classWeights
    options.head = head.kind
    options.penalty = penalty
    options.seed = seed
    options.threads = threads.count
    options.fitting = pictures.fitting(for: model)
    options.isUpright = pictures.isUpright(for: model)
    options.cacheFolder = cache.folder
    options.overwrite = overwrite.force
    trainer.options = options
    common.warn(of: model)
    if writes { try AtomicFile.checkPossible(outputPath, overwrite: overwrite.force) }
    try self.report.checkPossible(overwrite: overwrite.force)
    let dataset = try ImageDataset(path: data, options: ImageDataset.Options(tasks: Self.list(tasks)))
    let bar = ProgressBar(quiet: common.quiet)
    if fineTune.findRate { return try findRate(trainer, dataset, bar) }
    guard writes else {
      let estimate = try trainer.estimate(
        for: dataset, fineTuning: fineTune.configuration(augmentation: augment) ?? TrainingConfiguration())
      bar.finish()
      return try print(estimate, dataset)
    }
    let report: TrainingReport
    if let configuration = fineTune.configuration(augmentation: augment) {
      var whole = Trainer(head: trainer, configuration: configuration)
      whole.checkpointFolder = fineTune.checkpoint
      whole.resuming = fineTune.resuming(overwrite: overwrite.force)
      report = try whole.train(on: dataset, named: dataName, to: outputPath) { bar.show($0) }
    } else {
      report = try trainer.train(on: dataset, named: dataName, to: outputPath) { bar.show($0) }
    }
    if let path = self.report.path {
      bar.show("writing \(path)")
      if self.report.isPage {
        try report.writePage(to: path, arguments: ReportOption.arguments, overwrite: overwrite.force)
      } else {
        try report.write(to: path, overwrite: overwrite.force)
      }
    }
    bar.finish()
    for warning in report.warnings where !common.quiet { Terminal.warning(warning) }
    if common.json { return try Terminal.print(json: report) }
    if !common.quiet { try TrainingText(report).print() }
  }

  private func findRate(_ trainer: HeadTrainer, _ dataset: ImageDataset, _ bar: ProgressBar) throws {
    guard let configuration = fineTune.configuration(augmentation: augment) else { return }
    let search = try Trainer(head: trainer, configuration: configuration)
      .findRate(on: dataset, named: dataName) { bar.show($0) }
    bar.finish()
    if common.json { return try Terminal.print(json: search) }
    var table = Table(["RATE", "LOSS", "SMOOTHED"], rightAligned: [0, 1, 2])
    for (index, step) in search.steps.enumerated() where index % 5 == 0 || index == search.steps.count - 1 {
      table.add(significant(step.rate), decimal(step.loss, 3), decimal(step.smoothed, 3))
    }
    try table.print()
    try Terminal.print(
      search.suggestion.map { "\(search.stage): --rate \(significant($0))" }
        ?? "\(search.stage): the loss falls at no rate")
  }

  private func add(to path: String) throws {
    let model = try Model(zooFile: path)
    var options = ClassAddition.Options()
    options.fitting = pictures.fitting(for: model)
    options.isUpright = pictures.isUpright(for: model)
    options.threads = threads.count
    options.overwrite = overwrite.force
    common.warn(of: model)
    let addition = try ClassAddition(model: path, options: options)
    try AtomicFile.checkPossible(outputPath, overwrite: overwrite.force)
    let dataset = try ClassAddition.pictures(at: data)
    let bar = ProgressBar(quiet: common.quiet)
    let report = try addition.add(dataset, named: dataName, to: outputPath) { bar.show($0) }
    bar.finish()
    for warning in report.warnings where !common.quiet { Terminal.warning(warning) }
    for picture in report.unreadable where !common.quiet {
      Terminal.warning("skipped \(picture.picture): \(picture.reason)")
    }
    if common.json { return try Terminal.print(json: report) }
    guard !common.quiet else { return }
    try Terminal.print(row: "data", "\(report.data): \(counted(report.pictures, "picture"))")
    if !report.added.isEmpty {
      try Terminal.print(row: "new", report.added.joined(separator: ", "))
    }
    if !report.extended.isEmpty {
      try Terminal.print(row: "more pictures", report.extended.joined(separator: ", "))
    }
    try Terminal.print(row: "classes", grouped(report.classes))
    try Terminal.print(row: "checks", "\(report.verification.checks.count { $0.status == .passed }) passed")
    try Terminal.print("wrote \(report.output)")
  }

  private func print(_ estimate: TrainingEstimate, _ dataset: ImageDataset) throws {
    for warning in dataset.warnings where !common.quiet { Terminal.warning(warning) }
    if common.json { return try Terminal.print(json: estimate) }
    for task in dataset.tasks {
      let kind = task.kind == .number ? "a number" : "\(task.classNames.count) \(task.kind.rawValue)"
      try Terminal.print(row: "task", "\(task.name): \(kind)")
    }
    try Terminal.print(row: "pictures", grouped(estimate.pictures))
    for name in estimate.unreadable { try Terminal.print(row: "unreadable", name) }
    try Terminal.print(row: "features", "\(grouped(estimate.width)) of \(grouped(estimate.views)) views")
    try Terminal.print(
      row: "time",
      "about \(significant(estimate.decoding)) s to decode and \(significant(estimate.features)) s to compute features; "
        + "once, then they are in the cache")
    try Terminal.print(row: "memory", "about \(byteSize(estimate.memory))")
    try Terminal.print(row: "cache", byteSize(estimate.cache))
    for cost in estimate.fineTuning {
      try Terminal.print(
        row: "layers",
        "--fine-tune \(cost.layers) takes about \(roughTime(cost.seconds)) more, and \(byteSize(cost.memory)) of memory"
      )
    }
  }

  /// The name of the data's folder or file.
  private var dataName: String { data.split(separator: "/").last.map(String.init) ?? data }

  private var writes: Bool { !dryRun && !fineTune.findRate }

  /// The file to write.
  private var outputPath: String {
    let stem = dataName.lowercased().hasSuffix(".csv") ? String(dataName.dropLast(4)) : dataName
    return pathOfOutput(output, name: ["", ".", ".."].contains(stem) ? "classifier.zoo" : stem + ".zoo")
  }

  private static func list(_ names: String?) -> [String] {
    names.map { $0.split(separator: ",").map(String.init) } ?? []
  }
}

extension HeadTrainer.Augmentation: ExpressibleByArgument {}
extension HeadTrainer.ClassWeights: ExpressibleByArgument {}
extension HeadTrainer.Flips: ExpressibleByArgument {}
