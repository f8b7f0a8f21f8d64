import ArgumentParser
import ModelZooTools
import ZooSystem

/// How a command for pictures without labels computes features.
struct FeatureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The layers whose outputs are the features, separated by commas; by default what zoo train uses.",
      valueName: "names"), completion: .layers)
  var layer: String?

  @OptionGroup var cache: CacheOptions
  @OptionGroup var pictures: PictureOptions

  /// Whether something is stated that an index states too.
  var statesOrigin: Bool {
    layer != nil || pictures.resize != nil || pictures.crop != nil || pictures.exif != nil
  }

  func options(for model: Model, threads: Int) -> PictureFeatures.Options {
    var options = PictureFeatures.Options()
    options.layers = layer.map { $0.split(separator: ",").map(String.init) } ?? []
    options.fitting = pictures.fitting(for: model)
    options.isUpright = pictures.isUpright(for: model)
    options.threads = threads
    options.cacheFolder = cache.folder
    return options
  }

  /// The features of pictures and folders of pictures, with a bar while they are computed, and a warning for each
  /// picture that can't be read.
  func features(
    of paths: [String], model: String, options: PictureFeatures.Options, common: CommonOptions
  ) throws -> PictureFeatures {
    if !common.quiet { try pictures.warnOfOthers(in: paths) }
    let bar = ProgressBar(quiet: common.quiet)
    let features = try PictureFeatures(of: paths, backbone: model, options: options) { done, total in
      bar.show("features", done: done, total: total) { "\($0) pictures" }
    }
    bar.finish()
    guard !common.quiet else { return features }
    for warning in features.warnings { Terminal.warning(warning) }
    for picture in features.unreadable {
      Terminal.warning("skipped \(picture.picture): \(picture.reason)")
    }
    return features
  }
}
