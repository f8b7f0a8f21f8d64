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
  /// Nil for tensors that are not stored as codes.
  private let codes = Mutex<[WeightSlot: QuantizedTensor?]>([:])

  init(_ source: any WeightSource) { self.source = source }

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    if let known = decoded.withLock({ $0[slot] }) { return known }
    let tensor = try source.tensor(for: slot)
    if !(tensor.bytes.owner is MappedFile) { decoded.withLock { $0[slot] = tensor } }
    return tensor
  }

  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    if let known = codes.withLock({ $0[slot] }) { return known }
    let tensor = try source.quantizedTensor(for: slot)
    codes.withLock { $0[slot] = .some(tensor) }
    return tensor
  }
}
