import ArgumentParser
import ModelZooTools
import ZooSystem

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Extract feature vectors from images.",
    discussion: """
      Writes the arrays features (N, …), paths and skipped. Folders are searched for JPEG and PNG files; files \
      in them that cannot be decoded are skipped and listed.

      Examples:
        zoo features mobilenet.zoo photographs -o features.npz --pooling avg
        zoo features resnet50.zoo a.jpg b.jpg -o f.npz --layer conv4_block6_out
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .file())
  var model: String

  @Argument(help: "Images and folders of images.", completion: .file())
  var images: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The output.", valueName: "f.npz"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "The layer whose output to write; by default the last feature map.", valueName: "name"))
  var layer: String?

  @Option(help: "How to pool feature maps over height and width.")
  var pooling = Backbone.Pooling.none

  @Option(help: "The number of images per run.")
  var batch = 8

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...1024).contains(batch) else {
      throw ValidationError("--batch takes a number from 1 to 1024, not \(batch).")
    }
  }

  func run() throws {
    if !overwrite.force { try AtomicFile.checkAbsent(output) }
    let backbone = try Backbone(
      model: Model(converting: model), layer: layer, pooling: pooling, threads: threads.count)
    let bar = ProgressBar(quiet: common.quiet)
    let result = try FeatureTable(backbone: backbone, batch: batch, paths: images) { done, total in
      bar.show("features", done: done, total: total) { "\($0) images" }
    }
    bar.finish()
    try result.write(to: output, overwrite: overwrite.force)
    if !common.quiet {
      for skipped in result.skipped { Terminal.warning("skipped \(skipped.path): \(skipped.reason)") }
    }
    if common.json {
      try Terminal.print(
        json: FeaturesOutput(
          output: output, layer: backbone.layer, shape: result.features.shape.dimensions,
          images: result.paths.count,
          skipped: result.skipped.map(\.path)))
    } else if !common.quiet {
      try Terminal.print("wrote \(output): features \(result.features.shape) of layer \(backbone.layer)")
    }
  }
}

extension Backbone.Pooling: ExpressibleByArgument {}

private struct FeaturesOutput: Encodable {
  let output: String
  let layer: String
  let shape: [Int]
  let images: Int
  let skipped: [String]
}
