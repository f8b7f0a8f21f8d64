import ZooGraph
import ZooTensor

/// The weights of a file, with others in the place of some or for further layers.
struct ChangedWeights: WeightSource {
  private let file: any WeightSource
  private let own: [WeightSlot: StoredTensor]

  init(of file: any WeightSource, own: [WeightSlot: StoredTensor]) {
    self.file = file
    self.own = own
  }

  /// Others in the form of 32-bit floats, row-major in the slot's shape.
  init(of file: any WeightSource, own: [WeightSlot: [Float]]) {
    self.init(
      of: file,
      own: Dictionary(
        uniqueKeysWithValues: own.map { ($0, StoredTensor(shape: $0.shape, values: $1)) }))
  }

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    if let tensor = own[slot] { return tensor }
    return try file.tensor(for: slot)
  }

  func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    own[slot] == nil ? try file.quantizedTensor(for: slot) : nil
  }
}
