import ZooTensor

extension Operation {
  /// How the weights of `slot` can be stored as codes of this kind: with a scale for each output channel, or for each
  /// `group` of inputs. Nil for weights other than kernels; codes of 4 bits are for dense layers alone.
  package func quantizedForm(
    _ kind: QuantizedForm.Kind, group: Int? = nil, of slot: WeightSlot
  ) -> QuantizedForm? {
    let extents = slot.shape.dimensions
    var inner = 1
    let channels: Int
    switch (self, slot.role) {
    case (.dense, .kernel): channels = extents[1]
    case (.convolution, .kernel), (.separableConvolution, .pointwiseKernel): channels = extents[3]
    case (.depthwiseConvolution, .depthwiseKernel), (.separableConvolution, .depthwiseKernel):
      channels = extents[2] * extents[3]
    case (.transposedConvolution, .kernel): (channels, inner) = (extents[2], extents[3])
    default: return nil
    }
    if kind == .int8 {
      guard group == nil else { return nil }
    } else {
      guard case .dense = self, group.map(QuantizedForm.groups.contains) ?? true else { return nil }
    }
    return QuantizedForm(kind: kind, channels: channels, inner: inner, group: group)
  }
}
