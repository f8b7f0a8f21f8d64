import ZooConversion
import ZooGraph
import ZooImages
import ZooReference
import ZooRuntime
import ZooTensor
import ZooVerification

/// Runs a network of unknown origin through the fast engine, whose kernels are C, and compares it with the
/// reference engine.
enum EngineComparison {
  /// Small enough for many in a second.
  private static let largestCost = 2_000_000

  static func compare(_ graph: Graph, weights: some WeightSource) throws {
    var cost = graph.macs
    for node in graph.nodes {
      for term in [node.shape.elementCount] + node.weights.map(\.shape.elementCount) {
        let (sum, overflow) = cost.addingReportingOverflow(term)
        guard !overflow, sum <= largestCost else { return }
        cost = sum
      }
    }
    // Windows without weights cost too.
    guard graph.nodes.allSatisfy({ windowSize($0.operation) <= 4096 }) else { return }
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1))
    let inputs = try TestInput.make(for: graph, preprocessing: .tf, seed: 1)
    let outputs = try engine.makeSession().run(inputs)
    let reference = try ReferenceEngine(graph: graph, weights: weights, threads: 1)
      .run(inputs.map { ReferenceTensor($0, example: 0) })
    for (value, output) in zip(graph.outputs, outputs) {
      guard let expected = reference[value], expected.values.count == output.values.count else {
        throw Target.Inconsistency("the engines' outputs of \(graph[value].name) differ in size")
      }
      let largest = expected.values.reduce(0) { max($0, abs($1)) }
      // Beyond the range of 32-bit floats, or where they lose all digits, there is nothing to compare.
      guard largest.isFinite, largest < 1e30, largest > 1e-30 else { continue }
      for (index, (fast, exact)) in zip(output.values, expected.values).enumerated()
      where !(abs(Double(fast) - exact) <= 1e-2 * largest) {
        throw Target.Inconsistency(
          "\(graph[value].name)[\(index)]: the fast engine has \(fast), the reference engine \(exact)")
      }
    }
  }

  private static func windowSize(_ operation: Operation) -> Int {
    switch operation {
    case .maxPooling(let pooling), .averagePooling(let pooling):
      pooling.window.height.multipliedReportingOverflow(by: pooling.window.width).partialValue
    default: 1
    }
  }

  /// Weights for any slot, that keep values in range.
  struct Weights: WeightSource {
    func tensor(for slot: WeightSlot) throws -> StoredTensor {
      let random = CounterRandom(seed: UInt64(slot.name.utf8.count))
      let inputs = max(1, slot.shape.dimensions.dropLast().reduce(1, *))
      let bound = 1 / Double(inputs).squareRoot()
      let center: Double = slot.role == .movingVariance || slot.role == .gamma ? 1 : 0
      return StoredTensor(
        shape: slot.shape,
        values: (0..<slot.shape.elementCount).map {
          Float(center + (center > 0 ? 0.1 : bound) * random.signed($0))
        })
    }
  }
}
