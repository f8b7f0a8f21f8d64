import Testing
import ZooGraph
import ZooKeras
import ZooLearning
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A small network that Keras trained for ten steps: a case of Fixtures/layers/training_steps.npz.
struct TrainingStepGolden: CustomTestStringConvertible, Sendable {
  /// What Keras computed in float64, and how far from that its float32 is, as a Euclidean distance.
  struct Values: Sendable {
    let array: KerasNetworkGolden.Array
    let float32: Double

    init(_ value: JSONValue, _ numbers: [Double]) throws {
      array = try KerasNetworkGolden.Array(value, numbers)
      float32 = try #require(value["float32"]?.number)
    }
  }

  /// After a step.
  struct State: Sendable {
    /// By layer, the changes of its weights since the start, in the order of `get_weights()`. Layers that did
    /// not change are left out.
    let changes: [String: [Values]]
    /// By layer and place of the weight among the layer's.
    let slots: [OptimizerSlot: [String: [Int: Values]]]

    init(_ value: JSONValue, _ numbers: [Double]) throws {
      changes = try #require(value["changes"]?.object).mapValues { layer in
        try #require(layer.array).map { try Values($0, numbers) }
      }
      var slots: [OptimizerSlot: [String: [Int: Values]]] = [:]
      for (name, layers) in try #require(value["slots"]?.object) {
        let slot = try #require(OptimizerSlot(rawValue: name))
        slots[slot] = try #require(layers.object).mapValues { layer in
          let pairs = try #require(layer.object).map {
            (try #require(Int($0.key)), try Values($0.value, numbers))
          }
          return Dictionary(uniqueKeysWithValues: pairs)
        }
      }
      self.slots = slots
    }
  }

  /// What batch norms that are not frozen do.
  enum Mode: String, Sendable {
    /// All of them are frozen.
    case frozen
    /// They use their stored statistics; gamma and beta learn.
    case learning
    case batch
  }

  let name: String
  let family: String
  let mode: Mode
  let config: JSONValue
  let weights: [String: [KerasNetworkGolden.Array]]
  /// The examples of a step.
  let count: Int
  /// Two batches, which take turns.
  let inputs: KerasNetworkGolden.Array
  let optimizer: Optimizer
  let rate: Double
  let loss: Loss
  let targets: LossTargets<Double>
  /// Of all examples, those of their classes included.
  let exampleWeights: [Double]?
  /// Of all steps, with penalties.
  let losses: [Double]
  /// The same by Keras in float32.
  let losses32: [Double]
  let first, tenth: State

  var testDescription: String { "\(family): \(name)" }

  static let all: [TrainingStepGolden] = {
    do {
      let archive = try NumPyArchive(path: fixture("layers/training_steps.npz"))
      let numbers = try #require(try archive.array(named: "numbers")).doubles()
      let bytes = try #require(try archive.array(named: "networks")).bytes.withUnsafeBytes { [UInt8]($0) }
      let all = try JSONValue(parsing: bytes, location: "training_steps.npz")
      return try #require(all["cases"]?.array).map { try TrainingStepGolden($0, all, numbers) }
    } catch {
      Issue.record("\(error)")
      return []
    }
  }()

  init(_ value: JSONValue, _ all: JSONValue, _ numbers: [Double]) throws {
    name = try #require(value["name"]?.string)
    family = try #require(value["family"]?.string)
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
    losses = try #require(value["losses"]?.array).compactMap(\.number)
    losses32 = try #require(value["losses32"]?.array).compactMap(\.number)
    first = try State(try #require(value["first"]), numbers)
    tenth = try State(try #require(value["tenth"]), numbers)
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

extension KerasNetworkGolden.Array {
  /// The values that `place` points to.
  init(_ place: JSONValue, _ numbers: [Double]) throws {
    let shape = try #require(place["shape"]?.array).compactMap(\.integer)
    let first = try #require(place["at"]?.integer)
    self.init(shape: shape, values: Array(numbers[first..<first + shape.reduce(1, *)]))
  }
}
