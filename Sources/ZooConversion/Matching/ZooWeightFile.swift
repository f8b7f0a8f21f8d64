import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// A `.zoo` file as a source of a conversion, for storing its weights in another type or giving it
/// other labels.
struct ZooWeightFile: WeightFile {
  let zoo: ZooFile
  let tensors: [TensorEntry]
  private let slots: [String: WeightSlot]

  init(_ zoo: ZooFile) {
    self.zoo = zoo
    slots = Dictionary(uniqueKeysWithValues: zoo.document.graph.weightSlots.map { ($0.name, $0) })
    tensors = zoo.tensors.map { record in
      TensorEntry(
        name: record.name, shape: record.shape, elementType: record.elementType, layer: record.slot.layer,
        variable: record.slot.role.rawValue)
    }
  }

  var path: String { zoo.path }
  var layout: WeightFileLayout { .zoo }
  var writer: String? { zoo.document.source?.writer }
  var ignored: [(name: String, reason: String)] { [] }
  var modelConfiguration: JSONValue? { nil }

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    do {
      guard let slot = slots[entry.name] else {
        throw ZooError(.malformed, ".zoo file", at: path, "it has no tensor '\(entry.name)'")
      }
      return try zoo.tensor(for: slot)
    } catch let error as ZooError {
      throw error
    } catch {
      throw ZooError(.malformed, ".zoo file", at: path, "\(error)")
    }
  }
}
