import ZooData
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem

/// Whether a flipped picture is still a picture of the same: heads on the frozen backbone say so of pictures that they
/// have not seen.
///
/// Where it is, what is learned from pictures as they are tells flipped ones as well. A flipped digit or letter is another
/// sign, and training on it is training on wrong labels.
struct FlipCheck {
  let extractor: FeatureExtractor
  let pictures: TrainingRun.Pictures
  let plan: TrainingPlan
  let trainings: [TaskTraining]
  let outcomes: [TaskOutcome]

  /// A smaller rise of the loss, as a share of it, is no reason to do without flips, however sure it is.
  private static let leastRise = 0.1

  /// - Throws: `ZooError` where a picture is gone, or the task is cancelled.
  func run() throws -> TrainingReport.Flips {
    var (plain, flipped): ([Double], [Double]) = ([], [])
    for part in parts {
      let features = try extractor.features(
        of: part.validation.map { pictures.examples[$0].path }, in: .flipped)
      var sums = [(plain: Double, flipped: Double)](repeating: (0, 0), count: part.validation.count)
      for (training, outcome) in zip(trainings, outcomes) {
        let own = try training.losses(
          of: part.validation, inViews: features, afterTrainingOn: part.training, outcome)
        for (row, losses) in own.enumerated() {
          sums[row].plain += losses.plain
          sums[row].flipped += losses.other
        }
      }
      plain += sums.map(\.plain)
      flipped += sums.map(\.flipped)
    }
    let rise = MeanGain(before: flipped, after: plain)
    let count = Double(max(1, plain.count))
    let loss = plain.reduce(0, +) / count
    return TrainingReport.Flips(
      areUsed: !(rise.isMoreThanNoise && rise.value > Self.leastRise * loss), pictures: plain.count,
      loss: loss,
      flippedLoss: flipped.reduce(0, +) / count, riseError: rise.standardError)
  }

  /// What heads learn, and what they are asked about.
  private var parts: [(training: [Int], validation: [Int])] {
    guard case .folds = plan.scheme else { return [(plan.training, plan.validation)] }
    let parts = zip(plan.training, plan.folds)
    return Set(plan.folds).sorted().map { fold in
      (parts.filter { $1 != fold }.map(\.0), parts.filter { $1 == fold }.map(\.0))
    }
  }
}

extension TrainingRecord {
  /// Whether flipped pictures are pictures of the same, as far as the training knows.
  package var allowsFlips: Bool { settings["flips"] != "none" }
}

extension TrainingReport {
  /// Whether augmented views were flipped left to right, and why: what heads on the frozen backbone make of held-back
  /// pictures.
  public struct Flips: Sendable, Encodable {
    /// Whether every other view is flipped.
    public let areUsed: Bool
    /// The held-back pictures.
    public let pictures: Int
    /// Their mean loss as they are, summed over tasks.
    public let loss: Double
    /// Their mean loss when they are flipped.
    public let flippedLoss: Double
    /// The standard error of the difference.
    public let riseError: Double

    enum CodingKeys: String, CodingKey {
      case areUsed = "used"
      case pictures, loss
      case flippedLoss = "flipped_loss"
      case riseError = "difference_error"
    }
  }
}
