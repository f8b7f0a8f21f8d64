import ArgumentParser
import ModelZooTools

/// Where a command keeps features of pictures.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder where features are kept; by default $ZOO_CACHE or the user's folder for caches.",
      valueName: "folder"),
    completion: .directory)
  var cache: String?

  @Flag(help: "Keep no features for later runs.")
  var noCache = false

  func validate() throws {
    guard cache == nil || !noCache else {
      throw ValidationError("--cache and --no-cache exclude each other.")
    }
  }

  /// Nil: features are not kept.
  var folder: String? { noCache ? nil : cache ?? HeadTrainer.defaultCacheFolder }
}
