import ZooGraph
import ZooSystem
import ZooTensor

/// A batch after its forward pass, ready for the backward pass.
package struct ReferencePass: Sendable {
  /// How many examples the batch has.
  package let count: Int
  /// The stored means and variances as they are after this batch, of the batch norms that normalize by it. A layer that
  /// is called more than once moves more than once.
  package let movingStatistics: [WeightSlot: [Double]]

  private let training: ReferenceTraining
  private let route: ReferenceRoute
  /// By step.
  private let values: [ReferenceBuffer?]
  /// By step of the backward pass; a batch's own statistics are in place of the stored ones.
  private let weights: [Int: [ReferenceWeight]]
  private let normalizedByBatch: Set<Int>

  init(
    _ training: ReferenceTraining, _ route: ReferenceRoute, known: [Value: [Double]], count: Int
  ) throws {
    let program = training.program
    var values: [ReferenceBuffer?] = Array(repeating: nil, count: program.steps.count)
    for (value, array) in known { values[program.stepOfNode[value.index]] = ReferenceBuffer(array) }
    var lastUse: [Int: Int] = [:]
    for index in route.forward {
      for input in program.steps[index].inputs { lastUse[input] = index }
    }
    let returns = Set(route.backward)
    var weights: [Int: [ReferenceWeight]] = [:]
    var moving = MovingStatistics()
    var normalizedByBatch: Set<Int> = []
    for index in route.forward {
      try Cancellation.check()
      let step = program.steps[index]
      try ReferencePass.check(step, count: count)
      var own = try step.weights.map { try ReferenceWeight($0, from: training.weights) }
      let inputs = step.inputs.compactMap { values[$0] }
      if case .normalization(_, let channels) = step.kind,
        let statistics = step.weights.first.flatMap({ training.settings.batchStatistics[$0.layer] })
      {
        let moments = BatchMoments(of: inputs[0], channels: channels, threads: training.threads)
        moving.update(step, stored: own, by: moments, statistics)
        own.replaceSubrange(
          own.count - 2..<own.count,
          with: [ReferenceWeight(moments.mean), ReferenceWeight(moments.variance)])
        normalizedByBatch.insert(index)
      }
      values[index] = training.compute(step, inputs: inputs, weights: own, count: count)
      if returns.contains(index) { weights[index] = own }
      for input in step.inputs where lastUse[input] == index && !route.kept.contains(input) {
        values[input] = nil
      }
    }
    self.count = count
    self.movingStatistics = moving.values
    self.training = training
    self.route = route
    self.values = values
    self.weights = weights
    self.normalizedByBatch = normalizedByBatch
  }

  private static func check(_ step: ReferenceStep, count: Int) throws(ZooError) {
    let (size, overflow) = step.shape.elementCount.multipliedReportingOverflow(by: count)
    guard !overflow, size <= ReferenceEngine.valueLimit else {
      throw ZooError(
        .tooLarge, what: "batch too large", at: "layer '\(step.layer)'",
        "\(count) values of \(step.shape) have more than \(ReferenceEngine.valueLimit) elements")
    }
  }

  /// The values of a target, (N, …) in row-major order; nil for what was no target.
  package subscript(target: Value) -> [Double]? {
    guard route.targets.contains(target) else { return nil }
    return values[training.program.stepOfNode[target.index]]?.array
  }

  /// How the sum of `slopes` times the targets changes with each weight and value whose gradient is wanted.
  ///
  /// - Parameter slopes: the gradients of targets, (N, …) in row-major order; of targets without one, zero.
  /// - Throws: `ZooError` where `slopes` does not fit or is of no target, and where the task was cancelled.
  package func backward(_ slopes: [Value: [Double]]) throws(ZooError) -> ReferenceGradients {
    let program = training.program
    var gradients: [ReferenceBuffer?] = Array(repeating: nil, count: program.steps.count)
    for (value, array) in slopes {
      let node = training.graph[value]
      guard route.targets.contains(value), array.count == node.shape.elementCount * count else {
        throw ZooError(
          .doesNotFit, what: "gradient does not fit", at: "layer '\(node.name)'",
          "expected a target of \(count) x \(node.shape), found \(array.count) values")
      }
      let index = program.stepOfNode[value.index]
      if route.needsGradient[index] { gradients[index] = ReferenceBuffer(array) }
    }
    var sums: [WeightSlot: ReferenceBuffer] = [:]
    for slot in route.learning { sums[slot] = ReferenceBuffer(count: slot.shape.elementCount) }
    let tracked = Set(route.tracking.map { program.stepOfNode[$0.index] })
    for index in route.backward {
      guard let gradient = gradients[index] else { continue }
      try Cancellation.check()
      let step = program.steps[index]
      let inputs = step.inputs.compactMap { values[$0] }
      guard let output = values[index], let weights = weights[index], inputs.count == step.inputs.count else {
        continue
      }
      for (input, buffer) in zip(step.inputs, inputs)
      where route.needsGradient[input] && gradients[input] == nil {
        gradients[input] = ReferenceBuffer(count: buffer.count)
      }
      BackwardStep(
        step: step, count: count, inputs: inputs, output: output, gradient: gradient, weights: weights,
        usesBatchStatistics: normalizedByBatch.contains(index), noise: training.noise(of: step),
        inputGradients: step.inputs.map { gradients[$0] },
        weightGradients: step.weights.map { sums[$0] }, threads: training.threads
      ).run()
      if !tracked.contains(index) { gradients[index] = nil }
    }
    var result = ReferenceGradients(weights: sums.mapValues(\.array), values: [:])
    for value in route.tracking {
      let size = training.graph[value].shape.elementCount * count
      result.values[value] =
        gradients[program.stepOfNode[value.index]]?.array ?? [Double](repeating: 0, count: size)
    }
    return result
  }
}

/// How a sum of a network's values, each times a number, changes with weights and values.
package struct ReferenceGradients: Sendable {
  /// Row-major in the slot's shape.
  package var weights: [WeightSlot: [Double]]
  /// (N, …) in row-major order.
  package var values: [Value: [Double]]
}

extension ReferenceTraining {
  /// All values of a step, one example after the other.
  fileprivate func compute(
    _ step: ReferenceStep, inputs: [ReferenceBuffer], weights: [ReferenceWeight], count: Int
  ) -> ReferenceBuffer {
    let output = ReferenceBuffer(count: step.shape.elementCount * count)
    let first = ReferenceRows(step, inputs: inputs.map { $0.example(0, of: count) }, weights: weights)
    let examples = (0..<count).map { index in first.reading(inputs.map { $0.example(index, of: count) }) }
    let (rows, length) = (first.count, first.length)
    split(count * rows, threads: threads) { part in
      for row in part {
        let target = UnsafeMutableBufferPointer(
          rebasing: output.values[row * length..<(row + 1) * length])
        examples[row / rows].add(row % rows, to: target)
      }
    }
    if let noise = noise(of: step) {
      let size = step.shape.elementCount
      split(count, threads: threads) { part in
        for example in part {
          for index in 0..<size {
            let (factor, offset) = noise.affine(example: example, index: index)
            output.values[example * size + index] = output.values[example * size + index] * factor + offset
          }
        }
      }
    }
    return output
  }

  fileprivate func noise(of step: ReferenceStep) -> NoiseMask? {
    settings.noise[step.layer].map {
      NoiseMask($0, seed: settings.seed, step: settings.step, layer: step.layer, shape: step.shape)
    }
  }
}
