import Synchronization
import ZooGraph
import ZooSystem
import ZooTensor

/// Weights that are decoded at most once.
///
/// Tensors that lie in a mapped file as they are cost nothing to read again and are not kept; what had
/// to be inflated or converted is.
final class CachedWeights: WeightSource {
  private let source: any WeightSource
  private let decoded = Mutex<[WeightSlot: StoredTensor]>([:])

  init(_ source: any WeightSource) { self.source = source }

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    if let known = decoded.withLock({ $0[slot] }) { return known }
    let tensor = try source.tensor(for: slot)
    if !(tensor.bytes.owner is MappedFile) { decoded.withLock { $0[slot] = tensor } }
    return tensor
  }
}
