import ModelZoo
import ZooConversion
import ZooSystem
import ZooTraining

extension ClassAddition {
  /// Opens a model to add classes to.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file with a nearest-neighbour head.
  ///   - options: how classes are added; nil: with pictures brought to size as the model was trained.
  /// - Throws: `ZooError` where the file can't be used.
  public init(model path: String, options: Options? = nil) throws(ZooError) {
    let file = try ZooError.wrap { try ModelFile.openZoo(path: path) }
    let model = Model(file: file)
    var chosen = Options()
    chosen.fitting = model.fitting
    chosen.isUpright = model.expectsUprightPictures
    self.init(model: file, options: options ?? chosen)
  }
}
