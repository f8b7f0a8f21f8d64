import ModelZoo
import ZooConversion
import ZooSystem
import ZooTraining

extension BackboneChooser {
  /// Opens backbones to compare.
  ///
  /// Pictures are brought to the size of each one as it was trained, where its file says how.
  ///
  /// - Parameters:
  ///   - paths: `.zoo` files whose networks take pictures.
  ///   - options: how they are compared.
  /// - Throws: `ZooError` where a file can't be used.
  public init(backbones paths: [String], options: Options = Options()) throws(ZooError) {
    let backbones = try ZooError.wrap {
      try paths.map { path in
        let file = try ModelFile.openZoo(path: path)
        let model = Model(file: file)
        return Backbone(file: file, fitting: model.fitting, isUpright: model.expectsUprightPictures)
      }
    }
    self.init(backbones: backbones, options: options)
  }
}
