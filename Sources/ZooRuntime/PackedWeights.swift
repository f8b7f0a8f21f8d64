import CZooKernels
import ZooGraph
import ZooSystem
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
      size += Place.wholeLines(floats)
      return offset
    }
    var places: [WeightRequest: (order: Int, weights: Int, bias: Int)] = [:]
    for request in plans.lazy.flatMap(\.steps).flatMap(\.weightRequests) where places[request] == nil {
      let sizes = request.sizes(packer.kernels)
      places[request] = (places.count, reserve(sizes.weights), reserve(sizes.bias))
    }
    let zeroOffset = reserve(plans.map(\.zeros).max() ?? 0)
    // A kernel's vector may reach past the last weight.
    let arena = try FloatArena(floats: size + 64, for: "the packed weights")
    var inPlace: [ByteSlice] = []
    var packed: [WeightRequest: WeightPacker.Packed] = [:]
    for (request, place) in places.sorted(by: { $0.value.order < $1.value.order }) {
      let result = try packer.pack(
        request, to: arena.base + place.weights, bias: arena.base + place.bias)
      packed[request] = result
      if let slice = result.inPlace { inPlace.append(slice) }
    }
    for plan in plans.indices {
      for index in plans[plan].steps.indices {
        let found = plans[plan].steps[index].weightRequests.compactMap { packed[$0] }
        plans[plan].steps[index].point(to: found, zeros: arena.base + zeroOffset)
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
  private let zeroOffset: Int
  /// Why weights could not be had; no step is run after that.
  private(set) var failure: (any Error)?

  init(for plan: Plan, by packer: WeightPacker) throws(ZooError) {
    zeroOffset =
      plan.steps.map { step in
        step.weightRequests.reduce(0) { sum, request in
          let sizes = request.sizes(packer.kernels)
          return sum + Place.wholeLines(sizes.weights) + Place.wholeLines(sizes.bias)
        }
      }.max() ?? 0
    // A kernel's vector may reach past the last weight.
    arena = try FloatArena(floats: zeroOffset + plan.zeros + 64, for: "a step's weights")
    self.packer = packer
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

extension Step {
  /// What it needs from the weights, in the order in which ``point(to:zeros:)`` takes it.
  var weightRequests: [WeightRequest] { [weights, pointwiseWeights].compactMap(\.self) }

  /// Says where what it requests is, and `zeros` for what lies outside of an image.
  mutating func point(to packed: [WeightPacker.Packed], zeros: UnsafePointer<Float>) {
    if let first = packed.first {
      point(to: first.weights, half: first.half, bias: first.bias, zeros: zeros)
    }
    if packed.count > 1 { pointPointwise(to: packed[1].weights, bias: packed[1].bias, zeros: zeros) }
  }

  private mutating func point(
    to weights: UnsafePointer<Float>, half: UnsafePointer<UInt16>?, bias: UnsafePointer<Float>,
    zeros: UnsafePointer<Float>
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
    case .separable(var a):
      (a.depthwise.weights, a.depthwise.bias, a.depthwise.zero) = (weights, bias, zeros)
      arguments = .separable(a)
    case .dense(var a):
      (a.weights, a.half_weights, a.bias) = (weights, half, bias)
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

  /// For the 1x1 convolution in the same step.
  private mutating func pointPointwise(
    to weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, zeros: UnsafePointer<Float>
  ) {
    guard case .separable(var a) = arguments else { return }
    (a.product.weights, a.product.bias, a.product.zero) = (weights, bias, zeros)
    arguments = .separable(a)
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
      } else if case .separable(var a) = self[index].arguments {
        a.product.next_weights = next.map(UnsafeRawPointer.init)
        next = a.product.weights
        self[index].arguments = .separable(a)
      } else if case .winograd(let a) = self[index].arguments {
        next = a.weights
      }
    }
  }
}
