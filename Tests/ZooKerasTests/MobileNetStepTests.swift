import Foundation
import Testing
import ZooGraph
import ZooKeras
import ZooRuntime
import ZooTestSupport
import ZooWeightFiles

/// How Keras trained the published MobileNet 0.25 for ten steps: a case of
/// Fixtures/layers/mobilenet_steps.npz.
struct MobileNetStepGolden: CustomTestStringConvertible, Sendable {
  /// The change of a weight since the start.
  struct Change: Sendable {
    let norm: Double
    /// Some of its values, evenly spread.
    let samples: [Double]
    /// How far from these Keras in float32 is, as a Euclidean distance.
    let float32: Double

    init(_ value: JSONValue, _ numbers: [Double]) throws {
      norm = try #require(value["norm"]?.number)
      samples = try KerasNetworkGolden.Array(value, numbers).values
      float32 = try #require(value["float32"]?.number)
    }
  }

  let setup: TrainingStepSetup
  let losses, losses32: [Double]
  /// After steps 1 and 10, by layer.
  let changes: [[String: [Change]]]

  var testDescription: String { setup.name }

  static let all = TrainingStepGolden.read("mobilenet_steps.npz") { try MobileNetStepGolden($0, $1, $2) }

  init(_ value: JSONValue, _ all: JSONValue, _ numbers: [Double]) throws {
    setup = try TrainingStepSetup(value, all, numbers)
    losses = try #require(value["losses"]?.array).compactMap(\.number)
    losses32 = try #require(value["losses32"]?.array).compactMap(\.number)
    changes = try ["first", "tenth"].map { state in
      try #require(value[state]?.object).mapValues { layer in
        try #require(layer.array).map { try Change($0, numbers) }
      }
    }
  }

  private static let side = 96

  /// The pictures of both batches (N, H, W, C).
  private static func pictures(_ count: Int) -> KerasNetworkGolden.Array {
    func wave(_ value: Int) -> Int { abs(value % 256 - 128) }
    var values: [Double] = []
    for n in 0..<count {
      for h in 0..<side {
        for w in 0..<side {
          for c in 0..<3 {
            let sum = wave(h * (2 + n) + 40 * c) + wave(w * (3 + c) + 17 * n)
            values.append(Double(sum) / 128 - 1)
          }
        }
      }
    }
    return KerasNetworkGolden.Array(shape: [count, side, side, 3], values: values)
  }

  /// The network with the published weights.
  func network() throws -> TrainingStepNetwork {
    var setup = setup
    setup.inputs = Self.pictures(2 * setup.count)
    let file = try WeightFiles.open(path: RealFiles.mobileNetFeatures)
    for entry in file.tensors {
      let tensor = try file.read(entry)
      setup.weights[try #require(entry.layer), default: []].append(
        KerasNetworkGolden.Array(shape: tensor.shape.dimensions, values: tensor.doubles()))
    }
    return try TrainingStepNetwork(setup)
  }
}

/// The published MobileNet becomes what Keras makes of it.
@Suite("ten steps of the published MobileNet", .enabled(if: RealFiles.exist, "\(RealFiles.absence)"))
struct MobileNetStepTests {
  @Test func goldensAreThere() {
    #expect(MobileNetStepGolden.all.map(\.setup.mode) == [.frozen, .learning, .batch])
  }

  private struct Difference {
    let name: String
    /// Of the samples, and of the whole change's norm, both relative to Keras'.
    let samples, norm: Double
    let distance, float32, rounding, sampled: Double

    var ratio: Double { max(distance, rounding) / max(float32, rounding) }
  }

