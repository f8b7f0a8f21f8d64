import ZooFormat
import ZooWeightFiles

/// A file that holds a model, opened: the one place that tells the kinds of file apart.
package enum ModelFile {
  /// A file that describes its network itself.
  case zoo(ZooFile)
  /// A file of another program, whose network has to be found.
  case weights(any WeightFile)

  /// Opens the file or folder at `path`, recognised by its content.
  ///
  /// - Throws: `ZooError` where it can't be opened, or is of no kind that is read.
  package static func open(path: String) throws -> ModelFile {
    try FileFormat.recognise(path: path) == .zoo
      ? .zoo(ZooFile(path: path)) : .weights(WeightFiles.open(path: path))
  }

  /// Its tensors, whatever kind it is of.
  var weightFile: any WeightFile {
    switch self {
    case .zoo(let zoo): ZooWeightFile(zoo)
    case .weights(let file): file
    }
  }
}
