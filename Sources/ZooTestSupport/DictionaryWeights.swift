import ZooGraph
import ZooTensor

/// Weights by slot name.
package struct DictionaryWeights: WeightSource {
  package struct Missing: Error, Equatable {
    package let name: String

    package init(name: String) { self.name = name }
  }

  package var tensors: [String: StoredTensor] = [:]

  package func tensor(for slot: WeightSlot) throws -> StoredTensor {
    guard let tensor = tensors[slot.name] else { throw Missing(name: slot.name) }
    return tensor
  }

  /// Random weights for every slot of `graph`.
  package init(randomFor graph: Graph, seed: UInt64) {
    var random = SplitMix(seed: seed)
    for slot in graph.weightSlots {
      let range: ClosedRange<Float> = slot.role == .movingVariance ? 0.5...1.5 : -1...1
      tensors[slot.name] = StoredTensor(
        shape: slot.shape,
        values: (0..<slot.shape.elementCount).map { _ in .random(in: range, using: &random) })
    }
  }

  package init(_ tensors: [String: StoredTensor]) { self.tensors = tensors }
}

/// Weights that a closure gives.
package struct ComputedWeights: WeightSource {
  private let body: @Sendable (WeightSlot) throws -> StoredTensor
  package init(_ body: @escaping @Sendable (WeightSlot) throws -> StoredTensor) { self.body = body }

  package func tensor(for slot: WeightSlot) throws -> StoredTensor { try body(slot) }
}

extension Graph {
  /// A graph of one layer on inputs of these shapes.
  package init(_ operation: ZooGraph.Operation, on shapes: [Int]...) throws {
    try self.init(operation, on: shapes)
  }

  package init(_ operation: ZooGraph.Operation, on shapes: [[Int]]) throws {
    var builder = GraphBuilder()
    let inputs = shapes.enumerated().map { builder.add("input\($0)", .input(shape: $1)) }
    let output = builder.add("layer", operation, inputs)
    self = try builder.build(outputs: [output])
  }
}
