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
