import ZooGraph
import ZooLearning
import ZooSystem
import ZooVerification

/// What a training did, and how well the result does.
public struct TrainingReport: Sendable, Encodable {
  /// The data.
  public struct Data: Sendable, Encodable {
    /// A picture that could not be read.
    public struct Unreadable: Sendable, Encodable {
      /// Its name in the data.
      public let picture: String
      /// Why.
      public let reason: String
    }

    /// The name of the folder or file.
    public let name: String
    /// The pictures that could be read.
    public let pictures: Int
    /// Those that could not.
    public let unreadable: [Unreadable]
    /// Pairs of equal pictures.
    public let exactDuplicates: Int
    /// Pairs of pictures that are nearly equal.
    public let nearDuplicates: Int
    /// The pictures that are left if copies count once.
    public let groups: Int

    enum CodingKeys: String, CodingKey {
      case name, pictures, unreadable
      case exactDuplicates = "exact_duplicates"
      case nearDuplicates = "near_duplicates"
      case groups
    }
  }

  /// Which pictures were trained on, and which measured the result.
  public struct Split: Sendable, Encodable {
    /// How the result was measured, in words.
    public let text: String
    /// Pictures that the measured model was trained on; with cross-validation all.
    public let training: Int
    /// Pictures held back, or set apart by the data; 0 with cross-validation.
    public let validation: Int
    /// Pictures that the data set apart for the end.
    public let test: Int
    /// The names of the pictures that were held back, or set apart for validation.
    public let validationPictures: [String]

    enum CodingKeys: String, CodingKey {
      case text, training, validation, test
      case validationPictures = "validation_pictures"
    }

    /// - Parameter tuned: the pictures that layers of the backbone learned from, and those that chose among what they
    ///   learned; nil where the backbone is frozen.
    init(_ plan: TrainingPlan, tuned: (training: [Int], validation: [Int])?, names: [String]) {
      let chosen = "which chose epochs and layers too"
      text =
        switch plan.scheme {
        case _ where tuned == nil: plan.scheme.text
        case .given: "\(plan.scheme.text), \(chosen)"
        case .holdout, .folds:
          "pictures held back, \(chosen), and on which the model in the file is trained too"
        }
      training = (tuned?.training ?? plan.training).count
      validation = (tuned?.validation ?? plan.validation).count
      test = plan.test.count
      validationPictures = (tuned?.validation ?? plan.validation).map { names[$0] }
    }
  }

  /// The features.
  public struct Features: Sendable, Encodable {
    /// How many a picture has.
    public let width: Int
    /// The backbone's layers that they come from.
    public let layers: [String]
    /// How many views were computed.
    public let computed: Int
    /// How many came from the cache.
    public let cached: Int
  }

  /// A penalty that was tried.
  public struct Penalty: Sendable, Encodable {
    /// The penalty.
    public let penalty: Double
    /// The mean loss of pictures that were held out; for numbers the root of the mean squared error.
    public let loss: Double
    /// The share of them that was right; nil for numbers.
    public let accuracy: Double?

    init(_ entry: PenaltySearch.Entry) {
      penalty = entry.penalty
      loss = entry.loss
      accuracy = entry.accuracy
    }

    init(_ entry: RidgeRegression.Entry) {
      penalty = entry.penalty
      loss = entry.error
      accuracy = nil
    }
  }

  /// One task's head.
  public struct Task: Sendable, Encodable {
    /// The task's name.
    public let name: String
    /// `classes`, `labels` or `number`.
    public let kind: String
    /// The names of the classes or labels.
    public let classes: [String]
    /// How many pictures of each it was trained on.
    public let counts: [Int]
    /// The penalty on the head's squared weights.
    public let penalty: Double?
    /// All that were tried.
    public let penalties: [Penalty]
    /// How often a multi-layer head saw all pictures; nil for others.
    public let epochs: Int?
    /// Whether classes were balanced by weights.
    public let isWeighted: Bool
    /// How well it does on validation pictures; nil where there are none.
    public internal(set) var measured: Measured?
    /// How well it does on the data's test pictures.
    public internal(set) var tested: Measured?
    /// How well the solved head on the frozen backbone does on the same pictures, where layers of the backbone were
    /// trained too: the result to beat.
    public internal(set) var frozen: Measured?
    /// How many pictures the head in the file was trained on.
    public internal(set) var trained: Int

    enum CodingKeys: String, CodingKey {
      case name, kind, classes, counts, penalty, penalties, epochs
      case isWeighted = "balanced"
      case measured, tested, frozen, trained
    }

    /// The measures by their names, as the file has them.
    var results: [String: Double] {
      var results: [String: Double] = [:]
      for (prefix, measured) in [("", measured), ("test ", tested)] {
        for (name, value) in measured?.results ?? [:] { results[prefix + name] = value }
      }
      return results
    }

    /// How well, for the model card.
    var accuracyText: String? { (tested ?? measured).flatMap(\.summary) }
  }

  /// What the result depends on: the same hashes and settings give the same file.
  public struct Hashes: Sendable, Encodable {
    /// The backbone's content, 64 hexadecimal digits.
    public let backbone: String
    /// The SHA-256 of all pictures and labels, whatever their order.
    public let data: String
    /// The content of the file that was written.
    public let output: String
  }

  /// How long it took.
  public struct Seconds: Sendable, Encodable {
    /// To decode pictures and compute features.
    public let features: Double
    /// To train the heads.
    public let heads: Double
    /// To train layers of the backbone.
    public let tuning: Double
    /// All together.
    public let all: Double
  }

  /// The file that was written.
  public let output: String
  /// What the file says of the training.
  package let record: TrainingRecord
  /// The data.
  public let data: Data
  /// What looks like a mistake, each in one line.
  public let warnings: [String]
  /// Which pictures were trained on.
  public let split: Split
  /// The features.
  public let features: Features
  /// The heads.
  public let tasks: [Task]
  /// Whether augmented views were flipped; nil where there were none, or where it was said beforehand.
  public let flips: Flips?
  /// How layers of the backbone were trained; nil where it is frozen.
  public let fineTuning: FineTuningReport?
  /// What training layers of the backbone would take; none where it was done.
  public let fineTuningCosts: [FineTuningCost]
  /// The checks of the file.
  public let verification: VerificationReport
  /// How long it took.
  public let seconds: Seconds
  /// The most memory that the process had at once, in bytes; 0 where the system doesn't say.
  public let peakBytes: Int
  /// What the result depends on.
  public let hashes: Hashes
  /// The pictures themselves.
  package let material: PictureMaterial

  enum CodingKeys: String, CodingKey {
    case output, data, warnings, split, features, flips, tasks, verification, seconds, hashes
    case fineTuning = "fine_tuning"
    case fineTuningCosts = "fine_tuning_costs"
    case peakBytes = "peak_bytes"
  }

  init(
    output: String, record: TrainingRecord, data: Data, warnings: [String], split: Split, tasks: [Task],
    features: Features, flips: Flips?, fineTuning: FineTuningReport?, fineTuningCosts: [FineTuningCost],
    verification: VerificationReport, seconds: Seconds, hashes: Hashes, material: PictureMaterial
  ) {
    self.output = output
    self.record = record
    self.data = data
    self.warnings = warnings
    self.split = split
    self.tasks = tasks
    self.features = features
    self.flips = flips
    self.fineTuning = fineTuning
    self.fineTuningCosts = fineTuningCosts
    self.verification = verification
    self.seconds = seconds
    peakBytes = ProcessMemory.peakBytes
    self.hashes = hashes
    self.material = material
  }
}
