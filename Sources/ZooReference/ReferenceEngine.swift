import ZooGraph
import ZooSystem
import ZooTensor

/// The oracle: runs a network in 64-bit floats with plain loops, one example at a time.
///
/// It shares nothing with the fast engine. Every sum is taken in one order, whatever the number of
/// threads, so results are the same bit for bit.
package struct ReferenceEngine: Sendable {
  /// The most elements of one value: 2 GiB of 64-bit floats.
  package static let valueLimit = 1 << 28

  private let graph: Graph
  private let program: ReferenceProgram
  private let weights: any WeightSource
  private let threads: Int

  /// Throws where a layer can't be computed: a pooling window wholly in the padding, or a value of
  /// more than ``valueLimit`` elements.
  package init(graph: Graph, weights: some WeightSource, threads: Int = 2) throws(ZooError) {
    self.graph = graph
    self.program = try ReferenceProgram(graph)
    self.weights = weights
    self.threads = max(1, threads)
    for step in program.steps where step.shape.elementCount > ReferenceEngine.valueLimit {
      throw ZooError(
        .tooLarge, what: "network too large", at: "layer '\(step.layer)'",
        "a value of \(step.shape) has more than \(ReferenceEngine.valueLimit) elements")
    }
  }

  /// The values of the graph's outputs and of `keeping`, for one example.
  ///
  /// `inputs` are in the order of ``Graph/inputs``. Other values are let go after their last use.
  /// Throws `ZooError` where an input or a weight does not fit, and what the source of the
  /// weights throws.
  package func run(
    _ inputs: [ReferenceTensor], keeping: Set<Value> = []
  ) throws -> [Value: ReferenceTensor] {
    guard inputs.count == graph.inputs.count else {
      throw ZooError(
        .doesNotFit, what: "input does not fit", at: "the network",
        "expected \(graph.inputs.count) inputs, found \(inputs.count)")
    }
    var values: [[Double]?] = Array(repeating: nil, count: program.steps.count)
    for (value, input) in zip(graph.inputs, inputs) {
      let node = graph[value]
      guard input.shape == node.shape else {
        throw ZooError(
          .doesNotFit, what: "input does not fit", at: "layer '\(node.name)'",
          "expected shape \(node.shape), found \(input.shape)")
      }
      values[program.stepOfNode[value.index]] = input.values
    }

    let kept = keeping.union(graph.outputs)
    let keptSteps = Set(kept.map { program.stepOfNode[$0.index] })
    var lastUse: [Int: Int] = [:]
    for (index, step) in program.steps.enumerated() {
      for input in step.inputs { lastUse[input] = index }
    }
    for (index, step) in program.steps.enumerated() {
      if values[index] == nil {
        let stepWeights = try step.weights.map { try ReferenceWeight($0, from: weights) }
        values[index] = ReferenceEngine.compute(
          step, inputs: step.inputs.compactMap { values[$0] }, weights: stepWeights, threads: threads)
      }
      for input in step.inputs where lastUse[input] == index && !keptSteps.contains(input) {
        values[input] = nil
      }
      if lastUse[index] == nil && !keptSteps.contains(index) { values[index] = nil }
    }

    var results: [Value: ReferenceTensor] = [:]
    for value in kept {
      guard let array = values[program.stepOfNode[value.index]] else { continue }
      results[value] = ReferenceTensor(shape: graph[value].shape, values: array)
    }
    return results
  }

  /// All values of a step.
  static func compute(
    _ step: ReferenceStep, inputs: [[Double]], weights: [ReferenceWeight], threads: Int
  ) -> [Double] {
    let count = step.shape.elementCount
    return withBuffers(inputs[...]) { buffers in
      [Double](unsafeUninitializedCapacity: count) { output, initialized in
        output.initialize(repeating: 0)
        initialized = count
        // Threads write to different rows.
        nonisolated(unsafe) let output = output
        let rows = ReferenceRows(step, inputs: buffers, weights: weights)
        let length = rows.length
        split(rows.count, threads: threads) { part in
          for row in part {
            let target = UnsafeMutableBufferPointer(rebasing: output[row * length..<(row + 1) * length])
            rows.add(row, to: target)
          }
        }
      }
    }
  }
}

/// Calls `body` with the memory of all `arrays`.
private func withBuffers<Result>(
  _ arrays: ArraySlice<[Double]>, _ opened: [UnsafeBufferPointer<Double>] = [],
  _ body: ([UnsafeBufferPointer<Double>]) -> Result
) -> Result {
  guard let first = arrays.first else { return body(opened) }
  return first.withUnsafeBufferPointer { withBuffers(arrays.dropFirst(), opened + [$0], body) }
}
