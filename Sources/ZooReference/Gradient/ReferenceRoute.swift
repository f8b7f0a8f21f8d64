import ZooGraph
import ZooSystem

/// The steps of a pass: forward to its targets, and backward to what learns.
struct ReferenceRoute: Sendable {
  /// The steps to compute, in their order.
  let forward: [Int]
  /// The steps of the backward pass in its order: those whose output depends on something that learns.
  let backward: [Int]
  /// Per step, whether the gradient of its output is needed.
  let needsGradient: [Bool]
  /// The steps whose values are kept after their last use forward.
  let kept: Set<Int>
  let targets: Set<Value>
  let learning: Set<WeightSlot>
  let tracking: Set<Value>

  init(
    _ training: ReferenceTraining, known: Set<Value>, targets: [Value], learning: Set<WeightSlot>,
    tracking: Set<Value>
  ) throws(ZooError) {
    let program = training.program
    let steps = program.steps
    let knownSteps = Set(known.map { program.stepOfNode[$0.index] })
    let targetSteps = Set(targets.map { program.stepOfNode[$0.index] })
    let trackedSteps = Set(tracking.map { program.stepOfNode[$0.index] })

    var isNeeded = [Bool](repeating: false, count: steps.count)
    for step in targetSteps { isNeeded[step] = true }
    var forward: [Int] = []
    for index in steps.indices.reversed() where isNeeded[index] && !knownSteps.contains(index) {
      if case .input = steps[index].kind {
        throw ZooError(
          .missing, what: "missing value", at: "layer '\(steps[index].layer)'",
          "an input of the network is needed")
      }
      forward.append(index)
      for input in steps[index].inputs { isNeeded[input] = true }
    }
    forward.reverse()

    var needsGradient = [Bool](repeating: false, count: steps.count)
    for step in trackedSteps { needsGradient[step] = true }
    var backward: [Int] = []
    var kept = targetSteps
    for index in forward {
      let step = steps[index]
      let learns = step.weights.contains { learning.contains($0) }
      guard learns || step.inputs.contains(where: { needsGradient[$0] }) else { continue }
      needsGradient[index] = true
      backward.append(index)
      kept.insert(index)
      kept.formUnion(step.inputs)
    }
    self.forward = forward
    self.backward = backward.reversed()
    self.needsGradient = needsGradient
    self.kept = kept
    self.targets = Set(targets)
    self.learning = learning
    self.tracking = tracking
  }
}
