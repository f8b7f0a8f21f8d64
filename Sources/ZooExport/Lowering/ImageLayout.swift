/// The order of the axes of images.
public enum ImageLayout: String, Sendable, Hashable, CaseIterable {
  /// (N, H, W, C), as Keras and TensorFlow have images.
  case nhwc
  /// (N, C, H, W), as PyTorch and most engines have them.
  case nchw
}
