import CZooKernels
import ZooGraph
import ZooTensor

extension Planner {
  mutating func append(_ step: Step) {
    var step = step
    let others = [step.residual, step.wide, step.scratch, step.productScratch].compactMap(\.self)
    for place in step.inputs + [step.output] + others {
      memory.buffers[place.buffer].touch(steps.count)
    }
    // What takes a microsecond is done before another thread has heard of it.
    step.isShared = step.operations >= Planner.sharedWork
    steps.append(step)
  }

  func copyStep(
    from source: Place, to target: Place, layers: [String], lo: Float = -.infinity, hi: Float = .infinity
  ) -> Step {
    var arguments = zoo_elementwise()
    arguments.a_pixel = source.pixel
    arguments.out_pixel = target.pixel
    arguments.channels = Int32(source.channels)
    (arguments.lo, arguments.hi) = (lo, hi)
    return Step(
      layers: layers, algorithm: lo == -.infinity && hi == .infinity ? "copy" : "clamp", macs: 0,
      arguments: .elementwise(.clamp, arguments), units: source.pixels, inputs: [source],
      output: target)
  }
}
