import ZooConversion
import ZooSystem
import ZooTraining

extension ModelEnsemble {
  /// Opens the models of an ensemble.
  ///
  /// - Parameters:
  ///   - paths: two or more `.zoo` files of classifiers with the same classes.
  ///   - options: how it is made.
  /// - Throws: `ZooError` where a file can't be used.
  public init(members paths: [String], options: Options = Options()) throws(ZooError) {
    let members = try ZooError.wrap { try paths.map { try ModelFile.openZoo(path: $0) } }
    self.init(members: members, options: options)
  }
}
