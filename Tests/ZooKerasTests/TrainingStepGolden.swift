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

  let family: String
  let setup: TrainingStepSetup
  /// Of all steps, with penalties.
  let losses: [Double]
  /// The same by Keras in float32.
  let losses32: [Double]
  let first, tenth: State

  var name: String { setup.name }
  var testDescription: String { "\(family): \(name)" }

  static let all = read("training_steps.npz") { try TrainingStepGolden($0, $1, $2) }

  /// The cases of a file in Fixtures/layers.
  ///
  /// - Parameter decode: takes a case, all that is beside it, and the numbers that both point into.
  static func read<Golden>(
    _ name: String, _ decode: (JSONValue, JSONValue, [Double]) throws -> Golden
  ) -> [Golden] {
    do {
      let archive = try NumPyArchive(path: fixture("layers/\(name)"))
      let numbers = try #require(try archive.array(named: "numbers")).doubles()
      let bytes = try #require(try archive.array(named: "networks")).bytes.withUnsafeBytes { [UInt8]($0) }
      let all = try JSONValue(parsing: bytes, location: name)
      return try #require(all["cases"]?.array).map { try decode($0, all, numbers) }
    } catch {
      Issue.record("\(error)")
      return []
    }
  }

  init(_ value: JSONValue, _ all: JSONValue, _ numbers: [Double]) throws {
    family = try #require(value["family"]?.string)
    setup = try TrainingStepSetup(value, all, numbers)
    losses = try #require(value["losses"]?.array).compactMap(\.number)
    losses32 = try #require(value["losses32"]?.array).compactMap(\.number)
    first = try State(try #require(value["first"]), numbers)
    tenth = try State(try #require(value["tenth"]), numbers)
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
