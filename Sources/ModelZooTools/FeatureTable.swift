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
  ///   - upright: whether to turn pictures as their EXIF orientation says.
  ///   - progress: gets the number of pictures done so far and in all.
  /// - Throws: `ZooError` where no picture can be decoded: the error of the first that was given by name; with the
  ///   code `ZooError.Code.cancelled` where the task is cancelled.
  public init(
    backbone: Backbone, batch: Int = 8, paths: [String], upright: Bool = false,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try FeatureTable(computing: backbone, batch: batch, paths: paths, upright: upright, progress: progress)
    }
  }

  private init(
    computing backbone: Backbone, batch: Int, paths: [String], upright: Bool,
    progress: (_ done: Int, _ total: Int) -> Void
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
      try Cancellation.check()
      progress(index, sources.count)
      do {
        pending.append((source.path, try source.picture(upright: upright)))
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
          "no image file could be decoded")
    }
    self.features = Tensor(shape: Shape([done.count] + backbone.featureShape.dimensions), values: values)
    self.paths = done
    self.failures = failures
  }
}

// MARK: Files

extension FeatureTable {
  /// The files that features are written as, each under its name's ending.
  public enum FileFormat: String, Sendable, CaseIterable {
    /// NumPy's archive of `features`, `paths` and `skipped`.
    case npz
    /// The array of features alone.
    case npy
    /// A line per picture: its path, then its features row by row.
    case csv

    /// The format that the ending of `path` stands for.
    ///
    /// - Throws: `ZooError` with the code `ZooError.Code.invalidArgument` where it stands for none.
    public init(path: String) throws(ZooError) {
      let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
      let ending = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? ""
      guard let format = FileFormat(rawValue: ending.lowercased()) else {
        throw ZooError(
          .invalidArgument, what: "unknown format", at: path,
          "its ending is not that of a format that features are written in",
          remedy:
            "Known endings are \(FileFormat.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")).")
      }
      self = format
    }
  }

  /// Writes the table as its name's ending says, see ``FileFormat``, whole or not at all.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.invalidArgument` for another ending; where it can't be
  ///   written.
  public func write(to path: String, overwrite: Bool) throws(ZooError) {
    let format = try FileFormat(path: path)
    try ZooError.wrap {
      switch format {
      case .npz:
        try NumPyFile.write(to: path, overwrite: overwrite) { writer throws(ZooError) in
          try writer.add("features", features)
          try writer.add("paths", strings: paths)
          try writer.add("skipped", strings: skipped.map(\.path))
        }
      case .npy: try NumPyFile.write(features, to: path, overwrite: overwrite)
      case .csv: try writeLines(to: path, overwrite: overwrite)
      }
    }
  }

  /// A heading and a line for each picture, of RFC 4180's form. Numbers have as many digits as it takes to read the
  /// same number again.
  private func writeLines(to path: String, overwrite: Bool) throws(ZooError) {
    let file = try AtomicFile(path: path)
    let heading = (["path"] + columns()).joined(separator: ",")
    var offset = 0
    for row in -1..<paths.count {
      let line = (row < 0 ? heading : self.line(row)) + "\n"
      let bytes = ByteSlice(HeapBytes(Array(line.utf8)))
      try bytes.withUnsafeBytes { bytes throws(ZooError) in try file.write(bytes, at: offset) }
      offset += bytes.count
    }
    try file.commit(overwrite: overwrite)
  }

  private func line(_ row: Int) -> String {
    ([Self.field(paths[row])] + features[example: row].values.map(\.description)).joined(separator: ",")
  }

  /// `f0`, `f1`, … or, for feature maps, `f0_0_0`: row, column and channel.
  private func columns() -> [String] {
    features.shape.dimensions.dropFirst().reduce([""]) { names, extent in
      names.flatMap { name in (0..<extent).map { "\(name)_\($0)" } }
    }.map { "f" + $0.dropFirst() }
  }

  /// Text with a comma, quote or line's end, in quotes.
  private static func field(_ text: String) -> String {
    guard text.contains(where: { ",\"".contains($0) || $0.isNewline }) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }
}
