import ZooGraph

/// A convolution or dense layer, as a matrix product, with what is fused to it.
struct FusedProduct {
  var view: View
  var geometry = Geometry.pointwise
  var groups = 1
  var fusion: Fusion
  var output: Place
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// The layer that it is the first half of: `output` then has, for each input pixel, all that this one adds to the
  /// layer's output.
  var transposed: TransposedConvolution?
  var macs: Int

  /// Positions of the window.
  var taps: Int { geometry.kernel.height * geometry.kernel.width }

  /// Whether one vector is multiplied, whose weights can be used where they lie.
  var isOneVector: Bool {
    transposed == nil && output.pixels == 1 && view.source.pixels == 1 && taps == 1 && groups == 1
      && view.edges == .none
  }

  func weights(_ layout: WeightRequest.Layout) -> WeightRequest {
    WeightRequest(
      layout: layout, kernel: kernel, bias: bias, channels: transposed?.filters ?? output.channels,
      norms: fusion.norms)
  }
}
