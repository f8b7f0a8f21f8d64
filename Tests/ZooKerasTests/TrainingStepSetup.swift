import Testing
import ZooKeras
import ZooLearning
import ZooWeightFiles

/// A network and how it is trained for some steps.
struct TrainingStepSetup: Sendable {
  /// What batch norms that are not frozen do.
  enum Mode: String, Sendable {
    /// All of them are frozen.
    case frozen
    /// They use their stored statistics; gamma and beta learn.
    case learning
    case batch
  }

  var name: String
  var mode: Mode
  var config: JSONValue
  var weights: [String: [KerasNetworkGolden.Array]]
  /// The examples of a step.
  var count: Int
  /// Two batches, which take turns.
  var inputs: KerasNetworkGolden.Array
  var optimizer: Optimizer
  var rate: Double
  var loss: Loss
  var targets: LossTargets<Double>
  /// Of all examples, those of their classes included.
  var exampleWeights: [Double]?

  init(_ value: JSONValue, _ all: JSONValue, _ numbers: [Double]) throws {
    name = try #require(value["name"]?.string)
    mode = try #require(value["mode"]?.string.flatMap(Mode.init))
    config = try #require(value["config"])
    let place = try #require(value["network"]?.string)
    let network = try #require(all["networks"]?[place])
    weights = try #require(network["weights"]?.object).mapValues { layer in
      try #require(layer.array).map { try KerasNetworkGolden.Array($0, numbers) }
    }
    inputs = try KerasNetworkGolden.Array(try #require(network["inputs"]), numbers)
    count = try #require(all["count"]?.integer)
    optimizer = try Self.optimizer(try #require(value["rule"]?.string), try #require(value["options"]))
    rate = try #require(value["rate"]?.number)
    loss = try Self.loss(try #require(value["loss"]?.string), try #require(value["lossOptions"]))
    var weights = value["weights"]?.array?.compactMap(\.number)
    if let classes = value["targets"]?["classes"]?.array?.compactMap(\.integer) {
      targets = .classes(classes)
      if let classWeights = value["classWeights"]?.array?.compactMap(\.number) {
        weights = try ExampleWeights.combined(classes: classes, classWeights: classWeights, examples: weights)
      }
    } else {
      targets = .values(
        try KerasNetworkGolden.Array(try #require(value["targets"]?["values"]), numbers).values)
    }
    exampleWeights = weights
  }

  private static func optimizer(_ name: String, _ options: JSONValue) throws -> Optimizer {
    func number(_ key: String) -> Double { options[key]?.number ?? 0 }
    func flag(_ key: String) -> Bool { options[key]?.bool ?? false }
    let rule: Optimizer.Rule
    switch name {
    case "sgd": rule = .sgd(momentum: number("momentum"), nesterov: flag("nesterov"))
    case "rmsprop":
      rule = .rmsprop(
        decay: number("decay"), momentum: number("momentum"), epsilon: number("epsilon"),
        centered: flag("centered"))
    default:
      try #require(name == "adam")
      rule = .adam(
        beta1: number("beta1"), beta2: number("beta2"), epsilon: number("epsilon"), amsgrad: flag("amsgrad"))
    }
    return Optimizer(
      rule, weightDecay: number("weightDecay"), decaysVectors: options["decaysVectors"]?.bool ?? true,
      clipping: options["clipNorm"]?.number.map { .norm($0) }
        ?? options["clipGlobalNorm"]?.number.map { .globalNorm($0) }
        ?? options["clipValue"]?.number.map { .value($0) },
      averaging: options["averaging"]?.number)
  }

  private static func loss(_ name: String, _ options: JSONValue) throws -> Loss {
    func number(_ key: String) -> Double { options[key]?.number ?? 0 }
    let smoothing = number("smoothing")
    switch name {
    case "softmaxCrossEntropy": return .softmaxCrossEntropy(smoothing: smoothing)
    case "binaryCrossEntropy": return .binaryCrossEntropy(smoothing: smoothing)
    case "categoricalFocal":
      return .categoricalFocal(alpha: number("alpha"), gamma: number("gamma"), smoothing: smoothing)
    case "binaryFocal": return .binaryFocal(gamma: number("gamma"), smoothing: smoothing)
    case "meanSquaredError": return .meanSquaredError
    case "meanAbsoluteError": return .meanAbsoluteError
    default:
      try #require(name == "huber")
      return .huber(delta: number("delta"))
    }
  }
}