  private func differences(
    of state: TrainedState, from layers: [String: [MobileNetStepGolden.Change]],
    in network: TrainingStepNetwork
  ) throws -> [Difference] {
    var result: [Difference] = []
    for (layer, changes) in layers.sorted(by: { $0.key < $1.key }) {
      let place = try #require(network.network.layerOrder.first { $0.layer == layer })
      for (slot, change) in zip(network.graph.nodes[place.node].weights, changes) {
        let ours = try #require(state.changes[slot])
        let start = try #require(network.start[slot])
        let count = change.samples.count
        let samples = (0..<count).map { ours[$0 * ours.count / count] }
        let scale = (start.reduce(0) { $0 + $1 * $1 } / Double(start.count) * Double(count)).squareRoot()
        let size = norm(change.samples)
        let distance = norm(zip(samples, change.samples).map { $0 - $1 })
        // Where all samples are almost zero, the whole says more.
        let typical = change.norm * (Double(count) / Double(ours.count)).squareRoot()
        result.append(
          Difference(
            name: slot.name, samples: distance / max(size, typical, .leastNormalMagnitude),
            norm: abs(norm(ours) - change.norm) / max(change.norm, .leastNormalMagnitude), distance: distance,
            float32: change.float32,
            rounding: max(scale * 0x1p-24, .leastNormalMagnitude), sampled: max(size, typical)))
      }
    }
    let known = Set(result.map(\.name))
    for (slot, change) in state.changes where !known.contains(slot.name) {
      #expect(change.allSatisfy { $0 == 0 }, "\(slot.name) changed")
    }
    return result
  }

  @Test("the oracle", arguments: MobileNetStepGolden.all) func oracle(_ golden: MobileNetStepGolden) throws {
    let network = try golden.network()
    let run = try network.runOracle()
    let tolerances = [1e-9, 1e-7]
    for (step, (ours, theirs)) in zip(run.losses, golden.losses).enumerated() {
      #expect(abs(ours - theirs) <= tolerances[step == 0 ? 0 : 1] * theirs, "step \(step)")
    }
    for (index, layers) in golden.changes.enumerated() {
      let all = try differences(of: run.states[index], from: layers, in: network)
      #expect(all.count >= (golden.setup.mode == .frozen ? 29 : 83))
      for own in all {
        #expect(own.samples <= tolerances[index], "\(own.name): off by \(own.samples)")
        #expect(own.norm <= tolerances[index], "\(own.name): off by \(own.norm)")
      }
      print(
        "MobileNet, \(golden.setup.name): the oracle is off by at most",
        all.reduce(0) { max($0, $1.samples, $1.norm) }, "after \([1, 10][index]) steps")
    }
  }

  /// Among two million values, rounding takes about one a step across a corner of ReLU6, where its gradient
  /// jumps. Which one depends on the order of sums, and from there on all layers below differ by about 1e-2.
  @Test("the fast engine", arguments: MobileNetStepGolden.all)
  func engine(_ golden: MobileNetStepGolden) throws {
    let network = try golden.network()
    for kernels in Engine.availableKernels {
      let run = try network.runEngine(kernels: kernels)
      for (step, (ours, theirs)) in zip(run.losses, zip(golden.losses, golden.losses32)).enumerated() {
        #expect(
          abs(ours - theirs.0) <= max(4 * abs(theirs.1 - theirs.0), (step == 0 ? 2e-6 : 1e-3) * theirs.0),
          "\(kernels), step \(step): \(ours), not \(theirs)")
      }
      for (index, layers) in golden.changes.enumerated() {
        let all = try differences(of: run.states[index], from: layers, in: network)
        for own in all {
          #expect(
            own.distance <= max(4 * own.float32, [0.02, 0.05][index] * own.sampled, own.rounding),
            "\(kernels), step \([1, 10][index]), \(own.name): off by \(own.samples), \(own.ratio) times Keras"
          )
        }
        let mean = exp(all.reduce(0) { $0 + log($1.ratio) } / Double(all.count))
        #expect(mean <= [1.5, 4][index], "\(kernels), step \([1, 10][index])")
        print(
          "MobileNet, \(golden.setup.name), \(kernels): off by at most",
          all.reduce(0) { max($0, $1.samples) }, "on average", mean, "times what Keras is, after",
          [1, 10][index], "steps")
      }
    }
  }
}
