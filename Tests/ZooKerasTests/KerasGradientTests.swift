import Testing
import ZooGraph
import ZooKeras
import ZooReference
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A small network whose gradients Keras computed: one entry of Fixtures/layers/gradients.npz.
struct KerasGradientGolden: CustomTestStringConvertible, Sendable {
  typealias Array = KerasNetworkGolden.Array

  /// The network; its inputs and outputs are batches.
  let golden: KerasNetworkGolden
  /// What each output is multiplied by in the loss.
  let slopes: [Array]
  /// Per layer in the order of its `get_weights()`; nil for statistics.
  let gradients: [String: [Array?]]
  /// None where they would be many.
  let inputGradients: [Array]
  /// Of the batch norms that normalize by the batch.
  let momentum: [String: Double]
  /// The moving mean and variance of these after the step.
  let moved: [String: [Array]]

  init(_ value: JSONValue) throws {
    golden = try KerasNetworkGolden(value)
    slopes = try #require(value["slopes"]?.array).map(Array.init)
    gradients = try #require(value["gradients"]?.object).mapValues { arrays in
      try #require(arrays.array).map { $0["shape"] == nil ? nil : try Array($0) }
    }
    inputGradients = try #require(value["inputGradients"]?.array).map(Array.init)
    momentum = try #require(value["momentum"]?.object).mapValues { try #require($0.number) }
    moved = try #require(value["moved"]?.object).mapValues { try #require($0.array).map(Array.init) }
  }

  var testDescription: String { golden.name }

  static let all = KerasNetworkGolden.read("gradients.npz", Self.init)

  /// Keras 2 computed in float32, in which alone its moving variances of images are unbiased.
  var isKeras2: Bool { golden.writer.hasPrefix("keras 2") }

  /// How far numbers may differ, of the largest of them.
  var tolerance: Double {
    if isKeras2 { return 1e-5 }
    // Keras has the places of pixels in 32 bits, and SELU's constants.
    return golden.name.hasPrefix("resized") ? 1e-6 : golden.name == "activations" ? 1e-8 : 1e-9
  }
}

@Suite("gradients as Keras computes them") struct KerasGradientTests {
  @Test func goldensAreThere() { #expect(KerasGradientGolden.all.count >= 25) }

  /// Together, the networks have every operation.
  @Test func everyOperationIsThere() throws {
    let kinds = try KerasGradientGolden.all.flatMap {
      try $0.golden.network().0.graph.nodes.map(\.operation.kind)
    }
    #expect(Set(kinds) == ZooGraph.Operation.kinds)
  }

  @Test("gradients and moving statistics", arguments: KerasGradientGolden.all)
  func gradients(_ test: KerasGradientGolden) throws {
    let (network, weights) = try test.golden.network()
    let graph = network.graph
    var settings = ReferenceTraining.Settings()
    for (layer, momentum) in test.momentum {
      let place = try #require(network.layerOrder.first { $0.layer == layer })
      settings.batchStatistics[graph.nodes[place.node].name] = BatchStatistics(
        momentum: momentum, variance: test.isKeras2 ? .unbiasedForImages : .biased)
    }
    let expected = try network.values(of: test.gradients)
    let inputs = Dictionary(uniqueKeysWithValues: zip(graph.inputs, test.golden.inputs.map(\.values)))
    let count = try #require(test.golden.inputs.first?.shape.first)
    let pass = try ReferenceTraining(graph: graph, weights: weights, settings: settings).forward(
      inputs, count: count, to: graph.outputs, learning: Set(expected.keys), tracking: Set(graph.inputs))
    for (output, array) in zip(graph.outputs, test.golden.outputs) {
      compare(try #require(pass[output]), array.values, test, graph[output].name)
    }
    // The mean and the variance are the last of a batch norm's weights.
    let moved = try network.values(
      of: test.moved.reduce(into: [:]) { all, layer in
        let before = try #require(test.gradients[layer.key]).count - 2
        all[layer.key] = [KerasGradientGolden.Array?](repeating: nil, count: before) + layer.value
      })
    #expect(moved.count == pass.movingStatistics.count)
    for (slot, values) in moved {
      compare(try #require(pass.movingStatistics[slot]), values, test, slot.name)
    }
    var slopes: [Value: [Double]] = [:]
    for (output, array) in zip(graph.outputs, test.slopes) {
      slopes.merge([output: array.values]) { zip($0, $1).map(+) }
    }
    let found = try pass.backward(slopes)
    for (slot, values) in expected { compare(try #require(found.weights[slot]), values, test, slot.name) }
    for (input, array) in zip(graph.inputs, test.inputGradients) {
      compare(try #require(found.values[input]), array.values, test, graph[input].name)
    }
  }

  private func compare(
    _ ours: [Double], _ theirs: [Double], _ test: KerasGradientGolden, _ name: String
  ) {
    #expect(ours.count == theirs.count, "\(name)")
    // Below that, a number is zero but for rounding: the gradient of a bias before a norm.
    let largest = theirs.reduce(test.isKeras2 ? 0.1 : 1e-3) { max($0, abs($1)) }
    let worst = zip(ours, theirs).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
    #expect(worst <= test.tolerance, "\(name): off by \(worst)")
  }
}
