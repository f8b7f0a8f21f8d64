import ZooLearning
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How layers of a backbone are trained further, from the solved head on.
///
/// The defaults train without any choice: AdamW along one cycle, rates that fall from the head to the input, batch
/// norms with their stored statistics, and light augmentation (Howard and Ruder, 2018; Smith, 2018).
public struct TrainingConfiguration: Sendable, Hashable, Codable {
  /// Which layers learn, besides the head.
  public enum Layers: Sendable, Hashable, Codable {
    /// First those of the last resolution, then all. Each of these stages is kept only where it makes the loss of
    /// validation pictures lower by more than noise.
    case automatic
    /// Those of the last resolution.
    case last
    /// All.
    case all
    /// This one, and those behind it.
    case from(String)
  }

  /// What batch norms normalize by while their layers learn. Below, they always use their stored statistics.
  public enum BatchNorm: String, Sendable, Hashable, Codable, CaseIterable {
    /// Their stored statistics, which stay; scales and shifts learn.
    case fixed
    /// Each batch's own statistics, which move the stored ones.
    case batch
  }

  /// How the rate changes from step to step.
  public enum RateSchedule: String, Sendable, Hashable, Codable, CaseIterable {
    /// Up to the rate and down to nearly nothing, as fastai does it.
    case oneCycle = "one-cycle"
    /// From the rate to 0 along half a cosine.
    case cosine
    /// The same throughout.
    case constant
    /// A tenth whenever two epochs in a row bring no lower loss of validation pictures.
    case plateau
  }

  /// How far views that are trained on are from the picture. Each epoch has views of its own.
  public enum Augmentation: String, Sendable, Hashable, Codable, CaseIterable {
    /// The picture as it is.
    case none
    /// Flips, crops of 70 to 100 % of the area, and small changes of light and colour.
    case light
    /// Also turns, tighter crops, stronger colours and blur; of a quarter of the pictures a rectangle is erased, and half of
    /// the batches are mixed from two pictures each, by sums (mixup; Zhang et al., 2018) or rectangles (CutMix; Yun et
    /// al., 2019).
    case strong
  }

  /// Which layers learn.
  public var layers = Layers.automatic
  /// What batch norms normalize by.
  public var batchNorm = BatchNorm.fixed
  /// How often each stage sees all pictures; nil: so often that there are about 400 steps, 4 to 20 times.
  public var epochs: Int?
  /// The pictures of a step.
  public var batch = 16
  /// The rate of the head in units of weight per gradient, at the top of its schedule; nil: 0.001, or 0.01 with plain
  /// gradient descent.
  public var rate: Double?
  /// What the rate is divided by from one resolution to the one before it.
  public var rateDecay = 2.6
  /// How the rate changes.
  public var schedule = RateSchedule.oneCycle
  /// How gradients change weights.
  public var optimizer = Optimizer.adamW(weightDecay: 1e-4)
  /// What is made small; nil: what suits each task: the cross-entropy of classes and labels, the squared error of
  /// numbers, which are measured in units of their deviation.
  public var loss: Loss?
  /// The share of each target that is spread over all classes, where ``loss`` is nil.
  public var labelSmoothing = 0.1
  /// The share of features that a step does without.
  public var dropout = 0.2
  /// How far views are from the picture.
  public var augmentation = Augmentation.light
  /// How many epochs without a lower loss of validation pictures end a stage; nil: 5 with a rate that stays high, and no
  /// end before the last epoch with one that falls by itself, whose best epochs are the last ones.
  public var patience: Int?
  /// The most bytes that training layers may take on top of the backbone's file: fewer pictures are then computed at a time,
  /// and fewer are kept decoded. Nil: about 1 GiB for a step where fewer pictures at a time suffice for that, and up to 2 GiB
  /// for what is kept.
  public var memory: Int?
  /// How often the last stage is trained from the same start, each time with other orders and views. The mean of the
  /// weights of some of them is taken where it makes the loss of validation pictures lower (Wortsman et al., 2022).
  public var runs = 1

  /// The defaults.
  public init() {}

  /// The rate at the top of the schedule.
  var peakRate: Double {
    if let rate { return rate }
    if case .sgd = optimizer.rule { return 1e-2 }
    return 1e-3
  }

  /// The epochs without a lower loss that end a stage.
  var mostWaiting: Int {
    switch schedule {
    case .oneCycle, .cosine: patience ?? .max
    case .constant, .plateau: patience ?? 5
    }
  }

  /// Checks that every number makes sense.
  ///
  /// - Throws: `ZooError` of the code `invalidArgument`.
  package func check() throws(ZooError) {
    func require(_ isRight: Bool, _ why: String) throws(ZooError) {
      guard isRight else {
        throw ZooError(.invalidArgument, what: "cannot train", at: "the configuration", why)
      }
    }
    try require((1...10_000).contains(epochs ?? 1), "\(epochs ?? 0) epochs, expected 1 to 10,000")
    try require((1...4096).contains(batch), "a batch of \(batch) pictures, expected 1 to 4,096")
    try require(
      batchNorm == .fixed || batch >= 4, "statistics of a batch of \(batch) pictures, expected at least 4")
    try require(
      rate.map { $0 > 0 && $0.isFinite } ?? true, "a rate of \(rate ?? 0), expected a number above 0")
    try require(rateDecay >= 1 && rateDecay.isFinite, "rates that fall by \(rateDecay), expected at least 1")
    try require((0...1).contains(labelSmoothing), "label smoothing of \(labelSmoothing), expected 0 to 1")
    try require((0..<1).contains(dropout), "dropout of \(dropout), expected 0 to less than 1")
    try require((patience ?? 1) >= 1, "a patience of \(patience ?? 0) epochs, expected at least 1")
    try require((1...16).contains(runs), "\(runs) runs, expected 1 to 16")
    try optimizer.check()
    try loss?.check()
  }

  /// The number of epochs of a stage, where one has so many steps.
  func epochCount(stepsPerEpoch: Int) -> Int {
    epochs ?? min(20, max(4, (400 + stepsPerEpoch - 1) / stepsPerEpoch))
  }

  /// The rates of so many steps.
  func rates(steps: Int) -> Schedule {
    switch schedule {
    case .oneCycle: .oneCycle(Schedule.OneCycle(peak: peakRate, steps: steps))
    case .cosine: .cosine(initial: peakRate, steps: steps)
    case .constant, .plateau: .constant(peakRate)
    }
  }
}

extension TrainingConfiguration {
  /// All settings but those that the result does not depend on, in words.
  var stable: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

extension Optimizer {
  /// As settings name it.
  var name: String {
    switch rule {
    case .sgd(let momentum, let isNesterov):
      "sgd, momentum \(significant(momentum))\(isNesterov ? ", nesterov" : "")"
    case .rmsprop: "rmsprop"
    case .adam: weightDecay > 0 ? "adamw, weight decay \(significant(weightDecay))" : "adam"
    }
  }
}
