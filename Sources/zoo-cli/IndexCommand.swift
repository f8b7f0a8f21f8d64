import ArgumentParser
import ModelZooTools
import ZooSystem

struct IndexCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Write the features of many pictures as a file that zoo similar searches.",
    discussion: """
      The file has the pictures' paths as they are given here, and their features at length 1. It is searched from where \
      it lies on the disk: a million pictures take as long as reading the file. It is for one model and its layer.

      Examples:
        zoo index mobilenet.zoo photographs -o photographs.zoofeatures
        zoo similar mobilenet.zoo cat.jpg photographs.zoofeatures
      """)

  @Argument(help: "A .zoo file.", completion: .file(extensions: ["zoo"]))
  var model: String

  @Argument(help: "Folders and pictures.", completion: .file())
  var places: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The output.", valueName: "out.zoofeatures"),
    completion: .file(extensions: ["zoofeatures"]))
  var output: String

  @OptionGroup var features: FeatureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard !places.contains("-") else {
      throw ValidationError("Standard input is not read here; name a file.")
    }
  }

  func run() throws {
    let opened = try Model(zooFile: model)
    try AtomicFile.checkPossible(output, overwrite: overwrite.force)
    common.warn(of: opened)
    let found = try features.features(
      of: places, model: model, options: features.options(for: opened, threads: threads.count),
      common: common)
    let index = PictureIndex(found)
    try index.write(to: output, overwrite: overwrite.force)
    if common.json {
      return try Terminal.print(
        json: Output(
          output: output, pictures: index.count, features: index.width, layers: index.layers,
          computed: found.computed, unreadable: found.unreadable))
    }
    guard !common.quiet else { return }
    try Terminal.print(
      row: "pictures",
      "\(grouped(index.count)), \(grouped(found.computed)) computed and \(grouped(index.count - found.computed)) "
        + "from the cache")
    try Terminal.print(
      row: "features", "\(grouped(index.width)) of \(index.layers.joined(separator: ", "))")
    try Terminal.print("wrote \(output)")
  }

  private struct Output: Encodable {
    let output: String
    let pictures: Int
    let features: Int
    let layers: [String]
    let computed: Int
    let unreadable: [TrainingReport.Data.Unreadable]
  }
}
