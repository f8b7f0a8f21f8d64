import ZooData
import ZooLearning
import ZooSystem

/// What a training makes small for one task: its loss over the task's part of the logits.
struct TaskLoss: Sendable {
  let task: ImageDataset.Task
  /// The task's place among the targets.
  let place: Int
  /// The task's part of the logits.
  let columns: Range<Int>
  /// What is made small.
  let loss: Loss
  /// What measures validation pictures: the same without smoothing.
  let measure: Loss
  /// Of the classes; nil where all count the same.
  let classWeights: [Double]?
  /// The mean and the deviation that numbers are measured by; 0 and 1 for other tasks.
  let (mean, deviation): (Double, Double)

  /// - Parameters:
  ///   - examples: what is trained on.
  ///   - isWeighted: whether classes are balanced by weights.
  init(
    _ task: ImageDataset.Task, place: Int, columns: Range<Int>, examples: [ImageDataset.Example],
    isWeighted: Bool, configuration: TrainingConfiguration
  ) throws(ZooError) {
    self.task = task
    self.place = place
    self.columns = columns
    var scale = (mean: 0.0, deviation: 1.0)
    var weights: [Double]?
    switch task.kind {
    case .classes:
      loss = configuration.loss ?? .softmaxCrossEntropy(smoothing: configuration.labelSmoothing)
      measure = .softmaxCrossEntropy()
      if isWeighted {
        weights = ExampleWeights.balanced(
          classes: examples.map { Self.classIndex($0.targets[place]) }, count: task.classNames.count)
      }
    case .labels:
      loss = configuration.loss ?? .binaryCrossEntropy(smoothing: configuration.labelSmoothing)
      measure = .binaryCrossEntropy()
    case .number:
      loss = configuration.loss ?? .meanSquaredError
      measure = .meanSquaredError
      let numbers = examples.compactMap { Self.number($0.targets[place]) }
      let mean = numbers.reduce(0, +) / Double(max(1, numbers.count))
      let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, numbers.count))
      scale = (mean, variance > 0 ? variance.squareRoot() : 1)
    }
    guard loss.isOfClasses == (task.kind == .classes), loss.isOfNumbers == (task.kind == .number) else {
      throw ZooError(
        .invalidArgument, what: "loss does not fit", at: "task '\(task.name)'",
        "it is of \(task.kind.rawValue), and this loss is not")
    }
    (mean, deviation) = scale
    classWeights = weights
  }

  private static func classIndex(_ target: ImageDataset.Target) -> Int {
    if case .classIndex(let index) = target { index } else { -1 }
  }

  private static func number(_ target: ImageDataset.Target) -> Double? {
    if case .number(let number) = target { number } else { nil }
  }

  // MARK: Targets

  /// What a picture's logits are compared with: a number for each, NaN where it is not known; and how much it counts.
  func target(_ example: ImageDataset.Example) -> (values: [Float], weight: Double) {
    var values = [Float](repeating: 0, count: columns.count)
    switch example.targets[place] {
    case .missing: return (values.map { _ in .nan }, 0)
    case .classIndex(let index):
      values[index] = 1
      return (values, classWeights?[index] ?? 1)
    case .labels(let indices): for index in indices { values[index] = 1 }
    case .number(let number): values[0] = Float((number - mean) / deviation)
    }
    return (values, 1)
  }

  // MARK: Measuring

  /// What the task's logits are multiplied with so that they fit the pictures best; 1 for numbers.
  func scale(of logits: [[Float]], _ examples: [ImageDataset.Example]) -> Double {
    guard task.kind != .number else { return 1 }
    let known = zip(logits, examples).filter { $1.targets[place] != .missing }
    return LogitScale.best(
      logits: known.flatMap { logits, _ in logits[columns].map(Double.init) },
      targets: known.flatMap { target($1).values.map(Double.init) }, columns: columns.count,
      areExclusive: task.kind == .classes)
  }

  /// The loss of one picture as validation measures it; nil where its target is not known.
  ///
  /// - Parameter scale: what the logits are multiplied with before.
  func measured(
    _ logits: [Float], _ example: ImageDataset.Example, scale: Double = 1
  ) throws(ZooError) -> Double? {
    let target = target(example).values
    guard target.allSatisfy({ !$0.isNaN }) else { return nil }
    let scaled = logits[columns].map { $0 * Float(scale) }
    return try measure.evaluate(scaled, columns: columns.count, .values(target)).value
  }

  /// Whether the highest logit is at the picture's class; nil where that is not known.
  func isRight(_ logits: [Float], _ example: ImageDataset.Example) -> Bool? {
    guard case .classIndex(let index) = example.targets[place] else { return nil }
    var best = columns.lowerBound
    for column in columns where logits[column] > logits[best] { best = column }
    return best - columns.lowerBound == index
  }

  /// The scores before softmax or sigmoid, or the number in its own unit.
  func scores(_ logits: [Float]) -> [Double] { logits[columns].map { Double($0) * deviation + mean } }

  /// The logits of such scores.
  func logits(_ scores: some Sequence<Double>) -> [Float] { scores.map { Float(($0 - mean) / deviation) } }
}

extension Loss {
  /// Whether predictions are numbers, and no logits.
  var isOfNumbers: Bool {
    switch self {
    case .meanSquaredError, .meanAbsoluteError, .huber: true
    default: false
    }
  }
}
