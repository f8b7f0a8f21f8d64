import ArgumentParser
import ModelZooTools

/// How layers of the backbone are trained.
struct FineTuneOptions: ParsableArguments {
  enum Rule: String, ExpressibleByArgument, CaseIterable {
    case adamw, adam, sgd, rmsprop
  }

  enum LossName: String, ExpressibleByArgument, CaseIterable {
    case auto, focal
    case meanAbsolute = "mean-absolute"
    case huber
  }

  @Option(
    help: ArgumentHelp(
      "The layers of the backbone to train further: none; auto for the last resolution and then all, each kept only if "
        + "validation gets better by more than noise; last; all; or from a layer on.",
      valueName: "none|auto|last|all|layer"), completion: .layers)
  var fineTune = "none"

  @Option(help: "What batch norms of trained layers normalize by: their stored statistics, or each batch's.")
  var batchNorm = TrainingConfiguration.BatchNorm.fixed

  @Option(
    help: ArgumentHelp(
      "How often each stage sees all pictures; by default about 400 steps, 4 to 20 times.", valueName: "n"))
  var epochs: Int?

  @Option(help: ArgumentHelp("The pictures of a step.", valueName: "n"))
  var batch = 16

  @Option(
    help: ArgumentHelp(
      "The highest rate of the head; by default 0.001, or 0.01 with sgd. --find-rate suggests one.",
      valueName: "number"))
  var rate: Double?

  @Option(
    help: ArgumentHelp(
      "What the rate is divided by from each resolution to the one before it.", valueName: "number"))
  var rateDecay = 2.6

  @Option(help: "How the rate changes from step to step.")
  var schedule = TrainingConfiguration.RateSchedule.oneCycle

  @Option(help: "How gradients change weights.")
  var optimizer = Rule.adamw

  @Option(
    help: ArgumentHelp(
      "The share of a weight, times the rate, that each step takes away; not of biases and norms.",
      valueName: "number"))
  var weightDecay = 1e-4

  @Flag(help: "Weight decay takes from biases and norms too, as Keras' does.")
  var weightDecayAll = false

  @Option(help: ArgumentHelp("The share of features that a step does without.", valueName: "share"))
  var dropout = 0.2

  @Option(help: ArgumentHelp("The share of each target that is spread over all classes.", valueName: "share"))
  var labelSmoothing = 0.1

  @Option(
    help:
      "What is made small; auto is cross-entropy for classes and labels, and the squared error for numbers.")
  var loss = LossName.auto

  @Option(
    help: ArgumentHelp(
      "The largest norm of all gradients together; larger ones are scaled.", valueName: "number"))
  var clipNorm: Double?

  @Option(
    help: ArgumentHelp(
      "Judge and keep the running mean of the weights, of which each step keeps this share.",
      valueName: "share"))
  var ema: Double?

  @Option(
    help: ArgumentHelp(
      "How many epochs without a better validation loss end a stage; by default 5 with --schedule constant or plateau, and "
        + "no end with the others.", valueName: "n"))
  var patience: Int?

  @Option(
    help: ArgumentHelp(
      "Train the last stage so often from the same start, and take the mean of the weights of those runs that make "
        + "validation better.", valueName: "n"))
  var runs = 1

  @Option(
    help: ArgumentHelp(
      "The memory that training layers may take, in MiB: fewer pictures are then computed at a time, and fewer are kept.",
      valueName: "mib"))
  var memory: Int?

  @Option(
    help: ArgumentHelp(
      "The folder where an unfinished training is kept; by default the output's.", valueName: "folder"),
    completion: .directory)
  var checkpoint: String?

  @Flag(help: "Go on with the unfinished training of this output.")
  var resume = false

  @Flag(help: "Go on with it though data or settings are not those that it began with.")
  var resumeChanged = false

  @Flag(help: "Try rising rates for a hundred steps, and print the loss of each and the rate to take.")
  var findRate = false

  /// Whether layers are trained.
  var isAsked: Bool { fineTune != "none" }

  func validate() throws {
    func check(_ isRight: Bool, _ text: String) throws { if !isRight { throw ValidationError(text) } }
    try check(!resume || !resumeChanged, "--resume and --resume-changed exclude each other.")
    try check((1...10_000).contains(epochs ?? 1), "--epochs takes a number from 1 to 10000.")
    try check((1...4096).contains(batch), "--batch takes a number from 1 to 4096, not \(batch).")
    try check(batchNorm == .fixed || batch >= 4, "--batch-norm batch takes a --batch of at least 4.")
    try check(rate.map { $0 > 0 && $0.isFinite } ?? true, "--rate takes a number above 0.")
    try check(rateDecay >= 1 && rateDecay.isFinite, "--rate-decay takes a number of at least 1.")
    try check(weightDecay >= 0 && weightDecay.isFinite, "--weight-decay takes a number of at least 0.")
    try check((0..<1).contains(dropout), "--dropout takes a share of at least 0 and below 1.")
    try check((0...1).contains(labelSmoothing), "--label-smoothing takes a share between 0 and 1.")
    try check(clipNorm.map { $0 > 0 && $0.isFinite } ?? true, "--clip-norm takes a number above 0.")
    try check(ema.map { $0 > 0 && $0 < 1 } ?? true, "--ema takes a share between 0 and 1.")
    try check((patience ?? 1) >= 1, "--patience takes a number of at least 1.")
    try check((1...16).contains(runs), "--runs takes a number from 1 to 16, not \(runs).")
    try check((1...16_777_216).contains(memory ?? 1), "--memory takes a number of MiB of at least 1.")
    if !isAsked {
      try check(!findRate, "--find-rate goes with --fine-tune.")
      try check(!resume && !resumeChanged, "--resume goes with --fine-tune.")
    }
  }

  /// The configuration; nil where no layers are trained.
  func configuration(augmentation: HeadTrainer.Augmentation) -> TrainingConfiguration? {
    var own = TrainingConfiguration()
    switch fineTune {
    case "none": return nil
    case "auto": own.layers = .automatic
    case "last": own.layers = .last
    case "all": own.layers = .all
    default: own.layers = .from(fineTune)
    }
    own.batchNorm = batchNorm
    own.epochs = epochs
    own.batch = batch
    own.rate = rate
    own.rateDecay = rateDecay
    own.schedule = schedule
    own.optimizer =
      switch optimizer {
      case .adamw: .adamW(weightDecay: weightDecay)
      case .adam: .adam()
      case .sgd: .sgd(momentum: 0.9, weightDecay: weightDecay)
      case .rmsprop: .rmsprop()
      }
    own.optimizer.decaysVectors = weightDecayAll
    own.optimizer.clipping = clipNorm.map(GradientClipping.globalNorm)
    own.optimizer.averaging = ema
    own.loss =
      switch loss {
      case .auto: nil
      case .focal: .categoricalFocal(smoothing: labelSmoothing)
      case .meanAbsolute: .meanAbsoluteError
      case .huber: .huber()
      }
    own.labelSmoothing = labelSmoothing
    own.dropout = dropout
    own.augmentation = TrainingConfiguration.Augmentation(rawValue: augmentation.rawValue) ?? .light
    own.patience = patience
    own.runs = runs
    own.memory = memory.map { $0 << 20 }
    return own
  }

  /// What to do with an unfinished training.
  func resuming(overwrite: Bool) -> Trainer.Resuming {
    resume ? .same : resumeChanged ? .changed : overwrite ? .restart : .never
  }
}

extension TrainingConfiguration.BatchNorm: ExpressibleByArgument {}
extension TrainingConfiguration.RateSchedule: ExpressibleByArgument {}
