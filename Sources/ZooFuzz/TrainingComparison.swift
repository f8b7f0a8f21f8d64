import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Trains small networks by chance with the fast engine and the oracle, and compares the gradients of all
/// weights and the statistics of batch norms.
enum TrainingComparison {
  /// A value close to a corner of a function can be on one side here and on the other there, and then the
  /// gradients differ. So a difference counts if other weights and inputs show one too.
  private static let attempts = 4

  /// Of a weight's gradient, and of all gradients together.
  private static let (tolerance, ofAll) = (1e-4, 1e-5)

  /// - Throws: a `ZooError` where the fast engine refuses the network; `Target.Inconsistency` where both
  ///   differ.
  static func compare(seed: UInt64) throws {
    guard let network = try RandomNetwork(seed: seed) else { return }
    var first: String?
    for attempt in 0..<attempts {
      guard let difference = try difference(network, seed: seed &+ UInt64(attempt) &* 1_000_003) else {
        return
      }
      if first == nil { first = difference }
    }
    throw Target.Inconsistency("\(first ?? "")\n\(description(of: network))")
  }

  /// How both differ; nil where they do not.
  private static func difference(_ network: RandomNetwork, seed: UInt64) throws -> String? {
    let (graph, count) = (network.graph, network.examples)
    var random = SplitMix(seed: seed &+ 1)
    let weights = network.weights(seed: seed)
    let inputs = graph.inputs.map { input in
      Tensor(
        shape: Shape([count] + graph[input].shape.dimensions),
        values: (0..<count * graph[input].shape.elementCount).map { _ in .random(in: -1...1, using: &random) }
      )
    }
    let last = graph[graph.outputs[0]]
    let slopes = (0..<count * last.shape.elementCount).map { _ in Float.random(in: -1...1, using: &random) }

    var options = TrainingOptions()
    (options.batch, options.part, options.threads) = (
      count, network.part, Int.random(in: 1...2, using: &random)
    )
    let kernels = Engine.availableKernels
    options.kernels = kernels[Int.random(in: 0..<kernels.count, using: &random)]
    (options.batchMomentum, options.noise, options.seed) = (network.momentum, network.noise, seed)
    let session = try TrainingSession(
      graph: graph, weights: weights, learning: network.learning, options: options)
    let width = last.shape.elementCount
    try session.gradients(of: session.boundaryValues(of: inputs), step: 3) { range, _ in
      Array(slopes[range.lowerBound * width..<range.upperBound * width])
    }

    var settings = ReferenceTraining.Settings()
    settings.batchStatistics = network.momentum.mapValues { BatchStatistics(momentum: $0) }
    (settings.noise, settings.seed, settings.step) = (network.noise, seed, 3)
    // The fast engine leaves out the softmax that ends a network.
    let logits = try graph.endingInLogits() ?? graph
    var known: [Value: [Double]] = [:]
    for (value, tensor) in zip(logits.inputs, inputs) { known[value] = tensor.values.map(Double.init) }
    let pass = try ReferenceTraining(graph: logits, weights: weights, settings: settings, threads: 1)
      .forward(known, count: count, to: logits.outputs, learning: network.learning)
    let truth = try pass.backward([logits.outputs[0]: slopes.map(Double.init)])

    let norm = truth.weights.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }.squareRoot()
    // Where values leave the range of 32-bit floats, there is nothing to compare.
    guard norm.isFinite, norm < 1e15 else { return nil }
    for slot in session.slots {
      guard let found = session.gradient(of: slot), let expected = truth.weights[slot] else {
        return "\(slot.name) has no gradient"
      }
      let (error, own) = distance(found, expected)
      if !(error <= tolerance * own + ofAll * norm) {
        return
          "\(options.kernels ?? ""), \(slot.name): off by \(error / own) of its norm, \(error / norm) of all"
      }
    }
    for (slot, expected) in pass.movingStatistics {
      // Those that nothing learning depends on are not in the plan.
      guard let found = session.values(of: slot) else { continue }
      let (error, own) = distance(found, expected)
      if !(error <= 1e-4 * own) { return "\(slot.name) moved, off by \(error / own)" }
    }
    return nil
  }

  private static func distance(_ found: [Float], _ expected: [Double]) -> (error: Double, norm: Double) {
    var (error, norm) = (0.0, 0.0)
    for (a, b) in zip(found, expected) {
      error += (Double(a) - b) * (Double(a) - b)
      norm += b * b
    }
    return (error.squareRoot(), norm.squareRoot())
  }

  private static func description(of network: RandomNetwork) -> String {
    let lines = network.graph.nodes.map { node in
      let reads = node.inputs.map { network.graph[$0].name }.joined(separator: ", ")
      let learns = node.weights.filter(network.learning.contains).map(\.role.rawValue).joined(separator: ", ")
      return "  \(node.name): \(node.operation) of [\(reads)] is \(node.shape), learns [\(learns)]"
        + (node.sharing.map { ", as \(network.graph[$0].name)" } ?? "")
    }
    return
      (lines + [
        "  \(network.examples) examples, \(network.part) at once; \(network.momentum); \(network.noise)"
      ])
      .joined(separator: "\n")
  }
}
