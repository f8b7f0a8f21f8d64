import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The weights of a graph, read from a weight file when they are asked for.
package struct BoundWeights: WeightSource {
  let file: any WeightFile
  private let assignments: [WeightSlot: Binding.Assignment]

  package init(file: any WeightFile, binding: Binding) {
    self.file = file
    self.assignments = Dictionary(uniqueKeysWithValues: binding.assignments.map { ($0.slot, $0) })
  }

  /// The tensor in the slot's shape, in the file's element type.
  package func tensor(for slot: WeightSlot) throws -> StoredTensor { try tensorView(for: slot).ordered() }

  package func tensorView(for slot: WeightSlot) throws -> TensorView {
    let assignment = try assignment(of: slot)
    let tensor = try tensor(of: assignment)
    guard assignment.transform != .none else { return TensorView(tensor) }
    guard let view = assignment.transform.view(of: tensor, shape: slot.shape) else {
      throw ZooError(
        .malformed, what: "malformed tensor", at: "\(file.path), '\(assignment.entry.name)'",
        "its shape is \(tensor.shape), expected \(slot.shape)")
    }
    return view
  }

  private func assignment(of slot: WeightSlot) throws(ZooError) -> Binding.Assignment {
    guard let assignment = assignments[slot] else {
      throw ZooError(
        .missing, what: "no weight", at: "'\(slot.name)'", "the file was bound to another network")
    }
    return assignment
  }

  /// In the file's order.
  private func tensor(of assignment: Binding.Assignment) throws -> StoredTensor {
    var tensor = try file.read(assignment.entry)
    if let scale = assignment.scale, let numbers = assignment.dequantized(tensor, by: try file.read(scale)) {
      tensor = numbers
    }
    if let update = assignment.update,
      let sum = update.added(to: tensor, a: try file.read(update.a), b: try file.read(update.b))
    {
      tensor = sum
    }
    guard tensor.elementType.isFloatingPoint else {
      throw ZooError(
        .unsupported, what: "unsupported tensor", at: "\(file.path), '\(assignment.entry.name)'",
        "its elements are \(tensor.elementType.rawValue), expected floating point")
    }
    return tensor
  }
}
