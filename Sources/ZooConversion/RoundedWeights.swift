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
    if storage == .f32 || single.contains(slot), tensor.elementType == .float32 { return tensor }
    let values = tensor.floats()
    guard storage == .f16, !single.contains(slot) else {
      return StoredTensor(shape: tensor.shape, values: values)
    }
    let halves = Float.roundedToFloat16(values)
    // A tensor beyond the range of half precision is stored in single.
    let overflows = zip(values, halves).contains { $0.isFinite && !$1.isFinite }
    return StoredTensor(shape: tensor.shape, values: overflows ? values : halves)
  }
}
