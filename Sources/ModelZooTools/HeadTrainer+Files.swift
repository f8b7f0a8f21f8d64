import ZooConversion
import ZooSystem
import ZooTraining

extension HeadTrainer {
  /// Opens a backbone to train heads on.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file whose network takes pictures.
  ///   - options: how heads are trained.
  /// - Throws: `ZooError` where the file can't be used.
  public init(backbone path: String, options: Options = Options()) throws(ZooError) {
    self.init(backbone: try ZooError.wrap { try ModelFile.openZoo(path: path) }, options: options)
  }

  /// The backbone as a model.
  public var model: Model { Model(file: backbone) }

  /// The user's folder for features: `ZOO_CACHE`, or a folder `zoo` where the system keeps caches.
  public static var defaultCacheFolder: String? { PictureCache.defaultFolder }
}
