import ZooFormat
import ZooGraph
import ZooTensor

/// Weights as a reader of a `.zoo` file that is stored by a plan will compute with them, so that what is
/// verified is what is written.
package struct PlannedWeights: WeightSource {
  private let source: any WeightSource
  private let plan: StoragePlan

  package init(source: any WeightSource, plan: StoragePlan) {
    self.source = source
    self.plan = plan
  }

  package func tensor(for slot: WeightSlot) throws -> StoredTensor {
    if let quantized = try quantizedTensor(for: slot) {
      return StoredTensor(shape: slot.shape, values: quantized.floats())
    }
    let tensor = try plan.replaced[slot] ?? source.tensor(for: slot)
    guard case .values(let type) = plan.form(of: slot),
      let storage = StorageType.allCases.first(where: { $0.elementType == type }), storage != .f32
    else {
      return tensor.elementType == .float32
        ? tensor : StoredTensor(shape: tensor.shape, values: tensor.floats())
    }
    let values = tensor.floats()
    let rounding = storage.rounding(values)
    return StoredTensor(shape: tensor.shape, values: rounding.isInRange ? rounding.values : values)
  }

  package func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    guard case .codes(let form) = plan.form(of: slot) else { return nil }
    return try rounding(of: slot, to: form).tensor
  }

  /// The codes of a slot, those of the source where they have this form, and what that changes.
  func rounding(
    of slot: WeightSlot, to form: QuantizedForm
  ) throws -> (tensor: QuantizedTensor, error: RoundingError) {
    if plan.replaced[slot] == nil, let quantized = try source.quantizedTensor(for: slot),
      quantized.form == form
    {
      return (quantized, .none(largestValue: 0))
    }
    let rounding = try QuantizedTensor.rounding(
      try plan.replaced[slot] ?? source.tensor(for: slot), to: form, name: slot.name)
    return (rounding.tensor, rounding.error)
  }
}
