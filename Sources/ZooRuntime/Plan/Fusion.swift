import ZooGraph
import ZooTensor

/// The layers after a node that its own step computes at no cost.
struct Fusion {
  /// The last node swallowed: what the step writes.
  var result: Int
  var layers: [String]
  var norms: [ChannelMap] = []
  /// The other input of a sum.
  var residual: Place?
  var lo = -Float.infinity
  var hi = Float.infinity
  /// Whether what is written is the result cut off at zero, because nothing reads it otherwise.
  var isRectified = false

  /// What a kernel can take in.
  enum Rules {
    /// Norms by channel, one sum, one clamp: matrix products.
    case all
    /// Norms by channel, one clamp: depthwise and transposed convolutions.
    case normsAndClamp
    /// One sum, one clamp: pooling.
    case sumAndClamp
    /// One clamp.
    case clampOnly
  }
}
