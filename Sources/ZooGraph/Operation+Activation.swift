/// The activation function that many operations end in.
extension Operation {
  /// The function that the operation is, or applies to its result; nil where it has none.
  package var endActivation: Activation? {
    switch self {
    case .activation(let activation): activation
    case .dense(let dense): dense.activation
    case .convolution(let convolution): convolution.activation
    case .depthwiseConvolution(let convolution): convolution.activation
    case .separableConvolution(let convolution): convolution.activation
    case .transposedConvolution(let convolution): convolution.activation
    default: nil
    }
  }

  /// The same operation with a function that changes nothing; itself where it has none.
  package var withoutActivation: Operation {
    switch self {
    case .activation: return .activation(.linear)
    case .dense(var dense):
      dense.activation = .linear
      return .dense(dense)
    case .convolution(var convolution):
      convolution.activation = .linear
      return .convolution(convolution)
    case .depthwiseConvolution(var convolution):
      convolution.activation = .linear
      return .depthwiseConvolution(convolution)
    case .separableConvolution(var convolution):
      convolution.activation = .linear
      return .separableConvolution(convolution)
    case .transposedConvolution(var convolution):
      convolution.activation = .linear
      return .transposedConvolution(convolution)
    default: return self
    }
  }
}

extension Activation {
  /// The range that it cuts its input off at, where that is all it does.
  package var bounds: (lo: Float, hi: Float)? {
    switch self {
    case .linear: (-.infinity, .infinity)
    case .relu(let maxValue, 0, 0): (0, maxValue.map(Float.init) ?? .infinity)
    default: nil
    }
  }
}
