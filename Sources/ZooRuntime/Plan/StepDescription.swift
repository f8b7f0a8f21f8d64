import CZooKernels

/// What a step does, for people.
package struct StepDescription: Sendable {
  /// The layers that it computes, in the graph's order.
  package let layers: [String]
  /// The kernel or algorithm, for people.
  package let kernel: String
  /// The kernel that is called.
  package let kernelID: zoo_kernel_id
  /// Multiplications and additions of convolutions and dense layers, for one example.
  package let macs: Int
  /// What it reads of weights that are used once each and so come from memory: of dense layers; 0 for others.
  package let streamedBytes: Int
}

extension zoo_weight_form {
  /// Of one weight.
  fileprivate var byteCount: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .i8: 1
    }
  }
}

extension StepDescription {
  init(_ step: Step) {
    var bytes = 0
    if case .dense(let a) = step.arguments { bytes = step.macs * a.form.byteCount }
    self.init(
      layers: step.layers, kernel: step.algorithm, kernelID: step.arguments.kernel,
      macs: step.macs,
      streamedBytes: bytes)
  }
}
