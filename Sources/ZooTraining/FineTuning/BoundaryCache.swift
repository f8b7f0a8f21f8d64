import ZooSystem
import ZooTensor

/// What enters the part of a network that is trained, of pictures whose views don't change: computed once, and kept
/// while there is room.
struct BoundaryCache {
  /// The most bytes that are kept.
  private let limit: Int
  private var bytes = 0
  /// By picture, one for each value of the boundary.
  private var rows: [Int: [[Float]]] = [:]

  init(limit: Int) { self.limit = limit }

  /// The boundary's values of pictures, (N, …) each.
  ///
  /// - Parameters:
  ///   - shapes: of each value, without its first axis.
  ///   - compute: computes those of pictures that are not there.
  mutating func values(
    of pictures: [Int], shapes: [Shape], compute: ([Int]) throws -> [Tensor]
  ) throws -> [Tensor] {
    let missing = pictures.filter { rows[$0] == nil }
    let computed = missing.isEmpty ? [] : try compute(missing)
    var fresh: [Int: [[Float]]] = [:]
    for (place, picture) in missing.enumerated() {
      let own = computed.map { $0[example: place].values }
      let size = own.reduce(0) { $0 + $1.count * MemoryLayout<Float>.size }
      if bytes + size <= limit {
        rows[picture] = own
        bytes += size
      } else {
        fresh[picture] = own
      }
    }
    guard missing.count < pictures.count else { return computed }
    return shapes.enumerated().map { place, shape in
      var values: [Float] = []
      values.reserveCapacity(pictures.count * shape.elementCount)
      for picture in pictures { values += (rows[picture] ?? fresh[picture] ?? [])[place] }
      return Tensor(shape: Shape([pictures.count] + shape.dimensions), values: values)
    }
  }
}
