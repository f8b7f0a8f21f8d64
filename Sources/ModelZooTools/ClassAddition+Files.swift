import ZooData
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
    let (file, options) = try Options.opening(path, options: options)
    self.init(model: file, options: options)
  }

  /// The labelled pictures at a path: what `ImageDataset` takes, and also a folder with a single class folder.
  ///
  /// - Throws: `ZooError` where there are no labelled pictures.
  public static func pictures(at path: String) throws(ZooError) -> ImageDataset {
    do throws(ZooError) {
      return try ImageDataset(path: path)
    } catch {
      // A single class is too few to train a head on, but not to add to one.
      guard isFolder(path), let single = try singleClass(in: path) else { throw error }
      return single
    }
  }

  /// The pictures of a folder's only folder; nil where there are others.
  private static func singleClass(in path: String) throws(ZooError) -> ImageDataset? {
    let pictures = try ImageDataset.unlabelled(paths: [path])
    let folders = Set(
      pictures.examples.map { example in
        example.name.contains("/") ? example.name.prefix { $0 != "/" } : ""
      })
    guard folders.count == 1, let name = folders.first, !name.isEmpty else { return nil }
    let task = ImageDataset.Task(name: "class", kind: .classes, classNames: [String(name)])
    return ImageDataset(
      tasks: [task],
      examples: pictures.examples.map {
        ImageDataset.Example(path: $0.path, name: $0.name, targets: [.classIndex(0)], part: nil)
      }, warnings: pictures.warnings)
  }
}
