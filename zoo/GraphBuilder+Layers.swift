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
}
