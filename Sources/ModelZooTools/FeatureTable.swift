import ModelZoo
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The features of many pictures, as `zoo features` writes them.
public struct FeatureTable: Sendable {
  /// (N, …), one row for each of `paths`.
  public let features: Tensor
  /// The pictures, in the order of the rows.
  public let paths: [String]
  /// Pictures that could not be decoded, and why.
  public let failures: [(source: PictureSource, error: ZooError)]
  /// The same by their paths.
  public var skipped: [(path: String, reason: String)] { failures.map { ($0.source.path, $0.error.why) } }

  /// Computes the features of pictures and of all pictures in folders.
  ///
  /// A picture that can't be decoded is skipped.
  ///
  /// - Parameters:
  ///   - backbone: what computes them.
  ///   - batch: how many pictures run at once.
  ///   - paths: files, folders, and `-` for standard input.
  ///   - progress: gets the number of pictures done so far and in all.
  /// - Throws: `ZooError` where no picture can be decoded: the error of the first that was given by name.
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
    let sources = try PictureSource.expand(paths)
    var values: [Float] = []
    var done: [String] = []
    var failures: [(source: PictureSource, error: ZooError)] = []
    var pending: [(String, Picture)] = []
    func flush() throws {
      guard !pending.isEmpty else { return }
      values += try backbone.features(of: pending.map(\.1)).values
      done += pending.map(\.0)
      pending = []
    }
    for (index, source) in sources.enumerated() {
      progress(index, sources.count)
      do {
        pending.append((source.path, try source.picture()))
      } catch {
        failures.append((source, error))
      }
      if pending.count == batch { try flush() }
    }
    try flush()
    guard !done.isEmpty else {
      throw failures.first { $0.source.isNamed }?.error
        ?? ZooError(
          .unsuitable, what: "no pictures", at: paths.joined(separator: ", "),
          "no JPEG or PNG file could be decoded")
    }
    self.features = Tensor(shape: Shape([done.count] + backbone.featureShape.dimensions), values: values)
    self.paths = done
    self.failures = failures
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
