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

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    if let tensor = own[slot] { return tensor }
    return try file.tensor(for: slot)
  }
}
