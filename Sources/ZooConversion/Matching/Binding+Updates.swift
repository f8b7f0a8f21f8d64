import ZooGraph
import ZooTensor
import ZooWeightFiles

/// The product of two matrices that low-rank adaptation (LoRA) adds to a kernel.
package struct LowRankUpdate: Sendable {
  /// (…, inputs, rank), as the kernel in all but its last axis.
  let a: TensorEntry
  /// (rank, outputs).
  let b: TensorEntry
  /// By what the product is multiplied: Keras' `lora_alpha` / `lora_rank`.
  let factor: Double

  /// The kernel with the product added; nil where their shapes do not fit.
  func added(to kernel: StoredTensor, a: StoredTensor, b: StoredTensor) -> StoredTensor? {
    guard b.shape.rank == 2, let outputs = kernel.shape.dimensions.last, b.shape[1] == outputs,
      a.shape.dimensions.last == b.shape[0],
      a.shape.dimensions.dropLast() == kernel.shape.dimensions.dropLast()
    else { return nil }
    let rank = b.shape[0]
    var values = kernel.doubles()
    let (left, right) = (a.doubles(), b.doubles())
    for row in 0..<(outputs == 0 ? 0 : values.count / outputs) {
      for place in 0..<rank {
        let weight = factor * left[row * rank + place]
        for column in 0..<outputs {
          values[row * outputs + column] += weight * right[place * outputs + column]
        }
      }
    }
    return StoredTensor(shape: kernel.shape, values: values.map(Float.init))
  }
}

extension Binding {
  /// Gives each kernel the low-rank update that lies beside it, which then is not unused.
  ///
  /// - Parameter factors: by the layer's name in the graph, what each product is multiplied by.
  mutating func assignUpdates(factors: [String: Double]) {
    for index in assignments.indices where assignments[index].slot.role == .kernel {
      let kernel = assignments[index]
      func place(_ variable: String) -> Int? {
        unused.firstIndex {
          $0.variable == variable && $0.layer == kernel.entry.layer && $0.container == kernel.entry.container
            && $0.layer != nil
        }
      }
      guard let factor = factors[kernel.slot.layer], let a = place("lora_kernel_a"),
        let b = place("lora_kernel_b")
      else { continue }
      let update = LowRankUpdate(a: unused[a], b: unused[b], factor: factor)
      guard let inputs = update.a.shape.dimensions.last, update.b.shape.rank == 2,
        update.b.shape[0] == inputs,
        update.b.shape[1] == kernel.entry.shape.dimensions.last,
        update.a.shape.dimensions.dropLast() == kernel.entry.shape.dimensions.dropLast()
      else { continue }
      assignments[index].update = update
      unused.removeAll { $0 == update.a || $0 == update.b }
    }
  }
}
