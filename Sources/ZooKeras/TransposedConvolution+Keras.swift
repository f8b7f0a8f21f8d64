import ZooGraph
import ZooTensor

extension TransposedConvolution {
  /// Along an axis, Keras' size of the output, and TensorFlow's rule of where it begins: that of the
  /// convolution whose gradient it is.
  ///
  /// - Parameters:
  ///   - addition: Keras' `output_padding`.
  ///   - stated: the size, where a configuration says it.
  static func kerasPlace(
    input: Int, kernel: Int, stride: Int, dilation: Int, isValid: Bool, addition: Int?, stated: Int? = nil
  ) -> (size: Int, offset: Int) {
    let span = (kernel - 1) * dilation + 1
    let whole = (input - 1) * stride + span
    if isValid {
      return (stated ?? (input - 1) * stride + span + (addition ?? max(span, stride) - span), 0)
    }
    let size = stated ?? addition.map { (input - 1) * stride + span % 2 + $0 } ?? input * stride
    return (size, max(0, whole - size) / 2)
  }

  /// Keras' `padding` and `output_padding` that give this output; nil where none do.
  func kerasPadding(of input: Shape) -> (isValid: Bool, addition: Extent2D?)? {
    guard input.rank == 3 else { return nil }
    func fits(_ isValid: Bool, _ height: Int?, _ width: Int?) -> Bool {
      let rows = Self.kerasPlace(
        input: input[0], kernel: kernel.height, stride: strides.height, dilation: dilation.height,
        isValid: isValid, addition: height)
      let columns = Self.kerasPlace(
        input: input[1], kernel: kernel.width, stride: strides.width, dilation: dilation.width,
        isValid: isValid, addition: width)
      return rows == (size.height, offset.height) && columns == (size.width, offset.width)
    }
    for isValid in [true, false] {
      if fits(isValid, nil, nil) { return (isValid, nil) }
      // Keras wants less than the stride.
      for height in 0..<max(1, strides.height) {
        for width in 0..<max(1, strides.width) where fits(isValid, height, width) {
          return (isValid, Extent2D(height, width))
        }
      }
    }
    return nil
  }
}
