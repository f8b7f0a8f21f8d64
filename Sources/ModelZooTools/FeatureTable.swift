import ModelZoo
import ZooImages
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The features of many pictures, as `zoo features` writes them.
public struct FeatureTable: Sendable {
  /// (N, …), one row for each of `paths`.
  public let features: Tensor
  /// The pictures, in the order of the rows.
  public let paths: [String]
  /// Pictures found in folders that could not be decoded.
  public let skipped: [(path: String, reason: String)]

  /// Computes the features of pictures and of all pictures in folders.
  ///
  /// A picture that is named and can't be decoded is an error; one found in a folder is skipped.
  ///
  /// - Parameters:
  ///   - backbone: what computes them.
  ///   - batch: how many pictures run at once.
  ///   - paths: files and folders.
  ///   - progress: gets the number of pictures done so far and in all.
  /// - Throws: `ZooError` where a picture that is named can't be decoded, or there is none.
  public init(
    backbone: Backbone, batch: Int = 8, paths: [String],
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try FeatureTable(computing: backbone, batch: batch, paths: paths, progress: progress)
    }
  }

  private init(
    computing backbone: Backbone, batch: Int, paths: [String], progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    var files: [(path: String, isNamed: Bool)] = []
    for path in paths {
      if isFolder(path) {
        files += try ImageFolder.images(in: path).map { ($0, false) }
      } else {
        files.append((path, true))
      }
    }
    var values: [Float] = []
    var done: [String] = []
    var skipped: [(String, String)] = []
    var pending: [(String, Picture)] = []
    func flush() throws {
      guard !pending.isEmpty else { return }
      values += try backbone.features(of: pending.map(\.1)).values
      done += pending.map(\.0)
      pending = []
    }
    for (index, file) in files.enumerated() {
      progress(index, files.count)
      do {
        pending.append((file.path, try Picture(path: file.path)))
      } catch {
        guard !file.isNamed else { throw error }
        skipped.append((file.path, error.why))
      }
      if pending.count == batch { try flush() }
    }
    try flush()
    guard !done.isEmpty else {
      throw ZooError(
        .unsuitable, what: "no pictures", at: paths.joined(separator: ", "),
        "no JPEG or PNG file could be decoded")
    }
    self.features = Tensor(shape: Shape([done.count] + backbone.featureShape.dimensions), values: values)
    self.paths = done
    self.skipped = skipped
  }

  /// Writes `features`, `paths` and `skipped` as an `.npz` file, whole or not at all.
  ///
  /// - Throws: `ZooError` where it can't be written.
  public func write(to path: String, overwrite: Bool) throws(ZooError) {
    try ZooError.wrap {
      try NumPyFile.write(to: path, overwrite: overwrite) { writer throws(ZooError) in
        try writer.add("features", features)
        try writer.add("paths", strings: paths)
        try writer.add("skipped", strings: skipped.map(\.path))
      }
    }
  }
}
