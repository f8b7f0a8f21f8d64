import ZooGraph
import ZooImages
import ZooTensor

/// Inputs that a program can make again anywhere, bit for bit, from a seed.
package enum TestInput {
  /// The name under which this rule is recorded in a `.zoo` file's test case.
  package static let generator = "dead leaves 1"

  /// One example (a batch of 1) for every input of `graph`.
  ///
  /// What takes three channels gets a synthetic picture, preprocessed as the model's card says; anything
  /// else gets uniform noise in -1…1.
  package static func make(
    for graph: Graph, preprocessing: Preprocessing, seed: UInt64
  ) throws -> [Tensor] {
    var inputs: [Tensor] = []
    for (ordinal, value) in graph.inputs.enumerated() {
      let shape = graph[value].shape
      let seed = seed &+ UInt64(ordinal) &* 0x9e37_79b9_7f4a_7c15
      if isImage(shape) {
        let picture = deadLeaves(height: shape[0], width: shape[1], seed: seed)
        inputs.append(preprocessing.tensor(of: picture))
      } else {
        let random = CounterRandom(seed: seed)
        let values = (0..<shape.elementCount).map { Float(random.signed($0)) }
        inputs.append(Tensor(shape: Shape([1] + shape.dimensions), values: values))
      }
    }
    return inputs
  }

  /// Whether an input takes pictures: (H, W, 3).
  package static func isImage(_ shape: Shape) -> Bool { shape.rank == 3 && shape[2] == 3 }
}
