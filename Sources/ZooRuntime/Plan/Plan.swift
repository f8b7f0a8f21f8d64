import ZooGraph
import ZooSystem

/// A network's steps for a number of threads, and where in memory their values lie.
///
/// Steps before ``tailStart`` are run image by image. From the first large dense layer on, steps are run for
/// several images at a time, so that its weights are read once for all of them: what these steps touch lies
/// apart, in a tail for each image.
package struct Plan {
  /// The weights of a dense layer, in floats, from which on they are worth reading once for several images.
  private static let largeDenseLayer = 1 << 18

  var steps: [Step]
  let buffers: [Buffer]
  /// The values whose exact contents some step writes to memory.
  let places: [Value: Place]
  /// Values that are in memory before the first step.
  let given: [Value]
  /// Zeros that convolutions may point to, in floats.
  let zeros: Int
  /// The first step that is run for several images.
  let tailStart: Int
  /// Floats for what is computed image by image.
  package let arenaFloats: Int
  /// Floats for each image's tail.
  package let tailFloats: Int

  /// - Throws: `ZooError` where the network can't be run.
  package init(graph: Graph, kernels: Kernels, options: PlanOptions) throws(ZooError) {
    var planner = Planner(graph: graph, kernels: kernels, options: options)
    try planner.plan()
    var buffers = planner.memory.buffers
    let used = buffers.indices.filter { buffers[$0].input == nil && buffers[$0].steps != nil }
    let largeDense = planner.steps.firstIndex {
      if case .dense = $0.arguments { $0.macs >= Plan.largeDenseLayer } else { false }
    }
    let start = largeDense ?? planner.steps.count
    let inTail = used.filter {
      $0 != planner.memory.scratch && buffers[$0].steps.map { $0.upperBound >= start } == true
    }
    // Values of a tail for each of many images may not need more memory than the images themselves.
    let tailSize = inTail.reduce(0) { $0 + buffers[$1].floats }
    let wholeSize = used.reduce(0) { $0 + buffers[$1].floats }
    let hasTail = tailSize <= wholeSize / 8
    tailStart = hasTail ? start : planner.steps.count
    for index in inTail where hasTail { buffers[index].isInTail = true }
    arenaFloats = layOut(&buffers, used.filter { !buffers[$0].isInTail })
    tailFloats = layOut(&buffers, used.filter { buffers[$0].isInTail })
    var places: [Value: Place] = [:]
    for value in planner.given + planner.steps.flatMap(\.produced) {
      if case .place(let place) = planner.values.states[value.index] { places[value] = place }
    }
    if planner.memory.scratch != nil {
      for index in planner.steps.indices where planner.steps[index].scratch != nil {
        planner.steps[index].arguments.setSlot(floats: planner.memory.slot)
      }
    }
    steps = planner.steps
    given = planner.given
    zeros = planner.memory.zeros
    self.buffers = buffers
    self.places = places
  }

  /// What is run, in order.
  package var descriptions: [StepDescription] { steps.map(StepDescription.init) }

  /// The memory for the values of one example.
  var activationBytes: Int { (arenaFloats + tailFloats + 128) * MemoryLayout<Float>.size }

  /// The most floats that hold values at the same time: what no arena can be smaller than.
  package var liveFloats: Int {
    var change = [Int](repeating: 0, count: steps.count + 1)
    for buffer in buffers where buffer.input == nil {
      guard let steps = buffer.steps else { continue }
      change[steps.lowerBound] += buffer.floats
      change[steps.upperBound + 1] -= buffer.floats
    }
    var (live, most) = (0, 0)
    for difference in change {
      live += difference
      most = max(most, live)
    }
    return most
  }
}
