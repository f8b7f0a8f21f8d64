import ZooGraph

/// A depthwise convolution with what is fused to it.
struct FusedDepthwise {
  var view: View
  var geometry: Geometry
  var multiplier: Int
  var fusion: Fusion
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// Of its output.
  var shape: (height: Int, width: Int, channels: Int)
  var macs: Int

  /// The rows of the input, with those around it, that so many rows of the output are made of.
  func inputRows(for rows: Int) -> Int {
    (rows - 1) * geometry.strides.height + (geometry.kernel.height - 1) * geometry.dilation.height + 1
  }

  /// Positions of the window.
  var taps: Int { geometry.kernel.height * geometry.kernel.width }

  var stride: Int { Place.wholeLines(shape.channels) }

  var weights: WeightRequest {
    WeightRequest(
      layout: .depthwise(taps: taps, channels: shape.channels, stride: stride),
      kernel: kernel, bias: bias, channels: shape.channels, norms: fusion.norms)
  }
}
