import ZooGraph

// The idioms that the families share. Nothing here chooses an epsilon, a padding or a stride.
extension GraphBuilder {
  /// A square convolution.
  mutating func convolution(
    _ name: String, _ x: Value, filters: Int, kernel: Int, stride: Int, padding: Padding, useBias: Bool,
    activation: Activation = .linear
  ) -> Value {
    add(
      name,
      .convolution(
        Convolution(
          filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
          useBias: useBias, activation: activation)), x)
  }

  mutating func depthwiseConvolution(
    _ name: String, _ x: Value, kernel: Int, stride: Int, padding: Padding
  ) -> Value {
    add(
      name,
      .depthwiseConvolution(
        DepthwiseConvolution(
          kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding, useBias: false)), x)
  }

  /// A depthwise convolution without biases that pads as Keras does, in a layer `pad` where it has a stride, or
  /// by half a window on each side.
  mutating func paddedDepthwiseConvolution(
    _ name: String, pad: String, _ x: Value, kernel: Int, stride: Int, isSymmetric: Bool = false
  ) -> Value {
    guard stride > 1 else {
      return depthwiseConvolution(name, x, kernel: kernel, stride: 1, padding: .same)
    }
    let edges = isSymmetric ? Edges(all: kernel / 2) : stridePadding(x, window: kernel)
    let padded = add(pad, .zeroPadding(edges), x)
    return depthwiseConvolution(name, padded, kernel: kernel, stride: stride, padding: .valid)
  }

  /// Keras' `correct_pad`: half a window, one pixel less at the top and left of an even extent.
  func stridePadding(_ x: Value, window: Int) -> Edges {
    guard let shape = shape(of: x) else { return .none }
    let half = window / 2
    return Edges(
      top: half - (1 - shape[0] % 2), bottom: half, left: half - (1 - shape[1] % 2), right: half)
  }

  mutating func batchNormalization(_ name: String, _ x: Value, epsilon: Double) -> Value {
    add(name, .batchNormalization(BatchNormalization(epsilon: epsilon)), x)
  }

  mutating func maxPooling(
    _ name: String, _ x: Value, window: Int, stride: Int, padding: Padding
  ) -> Value {
    add(
      name,
      .maxPooling(Pooling(window: Extent2D(window), strides: Extent2D(stride), padding: padding)), x)
  }

  mutating func averagePooling(
    _ name: String, _ x: Value, window: Int, stride: Int, padding: Padding
  ) -> Value {
    add(
      name,
      .averagePooling(Pooling(window: Extent2D(window), strides: Extent2D(stride), padding: padding)), x)
  }

  mutating func dense(_ name: String, _ x: Value, units: Int, activation: Activation) -> Value {
    add(name, .dense(Dense(units: units, useBias: true, activation: activation)), x)
  }

  /// The end of a network without a classifier, automatically named.
  mutating func globalPooling(_ pooling: GlobalPooling, _ x: Value) -> Value {
    switch pooling {
    case .none: x
    case .avg: add(.globalAveragePooling(keepDimensions: false), x)
    case .max: add(.globalMaxPooling(keepDimensions: false), x)
    }
  }
  /// The end of most networks: the mean over all pixels and one dense layer, or pooling alone.
  ///
  /// - Parameters:
  ///   - dropout: the name of a dropout before the dense layer, where there is one.
  ///   - namesPooling: whether pooling without a classifier is called `avg_pool` and `max_pool`, else
  ///     automatically.
  mutating func denseHead(
    _ head: Head, _ x: Value, dropout: String? = nil, namesPooling: Bool = true
  ) -> Value {
    switch head {
    case .classifier(let classes, let activation):
      var x = add("avg_pool", .globalAveragePooling(keepDimensions: false), x)
      if let dropout { x = add(dropout, .identity(layer: "Dropout"), x) }
      return dense("predictions", x, units: classes, activation: activation)
    case .features(.avg) where namesPooling:
      return add("avg_pool", .globalAveragePooling(keepDimensions: false), x)
    case .features(.max) where namesPooling:
      return add("max_pool", .globalMaxPooling(keepDimensions: false), x)
    case .features(let pooling):
      return globalPooling(pooling, x)
    }
  }
}
