import ZooSystem
import ZooTraining

extension FeatureWhitener {
  /// Opens a backbone whose features are to be whitened.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file whose network takes pictures.
  ///   - components: how many directions to keep; nil: 128, or a quarter of the number of pictures.
  ///   - options: how features are computed; nil: with pictures brought to size as the model was trained.
  /// - Throws: `ZooError` where the file can't be used.
  public init(
    backbone path: String, components: Int? = nil, options: PictureFeatures.Options? = nil
  ) throws(ZooError) {
    let (file, options) = try PictureFeatures.Options.opening(path, options: options)
    self.init(backbone: file, components: components, options: options)
  }

  /// Finds the directions in pictures without labels, and writes the model.
  ///
  /// - Parameters:
  ///   - paths: pictures, and folders of pictures.
  ///   - name: what the model's file calls them.
  ///   - output: where to write the `.zoo` file.
  ///   - overwrite: whether an existing output is replaced.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.unsuitable` where there are too few different pictures, and
  ///   `ZooError.Code.cancelled` where the task is cancelled.
  public func whiten(
    _ paths: [String], named name: String = "pictures", to output: String, overwrite: Bool = false,
    progress: (HeadTrainer.Progress) -> Void = { _ in }
  ) throws(ZooError) -> Report {
    try whiten(
      pictures: try PictureSource.expand(paths).map(\.path), named: name, to: output, overwrite: overwrite,
      progress: progress)
  }
}
