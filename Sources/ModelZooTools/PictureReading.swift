import ModelZoo
import ZooConversion
import ZooFormat
import ZooImages
import ZooSystem
import ZooTraining

/// Options of which a part says how pictures are brought to the network's size.
protocol PictureReading {
  var fitting: PictureFitting { get set }
  var isUpright: Bool { get set }

  init()
}

extension PictureReading {
  /// Opens a `.zoo` file, with `options`, or with those by which pictures are brought to size as it was trained.
  static func opening(_ path: String, options: Self?) throws(ZooError) -> (file: ZooFile, options: Self) {
    let file = try ZooError.wrap { try ModelFile.openZoo(path: path) }
    if let options { return (file, options) }
    let model = Model(file: file)
    var options = Self()
    options.fitting = model.fitting
    options.isUpright = model.expectsUprightPictures
    return (file, options)
  }
}

extension BatchNormAdaptation.Options: PictureReading {}
extension ClassAddition.Options: PictureReading {}
extension Evaluation.Options: PictureReading {}
extension PictureFeatures.Options: PictureReading {}
