import ZooLearning
import ZooSystem

/// Pictures that can be searched for those most like another one, in memory or in a mapped file.
///
/// Alike is what has features in the same direction: the similarity is the cosine of the angle between them, 1 for
/// equal pictures. The search is exact: every picture is compared.
public struct PictureIndex: Sendable {
  /// A picture that was found.
  public struct Match: Sendable, Hashable, Encodable {
    /// Its path, as it was given when it was indexed.
    public let path: String
    /// The cosine, from −1 to 1.
    public let similarity: Double
  }

  private enum Storage {
    case memory(names: [String], values: [Float])
    case file(PictureIndexFile)
  }

  package let origin: PictureFeatures.Origin
  /// How many pictures it has.
  public let count: Int
  /// How many features each has.
  public let width: Int
  private let storage: Storage

  /// The layers that the features come from.
  public var layers: [String] { origin.layers }

  /// An index in memory.
  public init(_ features: PictureFeatures) {
    origin = features.origin
    count = features.paths.count
    width = features.width
    storage = .memory(names: features.paths, values: features.unitRows.values)
  }

  /// Opens an index that ``write(to:overwrite:)`` wrote. Its features stay in the file, which is mapped into memory.
  ///
  /// - Throws: `ZooError` where the file can't be opened or is no sound index.
  public init(path: String) throws(ZooError) {
    let file = try PictureIndexFile(path: path)
    origin = file.origin
    count = file.rows
    width = file.columns
    storage = .file(file)
  }

  /// Whether the file at `path` begins as an index does.
  public static func isIndex(_ path: String) -> Bool { PictureIndexFile.isIndex(path) }

  /// Writes the index, whole or not at all.
  ///
  /// - Throws: `ZooError` where the file can't be made.
  public func write(to path: String, overwrite: Bool = false) throws(ZooError) {
    let names = (0..<count).map(name)
    try withRows { rows throws(ZooError) in
      try PictureIndexFile.write(
        origin: origin, names: names, rows: rows, columns: width, to: path, overwrite: overwrite)
    }
  }

  /// The path of a picture.
  package func name(of row: Int) -> String {
    switch storage {
    case .memory(let names, _): names[row]
    case .file(let file): file.name(of: row)
    }
  }

  /// Reads all of an index's file and compares it with its checksums. A search checks only that what it finds is
  /// undamaged.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.damaged`.
  public func verify() throws(ZooError) {
    if case .file(let file) = storage { try file.verify(rows: 0..<count) }
  }

  // MARK: Searching

  /// The pictures most like those with `features`, the most similar first; of equally similar ones the first in the
  /// index.
  ///
  /// - Parameters:
  ///   - features: of one or more pictures, computed as those of the index were.
  ///   - top: how many to find for each.
  ///   - threads: how many threads search.
  ///   - isLeftOut: pictures for which this is true are not among them.
  /// - Returns: the matches of each picture.
  /// - Throws: `ZooError` with the code `ZooError.Code.doesNotFit` where the index was made by another model, from
  ///   other layers or of other pixels; `ZooError.Code.damaged` where it is damaged; `ZooError.Code.cancelled`.
  public func matches(
    for features: PictureFeatures, top: Int = 10, threads: Int = 1,
    leavingOut isLeftOut: (_ path: String) -> Bool = { _ in false }
  ) throws(ZooError) -> [[Match]] {
    try check(features.origin)
    guard features.width == width else {
      throw Self.doesNotFit("its pictures have \(width) features, and the model makes \(features.width)")
    }
    let queries = features.unitRows
    // What is left out may be anywhere, so that more are found until enough are left.
    var wanted = top
    while true {
      let found = try withRows { rows throws(ZooError) in
        try NearestNeighbours.find(queries, in: rows, count: wanted, metric: .product, threads: threads)
      }
      var isComplete = true
      var result: [[Match]] = []
      for list in found {
        if case .file(let file) = storage {
          for neighbour in list { try file.verify(rows: neighbour.row..<neighbour.row + 1) }
          // Rows are missing whose values are not finite.
          if list.count < min(wanted, count) { try file.verify(rows: 0..<count) }
        }
        let kept = list.map { Match(path: name(of: $0.row), similarity: min(1, max(-1, $0.value))) }
          .filter { !isLeftOut($0.path) }
        if kept.count < top, list.count == wanted, wanted < count { isComplete = false }
        result.append(Array(kept.prefix(top)))
      }
      if isComplete { return result }
      wanted = min(count, wanted * 2 + 8)
    }
  }

  /// Throws where the index's features are not comparable with others.
  package func check(_ other: PictureFeatures.Origin) throws(ZooError) {
    guard other != origin else { return }
    if other.model != origin.model { throw Self.doesNotFit("it was made with another model") }
    guard other.layers == origin.layers else {
      throw Self.doesNotFit(
        "its features are those of \(origin.layers.joined(separator: ", ")), not of "
          + other.layers.joined(separator: ", "))
    }
    throw Self.doesNotFit("its pictures were cropped, resized or turned in another way")
  }

  private static func doesNotFit(_ why: String) -> ZooError {
    ZooError(
      .doesNotFit, what: "index does not fit", at: "the search", why,
      remedy: "zoo index writes an index for this model.")
  }

  private func withRows<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws(ZooError) -> Result
  ) throws(ZooError) -> Result {
    switch storage {
    case .memory(_, let values):
      try values.withUnsafeBufferPointer { rows throws(ZooError) in try body(rows) }
    case .file(let file): try body(file.matrix)
    }
  }
}
