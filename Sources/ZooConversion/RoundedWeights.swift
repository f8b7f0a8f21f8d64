import ZooFormat
import ZooGraph
import ZooTensor

/// Weights as a `.zoo` file will hold them, so that what is verified is what is written.
struct RoundedWeights: WeightSource {
  let source: any WeightSource
  let storage: StorageType
  /// What stays in single precision all the same.
  let single: Set<WeightSlot>

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    let tensor = try source.tensor(for: slot)
    let isSingle = storage.elementType == .float32 || single.contains(slot)
    if isSingle, tensor.elementType == .float32 { return tensor }
    let values = tensor.floats()
    guard !isSingle else { return StoredTensor(shape: tensor.shape, values: values) }
    let rounding = storage.rounding(values)
    return StoredTensor(shape: tensor.shape, values: rounding.isInRange ? rounding.values : values)
  }
}
