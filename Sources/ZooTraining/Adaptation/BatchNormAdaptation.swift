import ZooData
import ZooFormat
import ZooImages
import ZooSystem
import ZooVerification

/// Measures the statistics of batch norms anew on pictures of another kind, which need no labels (AdaBN).
///
/// Norms are measured in the network's order, each over all pixels of all pictures, with the norms before it measured
/// already. No weight is changed but means and variances. Whether that helps depends on the pictures; with labels the
/// report says so.
public struct BatchNormAdaptation: Sendable {
  /// How norms are adapted.
  public struct Options: Sendable {
    /// How much the new statistics count, from 0 to 1; the stored ones have the rest.
    public var weight = 1.0
    /// How pictures are cropped and resized.
    public var fitting = PictureFitting()
    /// Whether pictures are turned as their EXIF orientation says.
    public var isUpright = false
    /// How many threads compute.
    public var threads = 1
    /// Whether it is an error if labels of the data don't fit the model's; else nothing is measured then.
    public var requiresLabels = false
    /// Whether an existing output is replaced.
    public var overwrite = false

    /// The pictures' own statistics alone, on one thread.
    public init() {}
  }

  /// What happens, for whoever shows it.
  public enum Progress: Sendable {
    /// Pictures of one pass, of as many passes.
    case pictures(pass: Int, passes: Int, done: Int, total: Int)
    /// Pictures that measure how well the model does, before or afterwards.
    case measuring(done: Int, total: Int)
    /// A check begins or goes on.
    case verifying(Verifier.Progress)
    /// Bytes of tensors written and to write.
    case writing(done: Int, total: Int)
  }

  /// With fewer pictures statistics would say too little.
  public static let leastPictures = 32

  /// How it adapts.
  public let options: Options
  package let model: ZooFile

  package init(model: ZooFile, options: Options) {
    self.model = model
    self.options = options
  }

  /// Measures the norms of all pictures and writes the model.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - dataset: pictures, with labels that measure whether it helped, or without.
  ///   - name: what the model's file calls the pictures.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.unsuitable` where the model has no batch norms or there are too few
  ///   pictures, `ZooError.Code.doesNotFit` where labels are required and don't fit.
  public func adapt(
    to dataset: ImageDataset, named name: String, output: String, progress: (Progress) -> Void = { _ in }
  ) throws(ZooError) -> AdaptationReport {
    try ZooError.wrap {
      try AtomicFile.checkPossible(output, overwrite: options.overwrite)
      return try AdaptationRun(adaptation: self, dataset: dataset, name: name)
        .run(to: output, progress: progress)
    }
  }
}
