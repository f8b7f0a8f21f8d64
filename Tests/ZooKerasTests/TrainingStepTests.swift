import Foundation
import Testing
import ZooGraph
import ZooKeras
import ZooLearning
import ZooRuntime

/// Networks that are trained here for ten steps become what Keras makes of them in float64.
@Suite("ten steps of training as Keras makes them") struct TrainingStepTests {
  static let families = ["optimizers", "freezing", "losses", "operations"]

  @Test func goldensAreThere() {
    #expect(TrainingStepGolden.all.count >= 65)
    #expect(Set(TrainingStepGolden.all.map(\.family)) == Set(Self.families))
  }

  /// Together, the networks have every operation.
  @Test func everyOperationIsThere() throws {
    let kinds = try TrainingStepGolden.all.flatMap {
      try TrainingStepNetwork($0.setup).graph.nodes.map(\.operation.kind)
    }
    #expect(ZooGraph.Operation.kinds.subtracting(kinds) == [])
  }

  /// Without noise, both agree to rounding.
  @Test("the oracle", arguments: families) func oracle(_ family: String) throws {
    var largest = [0.0, 0.0]
    for golden in TrainingStepGolden.all where golden.family == family {
      let network = try TrainingStepNetwork(golden.setup)
      let run = try network.runOracle()
      let tolerances = [1e-9, 1e-7]
      for (step, (ours, theirs)) in zip(run.losses, golden.losses).enumerated() {
        #expect(
          abs(ours - theirs) <= tolerances[step == 0 ? 0 : 1] * abs(theirs),
          "\(golden.name): the loss of step \(step) is off by \(ours - theirs)")
      }
      for (index, state) in [golden.first, golden.tenth].enumerated() {
        for own in try network.differences(of: run.states[index], from: state) {
          largest[index] = max(largest[index], own.relative)
          #expect(
            own.relative <= tolerances[index],
            "\(golden.name), step \([1, 10][index]): \(own.name) is off by \(own.relative)")
        }
      }
    }
    print("\(family): the oracle is off by at most \(largest[0]) after a step, \(largest[1]) after ten")
  }

  /// Rounding moves the fast engine as far as it moves Keras in float32. A variable of four values may be
  /// luckier there than here, so a little of its change is allowed in any case, after ten steps ten times as
  /// much.
  @Test("the fast engine", arguments: families) func engine(_ family: String) throws {
    for kernels in Engine.availableKernels {
      var (ratios, largest, name): ([Double], Double, String) = ([], 0, "")
      for golden in TrainingStepGolden.all where golden.family == family {
        let network = try TrainingStepNetwork(golden.setup)
        let run = try network.runEngine(kernels: kernels)
        for (step, (ours, theirs)) in zip(run.losses, zip(golden.losses, golden.losses32)).enumerated() {
          #expect(
            abs(ours - theirs.0) <= max(4 * abs(theirs.1 - theirs.0), 2e-6 * abs(theirs.0)),
            "\(kernels), \(golden.name): the loss of step \(step) is off by \(ours - theirs.0)")
        }
        for (index, state) in [golden.first, golden.tenth].enumerated() {
          for own in try network.differences(of: run.states[index], from: state) {
            if own.relative > largest { (largest, name) = (own.relative, "\(golden.name), \(own.name)") }
            ratios.append(own.ratio)
            #expect(
              own.distance <= max(4 * own.float32, [1e-5, 1e-4][index] * own.norm, own.rounding),
              """
              \(kernels), \(golden.name), step \([1, 10][index]): \(own.name) is off by \(own.relative), \
              \(own.ratio) times what Keras is
              """
            )
          }
        }
      }
      let mean = exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count))
      #expect(mean <= 1.5, "\(kernels)")
      print(
        "\(family), \(kernels): off by at most \(largest) (\(name)), on average \(mean) times what Keras is")
    }
  }
}

/// How far a weight's change, or what an optimizer remembers of it, is from Keras in float64.
struct TrainingStepDifference {
  let name: String
  let distance: Double
  /// Of what Keras has, but not less than a thousandth of all weights' together: where a gradient is zero,
  /// only rounding is left.
  let norm: Double
  /// The distance of Keras in float32.
  let float32: Double
  /// What half a unit in the last place of every weight comes to.
  let rounding: Double

  var relative: Double { distance / norm }
  /// The distance as a multiple of that of Keras in float32, both at least what rounding is.
  var ratio: Double { max(distance, rounding) / max(float32, rounding) }
}

extension TrainingStepNetwork {
  func differences(
    of trained: TrainedState, from state: TrainingStepGolden.State
  ) throws -> [TrainingStepDifference] {
    let theirs = try network.values(of: state.changes.mapValues { $0.map(\.array) })
    let float32 = try network.values(of: state.changes.mapValues { $0.map(\.distances) })
    var result = differences(
      trained.changes.filter { learning.contains($0.key) }, theirs, float32, start, "change")
    result += differences(
      trained.changes.filter { !$0.key.role.isTrainable }, theirs, float32, start, "change")
    // What neither learns nor moves stays as it is.
    for (slot, change) in trained.changes where theirs[slot] == nil && !learning.contains(slot) {
      #expect(change.allSatisfy { $0 == 0 }, "\(setup.name): \(slot.name) changed")
    }
    for slot in theirs.keys { #expect(trained.changes[slot] != nil, "\(setup.name): \(slot.name)") }
    for (kind, layers) in state.slots {
      let ours = try #require(trained.slots[kind])
      let arrays = layers.mapValues { values in
        let count = (values.keys.max() ?? 0) + 1
        return (0..<count).map { values[$0] }
      }
      // Statistics come last among a layer's weights, and the optimizer has none.
      func padded(_ array: (TrainingStepGolden.Values) -> KerasNetworkGolden.Array) throws
        -> [WeightSlot: [Double]]
      {
        try network.values(
          of: arrays.mapValues { values in values.map { $0.map(array) } }.reduce(into: [:]) { all, layer in
            let count = try #require(setup.weights[layer.key]).count
            all[layer.key] =
              layer.value + [KerasNetworkGolden.Array?](repeating: nil, count: count - layer.value.count)
          })
      }
      result += differences(ours, try padded(\.array), try padded(\.distances), [:], kind.rawValue)
    }
    return result
  }

  private func differences(
    _ ours: [WeightSlot: [Double]], _ theirs: [WeightSlot: [Double]], _ float32: [WeightSlot: [Double]],
    _ start: [WeightSlot: [Double]], _ what: String
  ) -> [TrainingStepDifference] {
    let all = ours.keys.reduce(0) { $0 + norm(theirs[$1] ?? []) * norm(theirs[$1] ?? []) }.squareRoot()
    return ours.sorted { $0.key.name < $1.key.name }.map { slot, values in
      let expected = theirs[slot] ?? [Double](repeating: 0, count: values.count)
      let size = max(norm(start[slot] ?? []), norm(expected))
      return TrainingStepDifference(
        name: "\(what) of \(slot.name)", distance: norm(zip(values, expected).map { $0 - $1 }),
        norm: max(norm(expected), 1e-3 * all, .leastNormalMagnitude), float32: float32[slot]?.first ?? 0,
        rounding: max(size * 0x1p-24, .leastNormalMagnitude))
    }
  }
}

func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

extension TrainingStepGolden.Values {
  /// The distance in every place of the array, so that it is found by the same names.
  fileprivate var distances: KerasNetworkGolden.Array {
    KerasNetworkGolden.Array(
      shape: array.shape, values: [Double](repeating: float32, count: array.values.count))
  }
}
