/// Where the training of a backbone's layers is.
public struct TuningProgress: Sendable, Hashable {
  /// Which layers are trained, in words.
  public let stage: String
  /// The epoch, from 1, and how many there are at most.
  public let epoch: Int
  /// How many epochs there are at most.
  public let epochs: Int
  /// The steps of the stage that are done.
  public let step: Int
  /// The steps that it has at most.
  public let steps: Int
  /// The mean loss of the epoch's steps so far; nil before the first.
  public let trainingLoss: Double?
  /// The loss of validation pictures after the last epoch; nil before that.
  public let validationLoss: Double?
}
