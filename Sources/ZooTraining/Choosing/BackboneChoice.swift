import ZooLearning

/// Which backbone, and which layer of it, suits some pictures.
public struct BackboneChoice: Sendable, Encodable {
  /// A layer of a backbone.
  public struct Candidate: Sendable, Encodable {
    /// How it compares with the best candidate on the same pictures.
    public struct Comparison: Sendable, Encodable {
      /// Pictures that only the best one gets right.
      public let bestOnly: Int
      /// Pictures that only this one gets right.
      public let ownOnly: Int
      /// The probability of such a difference if both were equally good (McNemar's exact test).
      public let probability: Double

      enum CodingKeys: String, CodingKey {
        case bestOnly = "best_only"
        case ownOnly = "own_only"
        case probability
      }
    }

    /// The backbone's file.
    public let model: String
    /// The layer.
    public let layer: String
    /// Whether it is what goes into the backbone's last global pooling.
    public let isTop: Bool
    /// How many features a picture has.
    public let width: Int
    /// Weights of the network as far as this layer.
    public let parameters: Int
    /// Bytes of the backbone's file.
    public let fileBytes: Int
    /// The time of the network as far as this layer for a picture that is decoded.
    public let millisecondsPerPicture: Double
    /// How pixels go into the network, as its file says; `unknown` where it does not.
    public let preprocessing: String
    /// The logarithm of the maximum evidence (LogME): higher is better; nil where it can't be computed.
    public let logME: Double?
    /// The share of pictures that a linear head gets right that has not seen them.
    public let accuracy: TrainingReport.Measured.Interval
    /// The penalty of that head.
    public let penalty: Double
    /// How it compares with the best; nil for the best.
    public internal(set) var comparison: Comparison?
    /// Whether it is the one to take.
    public internal(set) var isRecommended = false

    /// Whether the file says how pixels are preprocessed.
    public var statesPreprocessing: Bool { preprocessing != "unknown" }
    /// Whether the best is better by no more than chance would give.
    public var isWithinNoise: Bool {
      comparison.map { $0.probability >= BackboneChoice.significance } ?? true
    }

    enum CodingKeys: String, CodingKey {
      case model, layer
      case isTop = "top"
      case width, parameters
      case fileBytes = "file_bytes"
      case millisecondsPerPicture = "ms_per_picture"
      case preprocessing
      case logME = "logme"
      case accuracy, penalty, comparison
      case isRecommended = "recommended"
    }
  }

  /// Below this probability a difference is taken for real.
  static let significance = 0.05

  /// The data.
  public let data: String
  /// The task whose classes were told apart.
  public let task: String
  /// How many classes.
  public let classes: Int
  /// Pictures that were used.
  public let pictures: Int
  /// The share that guessing the largest class would get right.
  public let largestClass: Double
  /// Pictures that could not be read.
  public let unreadable: [TrainingReport.Data.Unreadable]
  /// The parts of cross-validation.
  public let folds: Int
  /// How many threads computed.
  public let threads: Int
  /// What looks like a mistake, each in one line.
  public let warnings: [String]
  /// The most accurate first.
  public let candidates: [Candidate]
  /// Why the recommended one is recommended, in one sentence.
  public let reason: String
  /// Seconds that it took.
  public let seconds: Double

  /// The one to take: the fastest of those whose accuracy can't be told from the best.
  public var recommended: Candidate? { candidates.first { $0.isRecommended } }
}
