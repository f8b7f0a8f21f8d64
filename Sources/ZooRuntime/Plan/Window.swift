import CZooKernels
import ZooGraph
import ZooTensor

extension zoo_window {
  /// A 1x1 window of stride 1 from one image to another.
  mutating func setExtents(from input: Place, to output: Place) {
    in_height = Int32(input.height)
    in_width = Int32(input.width)
    in_pixel = input.pixel
    in_row = input.row
    out_height = Int32(output.height)
    out_width = Int32(output.width)
    out_pixel = output.pixel
    setWindow(.one, strides: .one, dilation: .one, edges: .none)
  }

  /// Whether each pixel of the output is made of the same pixel of the input, so that images are one.
  var isPointwise: Bool {
    kernel_height == 1 && kernel_width == 1 && stride_height == 1 && stride_width == 1 && pad_top == 0
      && pad_left == 0 && in_height == out_height && in_width == out_width
  }

  mutating func setWindow(_ window: Extent2D, strides: Extent2D, dilation: Extent2D, edges: Edges) {
    kernel_height = Int32(window.height)
    kernel_width = Int32(window.width)
    stride_height = Int32(strides.height)
    stride_width = Int32(strides.width)
    dilation_height = Int32(dilation.height)
    dilation_width = Int32(dilation.width)
    pad_top = Int32(edges.top)
    pad_left = Int32(edges.left)
  }
}
