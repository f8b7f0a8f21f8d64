import ZooGraph
import ZooSystem
import ZooTensor

/// Packs each step's weights just before it runs, into memory that all steps share: for a network that runs
/// once, of which more than a layer's weights then never are in memory.
///
/// One caller at a time.
final class StreamedWeights {
  private let arena: FloatArena
  private let packer: WeightPacker
  private let zeroOffset: Int
  /// Why weights could not be had; no step is run after that.
  private(set) var failure: (any Error)?

  init(for plan: Plan, by packer: WeightPacker) throws(ZooError) {
    zeroOffset = Self.largestStep(of: plan, packer.kernels)
    // A kernel's vector may reach past the last weight.
    arena = try FloatArena(floats: zeroOffset + plan.zeros + 64, for: "a step's weights")
    self.packer = packer
  }

  /// The memory that it takes.
  static func byteCount(for plan: Plan, kernels: Kernels) -> Int {
    let copies = plan.steps.flatMap(\.weightRequests).map(\.copiedRows).max() ?? 0
    return (largestStep(of: plan, kernels) + copies + plan.zeros + 64) * MemoryLayout<Float>.size
  }

  /// In floats.
  private static func largestStep(of plan: Plan, _ kernels: Kernels) -> Int {
    plan.steps.map { step in
      step.weightRequests.reduce(0) { $0 + PackedPart.size($1, kernels) }
    }.max() ?? 0
  }

  /// Calls `body` with the step and its weights, which are there until it returns.
  func withWeights(of step: Step, _ body: (Step) -> Void) {
    guard failure == nil else { return }
    do {
      var target = arena.base
      var packed: [WeightPacker.Packed] = []
      for request in step.weightRequests {
        let sizes = request.sizes(packer.kernels)
        let bias = target + Place.wholeLines(sizes.weights)
        packed.append(try packer.pack(request, to: target, bias: bias))
        target = bias + Place.wholeLines(sizes.bias)
      }
      var step = step
      step.point(to: packed, zeros: arena.base + zeroOffset)
      body(step)
      for slice in packed.compactMap(\.inPlace) { slice.letGo() }
    } catch {
      failure = error
    }
  }
}
