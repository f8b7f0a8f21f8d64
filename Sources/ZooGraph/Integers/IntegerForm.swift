import ZooTensor

/// How a network is computed with activations and weights of 8 bits: what has to be known besides its graph and
/// weights.
///
/// A value without a range stays in 32-bit floats, and so do the layers that read it.
package final class IntegerForm: Sendable {
  /// The expected range of values. One for each channel serves depthwise convolutions; what other layers read has
  /// to have a single one.
  package let ranges: [Value: ValueRange]
  /// Kernels as codes, where the source of the weights does not have them as codes of 8 bits. Of other kernels, each
  /// output channel has as its scale the largest absolute value / 127.
  package let kernels: [WeightSlot: QuantizedTensor]
  /// Layers, by their values, that are computed in 32-bit floats.
  package let floatLayers: Set<Value>

  package init(
    ranges: [Value: ValueRange], kernels: [WeightSlot: QuantizedTensor] = [:], floatLayers: Set<Value> = []
  ) {
    self.ranges = ranges
    self.kernels = kernels
    self.floatLayers = floatLayers
  }
}

extension IntegerForm: Hashable {
  package static func == (a: IntegerForm, b: IntegerForm) -> Bool { a === b }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
