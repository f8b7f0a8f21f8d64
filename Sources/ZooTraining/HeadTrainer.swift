import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem
import ZooTensor
import ZooVerification

/// Trains a new head on the features of a frozen backbone, and writes both as one verified `.zoo` file.
///
/// Features are computed once and kept in a cache. The linear head is a convex problem that is solved: there is no
/// learning rate and no number of epochs. With every head the same data give the same file.
public struct HeadTrainer: Sendable {
  /// How a head is trained. The defaults give a validated result without any choice.
  public struct Options: Sendable {
    /// The backbone's layers whose outputs are the features, joined; none: what goes into its last global pooling.
    public var layers: [String] = []
    /// What is trained.
    public var head = HeadKind.linear
    /// How many views of each picture are trained on: the picture as it is, and augmented ones.
    public var views = 1
    /// How far augmented views are from the picture.
    public var augmentation = Augmentation.light
    /// Whether augmented views are flipped left to right.
    public var flips = Flips.automatic
    /// The share of pictures to hold back for validation; nil: a fifth, or cross-validation where the smallest class
    /// has fewer than 20 pictures.
    public var validation: Double?
    /// The parts of cross-validation.
    public var folds = 5
    /// How classes are weighed.
    public var classWeights = ClassWeights.automatic
    /// The penalty on the head's squared weights; nil: found by cross-validation.
    public var penalty: Double?
    /// Another seed splits otherwise, and gives other views.
    public var seed: UInt64 = 0
    /// How many threads compute.
    public var threads = 1
    /// How pictures are cropped and resized.
    public var fitting = PictureFitting()
    /// Whether pictures are turned as their EXIF orientation says.
    public var isUpright = false
    /// Where features are kept for later runs; nil: nowhere.
    public var cacheFolder: String?
    /// Whether an existing output is replaced.
    public var overwrite = false

    /// The defaults, with one thread and without a cache.
    public init() {}
  }

  /// What is trained on the features.
  public enum HeadKind: Sendable, Hashable {
    /// Multinomial logistic regression; one sigmoid for each of several labels; ridge regression for numbers.
    case linear
    /// A hidden layer of so many units, by AdamW; for tasks of classes. The number of epochs is found by cross-validation.
    case multilayer(units: Int)
    /// The class of the nearest training picture by the cosine of the features; for tasks of classes. ``ClassAddition``
    /// adds classes to it.
    case nearest
  }

  /// How far augmented views are from a picture.
  public enum Augmentation: String, Sendable, Hashable, CaseIterable {
    /// The picture as it is; there is one view then.
    case none
    /// Flips, crops of 70 to 100 % of the area, and small changes of light and colour.
    case light
    /// Also turns, tighter crops, stronger colours and blur.
    case strong
  }

  /// Whether every other augmented view is flipped left to right.
  public enum Flips: String, Sendable, Hashable, CaseIterable {
    /// Unless heads on the frozen backbone tell held-back pictures worse when they are flipped: by a tenth of the loss, and
    /// by more than noise.
    case automatic = "auto"
    /// Whatever they tell.
    case always
    /// None is.
    case never
  }

  /// How classes of different sizes are weighed.
  public enum ClassWeights: String, Sendable, Hashable, CaseIterable {
    /// Balanced where the largest class has more than three times the pictures of the smallest.
    case automatic = "auto"
    /// Every picture counts the same.
    case none
    /// Every class counts the same.
    case balanced
  }

  /// What happens during training, for whoever shows it.
  public enum Progress: Sendable {
    /// A phase begins.
    case phase(String)
    /// Pictures whose features are there, and all.
    case pictures(done: Int, total: Int)
    /// Penalties that were tried, and about how many there will be.
    case penalties(done: Int, total: Int)
    /// A step of training layers of the backbone.
    case tuning(TuningProgress)
    /// A check begins or goes on.
    case verifying(Verifier.Progress)
    /// Bytes of tensors written and to write.
    case writing(done: Int, total: Int)
  }

  /// How it trains.
  public var options: Options
  package let backbone: ZooFile

  package init(backbone: ZooFile, options: Options) {
    self.backbone = backbone
    self.options = options
  }

  /// Trains a head on a data set and writes the model.
  ///
  /// The output appears whole or not at all. What was computed of pictures is in the cache, also after an error or
  /// an interruption.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.unsuitable` where the data can't be learned from, and
  ///   `ZooError.Code.cancelled` where the task is cancelled.
  public func train(
    on dataset: ImageDataset, named name: String, to output: String, progress: (Progress) -> Void = { _ in }
  ) throws(ZooError) -> TrainingReport {
    try ZooError.wrap {
      try AtomicFile.checkPossible(output, overwrite: options.overwrite)
      return try TrainingRun(trainer: self, tuning: nil, dataset: dataset, name: name)
        .run(to: output, progress: progress)
    }
  }

  /// What the extractor of this trainer's features depends on.
  func extractorOptions(viewCount: Int, areFlipped: Bool = true) -> FeatureExtractor.Options {
    var extractor = FeatureExtractor.Options()
    extractor.layers = options.layers
    extractor.fitting = options.fitting
    extractor.isUpright = options.isUpright
    extractor.viewCount = viewCount
    extractor.views = PictureViews(
      seed: options.seed, strength: options.augmentation == .strong ? .strong : .light,
      areFlipped: areFlipped)
    extractor.threads = options.threads
    extractor.cacheFolder = options.cacheFolder
    return extractor
  }
}
