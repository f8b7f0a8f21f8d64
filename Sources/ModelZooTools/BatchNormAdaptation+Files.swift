import ZooData
import ZooSystem
import ZooTraining

extension BatchNormAdaptation {
  /// Opens a model to adapt.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file whose network takes pictures and has batch norms.
  ///   - options: how it is adapted; nil: with pictures brought to size as the model was trained.
  /// - Throws: `ZooError` where the file can't be used.
  public init(model path: String, options: Options? = nil) throws(ZooError) {
    let (file, options) = try Options.opening(path, options: options)
    self.init(model: file, options: options)
  }

  /// The pictures at a path: with labels where it is a folder of class folders or a CSV file, else without.
  ///
  /// - Throws: `ZooError` where there are no pictures.
  public static func pictures(at path: String) throws(ZooError) -> ImageDataset {
    do throws(ZooError) {
      return try ImageDataset(path: path)
    } catch {
      guard isFolder(path) else { throw error }
      return try ImageDataset.unlabelled(paths: [path])
    }
  }
}
