import ZooGraph
import ZooSystem
import ZooTensor

/// Weights in 64-bit floats that can change, for training in double precision.
package struct ReferenceWeights: WeightSource {
  private var values: [WeightSlot: [Double]] = [:]

  package init() {}

  /// All weights of `graph`, as `source` has them.
  package init(_ graph: Graph, from source: some WeightSource) throws {
    for slot in graph.weightSlots { values[slot] = try ReferenceWeight(slot, from: source).values }
  }

  /// Row-major in the slot's shape; nil where there are none.
  package subscript(slot: WeightSlot) -> [Double]? {
    get { values[slot] }
    set { values[slot] = newValue }
  }

  package func tensor(for slot: WeightSlot) throws -> StoredTensor {
    guard let values = values[slot], values.count == slot.shape.elementCount else {
      throw ZooError(.missing, what: "missing weight", at: slot.name, "there are no values for it")
    }
    return StoredTensor(shape: slot.shape, doubles: values)
  }
}
