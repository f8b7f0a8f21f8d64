import ZooGraph
import ZooSystem
import ZooTensor

/// The weights of all steps of an engine's plans, packed once.
final class PackedWeights: @unchecked Sendable {
  /// What other engines of the same model may hold too.
  private let parts: [PackedPart]
  private let zeros: FloatArena

  /// Packs those weights that no other engine of the model has packed, and points all steps to them.
  ///
  /// - Parameter shared: what the engines of the model have packed.
  init(for plans: inout [Plan], by packer: WeightPacker, sharing shared: SharedWeights) throws {
    parts = try shared.parts(for: PackedWeights.requests(of: plans), by: packer)
    zeros = try FloatArena(floats: PackedWeights.zeroCount(of: plans), for: "the packed weights")
    var packed: [WeightRequest: WeightPacker.Packed] = [:]
    for part in parts { packed.merge(part.packed) { first, _ in first } }
    for plan in plans.indices {
      for index in plans[plan].steps.indices {
        let found = plans[plan].steps[index].weightRequests.compactMap { packed[$0] }
        plans[plan].steps[index].point(to: found, zeros: zeros.base)
      }
      plans[plan].steps.linkPrefetches()
    }
  }

  /// The memory that weights and zeros take, whoever else shares it; tensors that are read where they lie take
  /// none.
  static func byteCount(for plans: [Plan], kernels: Kernels) -> Int {
    let floats = requests(of: plans).reduce(zeroCount(of: plans)) {
      $0 + PackedPart.size($1, kernels) + $1.copiedRows
    }
    return floats * MemoryLayout<Float>.size
  }

  /// Each once, in the order in which the first plan reads them.
  private static func requests(of plans: [Plan]) -> [WeightRequest] {
    var seen: Set<WeightRequest> = []
    return plans.flatMap(\.steps).flatMap(\.weightRequests).filter { seen.insert($0).inserted }
  }

  private static func zeroCount(of plans: [Plan]) -> Int {
    // A kernel's vector may reach past the last value.
    (plans.map(\.zeros).max() ?? 0) + 64
  }
}

/// Packed weights in one block of memory, in the order in which they are read.
final class PackedPart: @unchecked Sendable {
  let packed: [WeightRequest: WeightPacker.Packed]
  private let arena: FloatArena

  var byteCount: Int {
    // A copy has its memory for itself; what is read in a file is a part of it.
    let copies = packed.values.compactMap(\.inPlace).filter {
      $0.owner is HeapBytes && $0.count == $0.owner.bytes.count
    }
    return copies.reduce(arena.byteCount) { $0 + $1.count }
  }

  init(_ requests: [WeightRequest], by packer: WeightPacker) throws {
    let size = requests.reduce(0) { $0 + PackedPart.size($1, packer.kernels) }
    // A kernel's vector may reach past the last weight.
    arena = try FloatArena(floats: size + 64, for: "the packed weights")
    var target = arena.base
    var packed: [WeightRequest: WeightPacker.Packed] = [:]
    for request in requests {
      let bias = target + Place.wholeLines(request.sizes(packer.kernels).weights)
      packed[request] = try packer.pack(request, to: target, bias: bias)
      target += PackedPart.size(request, packer.kernels)
    }
    self.packed = packed
  }

  /// In floats.
  static func size(_ request: WeightRequest, _ kernels: Kernels) -> Int {
    let sizes = request.sizes(kernels)
    return Place.wholeLines(sizes.weights) + Place.wholeLines(sizes.bias)
  }
}
