import ZooImages
import ZooSystem
import ZooTraining

extension PictureFeatures {
  /// Computes the features of pictures, or takes them from the cache.
  ///
  /// - Parameters:
  ///   - paths: pictures, and folders of pictures.
  ///   - backbone: a `.zoo` file whose network takes pictures.
  ///   - options: how features are computed; nil: with pictures brought to size as the model was trained.
  ///   - progress: is told how many pictures are done.
  /// - Throws: `ZooError`; with the code `ZooError.Code.unsuitable` where there are no pictures.
  public init(
    of paths: [String], backbone: String, options: Options? = nil,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    let (file, options) = try Options.opening(backbone, options: options)
    try self.init(
      of: try PictureSource.expand(paths).map(\.path), backbone: file, options: options,
      progress: progress)
  }
}

extension PictureIndex {
  /// Options for pictures that are to be compared with those of this index: its layers, and its way to crop, resize
  /// and turn.
  ///
  /// - Parameter options: where threads and the cache come from.
  /// - Throws: `ZooError` with the code `ZooError.Code.unsupported` where this version knows no such way.
  public func options(from options: PictureFeatures.Options) throws(ZooError) -> PictureFeatures.Options {
    var options = options
    options.layers = origin.layers
    guard let resampling = Resampling(rawValue: origin.resampling) else {
      throw ZooError(
        .unsupported, "picture index", at: "'\(origin.resampling)'", "there is no such resampling")
    }
    options.fitting = PictureFitting()
    options.fitting.resampling = resampling
    if !origin.crop.isEmpty {
      guard let crop = PictureFitting.Crop(name: origin.crop) else {
        throw ZooError(.unsupported, "picture index", at: "'\(origin.crop)'", "there is no such crop")
      }
      options.fitting.crop = crop
    }
    options.isUpright = origin.isUpright
    return options
  }
}
