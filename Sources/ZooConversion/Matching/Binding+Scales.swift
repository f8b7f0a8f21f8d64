import ZooGraph
import ZooTensor
import ZooWeightFiles

extension Binding {
  /// Gives each kernel of small integers the scales that lie beside it, which then are not unused.
  mutating func assignScales() {
    for index in assignments.indices where assignments[index].isQuantizedKernel {
      let kernel = assignments[index]
      guard
        let place = unused.firstIndex(where: { entry in
          entry.elementType.isFloatingPoint && entry.shape.elementCount == kernel.slot.shape[1]
            && (entry.isBeside(kernel.entry) || entry.variable == "kernel_scale")
            && entry.layer == kernel.entry.layer && entry.container == kernel.entry.container
        })
      else { continue }
      assignments[index].scale = unused.remove(at: place)
    }
  }
}

extension Binding.Assignment {
  fileprivate var isQuantizedKernel: Bool {
    slot.role == .kernel && slot.shape.rank == 2 && entry.elementType == .int8
  }

  /// The kernel as numbers: of each column the integers divided by the scale.
  func dequantized(_ integers: StoredTensor, by scales: StoredTensor) -> StoredTensor? {
    let factors = scales.doubles()
    guard integers.elementType == .int8, !factors.isEmpty, integers.shape.dimensions.last == factors.count
    else { return nil }
    let values = integers.doubles().enumerated().map { Float($1 / factors[$0 % factors.count]) }
    return StoredTensor(shape: integers.shape, values: values)
  }
}

extension TensorEntry {
  /// Whether both are variables of one layer in Keras 3's store.
  fileprivate func isBeside(_ other: TensorEntry) -> Bool {
    guard let own = storeKey, let theirs = other.storeKey else { return false }
    return own.layerPath == theirs.layerPath
  }
}
