import ArgumentParser
import ModelZooTools
import ZooSystem

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Extract feature vectors from images.",
    discussion: """
      The output's ending chooses what is written: .npz the arrays features (N, …), paths and skipped; .npy the array \
      of features; .csv a line per image with its path and its features. Images are read as zoo predict reads them. \
      Folders are searched for images, and - is standard input. Images that cannot be decoded are skipped and listed; after a named one the exit code is not 0.

      Examples:
        zoo features mobilenet.zoo photographs -o features.npz --pooling avg
        zoo features mobilenet.zoo photographs -o features.csv --pooling avg --crop 0.875
        zoo features resnet50.zoo a.jpg b.jpg -o f.npz --layer conv4_block6_out
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .file())
  var model: String

  @Argument(help: "Images and folders of images; - is standard input.", completion: .file())
  var images: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The output: .npz, .npy or .csv.", valueName: "f.npz"),
    completion: .file(extensions: FeatureTable.FileFormat.allCases.map(\.rawValue)))
  var output: String

  @Option(
    help: ArgumentHelp(
      "The layer whose output to write; by default the map that goes into the last global pooling.",
      valueName: "name"),
    completion: .layers)
  var layer: String?

  @Option(help: "How to pool feature maps over height and width.")
  var pooling = Backbone.Pooling.none

  @Option(help: "The number of images per run.")
  var batch = 8

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...1024).contains(batch) else {
      throw ValidationError("--batch takes a number from 1 to 1024, not \(batch).")
    }
  }

  func run() throws {
    _ = try FeatureTable.FileFormat(path: output)
    if !overwrite.force { try AtomicFile.checkAbsent(output) }
    var backbone = try Backbone(
      model: Model(converting: model), layer: layer, pooling: pooling, threads: threads.count)
    backbone.fitting = pictures.fitting(for: backbone.model)
    common.warn(of: backbone.model)
    if !common.quiet { try pictures.warnOfOthers(in: images) }
    let bar = ProgressBar(quiet: common.quiet)
    let result = try FeatureTable(
      backbone: backbone, batch: batch, paths: images, upright: pictures.isUpright(for: backbone.model)
    ) { done, total in
      bar.show("features", done: done, total: total) { "\($0) images" }
    }
    bar.finish()
    try result.write(to: output, overwrite: overwrite.force)
    for (source, error) in result.failures {
      if source.isNamed {
        Terminal.error("\(error)", remedy: error.asTyped.remedy)
      } else if !common.quiet {
        Terminal.warning("skipped \(source.path): \(error.why)")
      }
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
    if let failure = result.failures.first(where: \.source.isNamed)?.error {
      throw ExitCode(failure.category.exitCode)
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
