import Synchronization

/// The packed weights of one model, which all engines that run it share.
///
/// It keeps nothing alive: engines do. What an engine packed stays until the last engine that uses any of it is
/// gone.
package final class SharedWeights: Sendable {
  /// Kernels of different instruction sets pack in different ways.
  private struct Key: Hashable {
    let kernels: String
    let request: WeightRequest
  }

  private struct Entry {
    weak var part: PackedPart?
  }

  private let entries = Mutex<[Key: Entry]>([:])

  package init() {}

  /// The memory of what the engines hold.
  package var byteCount: Int {
    entries.withLock { entries in
      var parts: [ObjectIdentifier: Int] = [:]
      for part in entries.values.compactMap(\.part) { parts[ObjectIdentifier(part)] = part.byteCount }
      return parts.values.reduce(0, +)
    }
  }

  /// The parts that together have what is requested; what is in none yet is packed. Other threads wait.
  func parts(for requests: [WeightRequest], by packer: WeightPacker) throws -> [PackedPart] {
    let kernels = packer.kernels.name
    return try entries.withLock { entries in
      entries = entries.filter { $0.value.part != nil }
      var parts: [ObjectIdentifier: PackedPart] = [:]
      var missing: [WeightRequest] = []
      for request in requests {
        if let part = entries[Key(kernels: kernels, request: request)]?.part {
          parts[ObjectIdentifier(part)] = part
        } else {
          missing.append(request)
        }
      }
      guard !missing.isEmpty else { return Array(parts.values) }
      let part = try PackedPart(missing, by: packer)
      for request in missing { entries[Key(kernels: kernels, request: request)] = Entry(part: part) }
      return parts.values + [part]
    }
  }
}
