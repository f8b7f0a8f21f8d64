import ZooGraph
import ZooTensor

/// How the windows of a convolution or a pooling lie on an image (H, W, C).
struct ReferenceWindow: Sendable {
  let height: Int
  let width: Int
  let channels: Int
  let size: Extent2D
  let strides: Extent2D
  let dilation: Extent2D
  let edges: Edges

  init(
    on image: Shape, size: Extent2D, strides: Extent2D, padding: Padding, dilation: Extent2D = .one
  ) {
    height = image[0]
    width = image[1]
    channels = image[2]
    self.size = size
    self.strides = strides
    self.dilation = dilation
    edges = padding.edges(
      height: height, width: width, window: size, strides: strides, dilation: dilation)
  }

  /// The row of the image under row `tap` of the window at output row `row`; `nil` in the padding.
  func inputRow(_ row: Int, tap: Int) -> Int? {
    let y = row * strides.height - edges.top + tap * dilation.height
    return y >= 0 && y < height ? y : nil
  }

  /// The column of the image under column `tap` of the window at output column `column`; `nil` in
  /// the padding.
  func inputColumn(_ column: Int, tap: Int) -> Int? {
    let x = column * strides.width - edges.left + tap * dilation.width
    return x >= 0 && x < width ? x : nil
  }

  /// Calls `body` with each element of the window at output pixel (`row`, `column`) that lies on the image,
  /// and with the pixel of the image under it. Elements are counted row by row.
  @inline(__always)
  func forEachTap(_ row: Int, _ column: Int, _ body: (_ tap: Int, _ y: Int, _ x: Int) -> Void) {
    for ky in 0..<size.height {
      guard let y = inputRow(row, tap: ky) else { continue }
      for kx in 0..<size.width {
        guard let x = inputColumn(column, tap: kx) else { continue }
        body(ky * size.width + kx, y, x)
      }
    }
  }

  /// The row-major index of a value of the image.
  func index(_ y: Int, _ x: Int, _ channel: Int) -> Int { (y * width + x) * channels + channel }

  /// Whether each of the windows of an output of `outputs` pixels has a pixel of the image under it.
  ///
  /// Windows move in one direction, so only the first and the last can miss the image. For windows
  /// without dilation.
  func touchesImage(outputs: Extent2D) -> Bool {
    edges.top < size.height && (outputs.height - 1) * strides.height - edges.top < height
      && edges.left < size.width && (outputs.width - 1) * strides.width - edges.left < width
  }
}
