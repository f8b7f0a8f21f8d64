import CZooKernels
import ZooGraph
import ZooTensor

/// The weights of all steps of an engine's plans, packed once.
final class PackedWeights: @unchecked Sendable {
  private let arena: FloatArena
  /// Tensors that are read where they lie.
  private let inPlace: [ByteSlice]

  /// Packs the weights, in the order in which the first plan reads them, and points all steps to them.
  init(for plans: inout [Plan], by packer: WeightPacker) throws {
    var size = 0
    func reserve(_ floats: Int) -> Int {
      let offset = size
      size += (floats + 15) / 16 * 16
      return offset
    }
    var places: [WeightRequest: (order: Int, weights: Int, bias: Int)] = [:]
    for step in plans.lazy.flatMap(\.steps) {
      guard let request = step.weights, places[request] == nil else { continue }
      let sizes = request.sizes(packer.kernels)
      places[request] = (places.count, reserve(sizes.weights), reserve(sizes.bias))
    }
    let zeroOffset = reserve(plans.map(\.zeros).max() ?? 0)
    // A kernel's vector may reach past the last weight.
    let arena = try FloatArena(floats: size + 64, for: "the packed weights")
    var inPlace: [ByteSlice] = []
    var weights: [WeightRequest: UnsafePointer<Float>] = [:]
    for (request, place) in places.sorted(by: { $0.value.order < $1.value.order }) {
      let packed = try packer.pack(
        request, to: arena.base + place.weights, bias: arena.base + place.bias)
      weights[request] = packed.weights
      if let slice = packed.inPlace { inPlace.append(slice) }
    }
    for plan in plans.indices {
      for index in plans[plan].steps.indices {
        guard let request = plans[plan].steps[index].weights, let place = places[request],
          let weights = weights[request]
        else { continue }
        plans[plan].steps[index].point(
          to: weights, bias: arena.base + place.bias, zeros: arena.base + zeroOffset)
      }
      plans[plan].steps.linkPrefetches()
    }
    self.arena = arena
    self.inPlace = inPlace
  }
}

/// Packs each step's weights just before it runs, into memory that all steps share: for a network that runs
/// once, of which more than a layer's weights then never are in memory.
///
/// One caller at a time.
final class StreamedWeights {
  private let arena: FloatArena
  private let packer: WeightPacker
  private let biasOffset: Int
  private let zeroOffset: Int
  /// Why weights could not be had; no step is run after that.
  private(set) var failure: (any Error)?

  init(for plan: Plan, by packer: WeightPacker) throws(RuntimeError) {
    let sizes = plan.steps.compactMap { $0.weights?.sizes(packer.kernels) }
    biasOffset = ((sizes.map(\.weights).max() ?? 0) + 15) / 16 * 16
    zeroOffset = biasOffset + ((sizes.map(\.bias).max() ?? 0) + 15) / 16 * 16
    // A kernel's vector may reach past the last weight.
    arena = try FloatArena(floats: zeroOffset + plan.zeros + 64, for: "a step's weights")
    self.packer = packer
  }

  /// Calls `body` with the step and its weights, which are there until it returns.
  func withWeights(of step: Step, _ body: (Step) -> Void) {
    guard failure == nil else { return }
    guard let request = step.weights else { return body(step) }
    do {
      let packed = try packer.pack(request, to: arena.base, bias: arena.base + biasOffset)
      var step = step
      step.point(to: packed.weights, bias: arena.base + biasOffset, zeros: arena.base + zeroOffset)
      body(step)
      packed.inPlace?.letGo()
    } catch {
      failure = error
    }
  }
}

extension Step {
  /// Says where its weights are, in the layout that it asks for, and `zeros` for what lies outside of an image.
  mutating func point(
    to weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, zeros: UnsafePointer<Float>
  ) {
    switch arguments {
    case .convolution(var a):
      (a.weights, a.bias, a.zero) = (weights, bias, zeros)
      arguments = .convolution(a)
    case .winograd(var a):
      (a.weights, a.bias, a.zero) = (weights, bias, zeros)
      arguments = .winograd(a)
    case .depthwise(var a):
      (a.weights, a.bias, a.zero) = (weights, bias, zeros)
      arguments = .depthwise(a)
    case .dense(var a):
      (a.weights, a.bias) = (weights, bias)
      arguments = .dense(a)
    case .affine(var a):
      (a.scale, a.shift) = (weights, bias)
      arguments = .affine(a)
    case .rectify(var a):
      a.b = weights
      arguments = .rectify(a)
    case .layerNorm(var a):
      (a.scale, a.shift) = (weights, bias)
      arguments = .layerNorm(a)
    case .scatter(var a):
      a.bias = bias
      arguments = .scatter(a)
    default: break
    }
  }
}

extension [Step] {
  /// Lets each matrix product bring the next one's first weights into the cache.
  fileprivate mutating func linkPrefetches() {
    var next: UnsafePointer<Float>?
    for index in indices.reversed() {
      if case .convolution(var a) = self[index].arguments {
        a.next_weights = next.map(UnsafeRawPointer.init)
        next = a.weights
        self[index].arguments = .convolution(a)
      } else if case .winograd(let a) = self[index].arguments {
        next = a.weights
      }
    }
  }
}
