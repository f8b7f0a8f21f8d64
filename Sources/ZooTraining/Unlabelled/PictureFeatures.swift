import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem

/// What a backbone sees in pictures without labels: one row of features for each.
///
/// Features are pooled as ``HeadTrainer`` pools them, and come from the same cache.
public struct PictureFeatures: Sendable {
  /// How features are computed.
  public struct Options: Sendable {
    /// The backbone's layers whose outputs are the features, joined; none: what ``HeadTrainer`` uses.
    public var layers: [String] = []
    /// How pictures are cropped and resized.
    public var fitting = PictureFitting()
    /// Whether pictures are turned as their EXIF orientation says.
    public var isUpright = false
    /// How many threads compute.
    public var threads = 1
    /// Where features are kept for later runs; nil: nowhere.
    public var cacheFolder: String?

    /// The defaults, with one thread and without a cache.
    public init() {}
  }

  /// What features depend on besides the picture: rows of different origins can't be compared.
  package struct Origin: Sendable, Hashable {
    /// The backbone's content hash, in hexadecimal digits.
    package var model: String
    package var layers: [String]
    package var resampling: String
    package var crop: String
    package var isUpright: Bool
  }

  /// The pictures that could be read, in the order that they were given.
  public let paths: [String]
  /// Those that could not.
  public let unreadable: [TrainingReport.Data.Unreadable]
  /// The layers that the features come from.
  public let layers: [String]
  /// How many features a picture has.
  public var width: Int { matrix.columns }
  /// The pictures whose features were computed; those of the others come from the cache.
  public let computed: Int
  /// What the caller should know.
  public let warnings: [String]
  package let origin: Origin
  /// (pictures, width).
  package let matrix: FeatureMatrix
  /// Of each picture's file.
  package let hashes: [XXH3Hasher.Digest]

  /// Computes the features of pictures, or takes them from the cache.
  ///
  /// - Parameter progress: is told how many pictures are done.
  /// - Throws: `ZooError`; `unsuitable` where the backbone takes no pictures or none can be read, `cannotRun` where
  ///   features are not finite.
  package init(
    of paths: [String], backbone: ZooFile, options: Options,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    self = try ZooError.wrap {
      let extractor = try FeatureExtractor(backbone: backbone, options: Self.extractorOptions(options))
      return try PictureFeatures(of: paths, by: extractor, progress: progress)
    }
  }

  /// - Precondition: the extractor makes one view of each picture.
  init(
    of paths: [String], by extractor: FeatureExtractor, progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    let features = try extractor.features(of: paths, progress: progress)
    guard !features.indices.isEmpty else {
      throw features.failures.first?.error
        ?? ZooError(.unsuitable, what: "no pictures", at: "what was given", "there are none")
    }
    let matrix = features.matrix
    if let place = matrix.values.firstIndex(where: { !$0.isFinite }) {
      throw ZooError(
        .cannotRun, what: "no features",
        at: "\(extractor.backbone.path), \(paths[features.indices[place / matrix.columns]])",
        "feature \(place % matrix.columns) is \(matrix.values[place])")
    }
    self.paths = features.indices.map { paths[$0] }
    unreadable = features.failures.map { .init(picture: paths[$0.index], reason: $0.error.why) }
    layers = extractor.layers
    computed = features.computed
    warnings = extractor.cacheFailure.map { ["features are not kept: \($0)"] } ?? []
    origin = Origin(
      model: extractor.backbone.contentHash?.hexadecimal ?? Checksum(of: extractor.backbone.path).hexadecimal,
      layers: extractor.layers, resampling: extractor.options.fitting.resampling.rawValue,
      crop: extractor.options.fitting.crop.name ?? "", isUpright: extractor.options.isUpright)
    self.matrix = matrix
    hashes = features.hashes
  }

  static func extractorOptions(_ options: Options) -> FeatureExtractor.Options {
    var extractor = FeatureExtractor.Options()
    extractor.layers = options.layers
    extractor.fitting = options.fitting
    extractor.isUpright = options.isUpright
    extractor.threads = options.threads
    extractor.cacheFolder = options.cacheFolder
    return extractor
  }

  /// The rows brought to length 1; a row of zeros stays one.
  package var unitRows: FeatureMatrix {
    var values: [Float] = []
    values.reserveCapacity(matrix.values.count)
    for row in 0..<matrix.rows {
      let own = matrix[row: row]
      let length = own.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      values += own.map { length > 0 ? Float(Double($0) / length) : 0 }
    }
    return FeatureMatrix(rows: matrix.rows, columns: matrix.columns, values: values)
  }
}
