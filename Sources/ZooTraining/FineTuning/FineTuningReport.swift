/// What the training of a backbone's layers came to.
public struct FineTuningReport: Sendable, Codable {
  /// One look at all pictures.
  public struct Epoch: Sendable, Codable {
    /// The mean loss of the steps, with everything that makes training harder than prediction.
    public let trainingLoss: Double
    /// The mean loss of the validation pictures, summed over tasks, with each task's logits scaled to fit them best.
    public let validationLoss: Double
    /// The share of right answers for validation pictures of the first task of classes; nil without one.
    public let validationAccuracy: Double?
    /// The rate of the head in the last step.
    public let rate: Double

    enum CodingKeys: String, CodingKey {
      case trainingLoss = "training_loss"
      case validationLoss = "validation_loss"
      case validationAccuracy = "validation_accuracy"
      case rate
    }
  }

  /// One training of a stage.
  public struct Run: Sendable, Codable {
    /// In their order.
    public let epochs: [Epoch]
    /// The epoch whose weights were taken, from 1.
    public let best: Int
    /// Whether its weights are part of the mean that was taken.
    public internal(set) var isTaken: Bool

    enum CodingKeys: String, CodingKey {
      case epochs
      case best = "best_epoch"
      case isTaken = "taken"
    }

    /// The loss of validation pictures after the best epoch.
    public var validationLoss: Double { epochs[best - 1].validationLoss }
  }

  /// Layers that were trained together.
  public struct Stage: Sendable, Codable {
    /// Which layers, in words.
    public let name: String
    /// The first layer that learned.
    public let from: String
    /// How many numbers learned.
    public let parameters: Int
    /// One, or several from the same start.
    public let runs: [Run]
    /// The loss of validation pictures before the stage, with scaled logits too.
    public let lossBefore: Double
    /// And after it.
    public let lossAfter: Double
    /// How much lower the loss of a validation picture became on average, and the standard error of that.
    public let gain: Double
    /// The standard error of ``gain``.
    public let gainError: Double
    /// What the logits of each task are multiplied with, in ``lossAfter`` and in the file, so that probabilities fit the
    /// validation pictures best; other losses have scales of their own.
    public let scales: [Double]
    /// Whether the file has what the stage learned.
    public let isKept: Bool
    /// How long it took.
    public let seconds: Double

    enum CodingKeys: String, CodingKey {
      case name, from, parameters, runs
      case lossBefore = "loss_before"
      case lossAfter = "loss_after"
      case gain
      case gainError = "gain_error"
      case scales = "logit_scales"
      case isKept = "kept"
      case seconds
    }
  }

  /// In their order.
  public let stages: [Stage]
  /// The pictures that were learned from.
  public let training: Int
  /// The pictures that chose epochs and stages.
  public let validation: Int
  /// The pictures with which what was kept was done again, for the file: all. Nil where nothing was kept, or the data set
  /// validation pictures apart.
  public internal(set) var repeated: Int?
  /// What batch norms of trained layers normalized by: `fixed` or `batch`.
  public let batchNorm: String
  /// How many pictures were computed at a time; the gradients of a step's pictures are added up.
  public let part: Int

  enum CodingKeys: String, CodingKey {
    case stages, training, validation
    case repeated = "trained_again_on"
    case batchNorm = "batch_norm"
    case part
  }

  /// Whether the file has anything that a stage learned.
  public var isKept: Bool { stages.contains(where: \.isKept) }
}
