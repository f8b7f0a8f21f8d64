import ZooVerification

/// What an adaptation of batch norms changed, and whether it helped.
public struct AdaptationReport: Sendable, Encodable {
  /// How far a norm's statistics moved.
  public struct Norm: Sendable, Encodable {
    /// The layer's name.
    public let layer: String
    /// How many channels it has.
    public let channels: Int
    /// The mean over the channels of |new mean − old mean| in old deviations.
    public let meanShift: Double
    /// The largest such distance.
    public let largestShift: Double
    /// The geometric mean over the channels of new variance / old variance.
    public let varianceRatio: Double

    enum CodingKeys: String, CodingKey {
      case layer, channels
      case meanShift = "mean_shift"
      case largestShift = "largest_shift"
      case varianceRatio = "variance_ratio"
    }
  }

  /// How well the model does on the pictures, by their labels, which took no part in the adaptation.
  public struct Measured: Sendable, Encodable {
    /// What the probability of a difference by chance says.
    public enum Verdict: String, Sendable, Encodable {
      /// More right answers than chance would give.
      case better
      /// Fewer.
      case worse
      /// No difference that chance would not give.
      case same = "no difference"
    }

    /// The pictures.
    public let pictures: Int
    /// The share of right answers with the old statistics.
    public let before: TrainingReport.Measured.Interval
    /// The share of right answers with the new ones.
    public let after: TrainingReport.Measured.Interval
    /// Pictures that only the model as it was gets right.
    public let lost: Int
    /// Pictures that only the adapted model gets right.
    public let won: Int
    /// The probability of such a difference if both were equally good (McNemar's exact test).
    public let probability: Double
    /// Whether it helped.
    public let verdict: Verdict
  }

  /// The model's file.
  public let model: String
  /// The file that was written.
  public let output: String
  /// The pictures' name.
  public let data: String
  /// The pictures that were measured.
  public let pictures: Int
  /// Those that could not be read.
  public let unreadable: [TrainingReport.Data.Unreadable]
  /// How much the new statistics count.
  public let weight: Double
  /// How often the pictures went through the network.
  public let passes: Int
  /// The norms, the one that moved farthest first.
  public let norms: [Norm]
  /// Whether it helped; nil where the pictures have no labels that fit.
  public let measured: Measured?
  /// Why nothing was measured; nil where something was.
  public let unmeasured: String?
  /// What looks like a mistake, each in one line.
  public let warnings: [String]
  /// The checks of the file.
  public let verification: VerificationReport
  /// Seconds that it took.
  public let seconds: Double
}
