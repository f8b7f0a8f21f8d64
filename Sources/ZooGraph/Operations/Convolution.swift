import ZooSystem
import ZooTensor

// MARK: Convolution

/// The kernel is (kernel height, kernel width, input channels / groups, filters).
package struct Convolution: Hashable, Sendable {
  package var filters: Int
  package var kernel: Extent2D
  package var strides: Extent2D
  package var padding: Padding
  package var dilation: Extent2D
  package var groups: Int
  package var useBias: Bool
  package var activation: Activation

  package init(
    filters: Int, kernel: Extent2D, strides: Extent2D, padding: Padding, dilation: Extent2D = .one,
    groups: Int = 1, useBias: Bool, activation: Activation = .linear
  ) {
    self.filters = filters
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.useBias = useBias
    self.activation = activation
  }
}

extension Convolution: WeightedPayload {
  static let kinds = ["convolution"]
  var operation: Operation { .convolution(self) }
  var kerasClassName: String { "conv2d" }

  var attributes: [(String, AttributeValue)] {
    [
      ("filters", .int(filters)), ("kernel", .extent(kernel)), ("strides", .extent(strides)),
      ("padding", .padding(padding)), ("dilation", .extent(dilation)), ("groups", .int(groups)),
      ("use_bias", .bool(useBias)),
    ] + activation.attributes
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      filters: try fields.int("filters"), kernel: try fields.extent("kernel"),
      strides: try fields.extent("strides"), padding: try fields.padding(),
      dilation: try fields.extent("dilation"), groups: try fields.int("groups"),
      useBias: try fields.bool("use_bias"), activation: try fields.activation())
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let channels = try inputs.image().channels
    guard groups > 0, channels % groups == 0, filters > 0, filters % groups == 0 else {
      throw inputs.invalid("\(groups) groups do not divide \(channels) input channels and \(filters) filters")
    }
    let size = try inputs.windows(kernel, strides: strides, dilation: dilation, padding: padding)
    return try inputs.shape([size.height, size.width, filters])
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    [(.kernel, [kernel.height, kernel.width, input[2] / groups, filters])]
      + (useBias ? [(.bias, [filters])] : [])
  }

  func macs(input: Shape, output: Shape) -> Int {
    saturatingProduct(output.elementCount, kernel.height, kernel.width, input[2] / groups)
  }
}

// MARK: Depthwise convolution

/// The kernel is (kernel height, kernel width, input channels, multiplier); output channel
/// `c * multiplier + m` comes from input channel `c`.
package struct DepthwiseConvolution: Hashable, Sendable {
  package var multiplier: Int
  package var kernel: Extent2D
  package var strides: Extent2D
  package var padding: Padding
  package var dilation: Extent2D
  package var useBias: Bool
  package var activation: Activation

  package init(
    multiplier: Int = 1, kernel: Extent2D, strides: Extent2D, padding: Padding,
    dilation: Extent2D = .one, useBias: Bool, activation: Activation = .linear
  ) {
    self.multiplier = multiplier
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
    self.useBias = useBias
    self.activation = activation
  }
}

extension DepthwiseConvolution: WeightedPayload {
  static let kinds = ["depthwise_convolution"]
  var operation: Operation { .depthwiseConvolution(self) }
  var kerasClassName: String { "depthwise_conv2d" }

  var attributes: [(String, AttributeValue)] {
    [
      ("multiplier", .int(multiplier)), ("kernel", .extent(kernel)), ("strides", .extent(strides)),
      ("padding", .padding(padding)), ("dilation", .extent(dilation)), ("use_bias", .bool(useBias)),
    ] + activation.attributes
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      multiplier: try fields.int("multiplier"), kernel: try fields.extent("kernel"),
      strides: try fields.extent("strides"), padding: try fields.padding(),
      dilation: try fields.extent("dilation"), useBias: try fields.bool("use_bias"),
      activation: try fields.activation())
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let filters = try inputs.product(try inputs.image().channels, multiplier: multiplier)
    let size = try inputs.windows(kernel, strides: strides, dilation: dilation, padding: padding)
    return try inputs.shape([size.height, size.width, filters])
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    [(.depthwiseKernel, [kernel.height, kernel.width, input[2], multiplier])]
      + (useBias ? [(.bias, [input[2] * multiplier])] : [])
  }

  func macs(input: Shape, output: Shape) -> Int {
    saturatingProduct(output.elementCount, kernel.height, kernel.width)
  }
}

// MARK: Separable convolution

/// The depthwise kernel is (kernel height, kernel width, input channels, multiplier), the pointwise
/// kernel (1, 1, input channels * multiplier, filters). Bias and activation come after both.
package struct SeparableConvolution: Hashable, Sendable {
  package var filters: Int
  package var multiplier: Int
  package var kernel: Extent2D
  package var strides: Extent2D
  package var padding: Padding
  package var dilation: Extent2D
  package var useBias: Bool
  package var activation: Activation

  package init(
    filters: Int, multiplier: Int = 1, kernel: Extent2D, strides: Extent2D, padding: Padding,
    dilation: Extent2D = .one, useBias: Bool, activation: Activation = .linear
  ) {
    self.filters = filters
    self.multiplier = multiplier
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
    self.useBias = useBias
    self.activation = activation
  }
}

extension SeparableConvolution: WeightedPayload {
  static let kinds = ["separable_convolution"]
  var operation: Operation { .separableConvolution(self) }
  var kerasClassName: String { "separable_conv2d" }

  var attributes: [(String, AttributeValue)] {
    [
      ("filters", .int(filters)), ("multiplier", .int(multiplier)), ("kernel", .extent(kernel)),
      ("strides", .extent(strides)), ("padding", .padding(padding)), ("dilation", .extent(dilation)),
      ("use_bias", .bool(useBias)),
    ] + activation.attributes
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      filters: try fields.int("filters"), multiplier: try fields.int("multiplier"),
      kernel: try fields.extent("kernel"), strides: try fields.extent("strides"),
      padding: try fields.padding(), dilation: try fields.extent("dilation"),
      useBias: try fields.bool("use_bias"), activation: try fields.activation())
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    _ = try inputs.product(try inputs.image().channels, multiplier: multiplier)
    let size = try inputs.windows(kernel, strides: strides, dilation: dilation, padding: padding)
    return try inputs.shape([size.height, size.width, filters])
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    [
      (.depthwiseKernel, [kernel.height, kernel.width, input[2], multiplier]),
      (.pointwiseKernel, [1, 1, input[2] * multiplier, filters]),
    ] + (useBias ? [(.bias, [filters])] : [])
  }

  func macs(input: Shape, output: Shape) -> Int {
    saturatingProduct(
      output[0] * output[1], input[2] * multiplier, kernel.height * kernel.width + filters)
  }
}

// MARK: Transposed convolution

/// The kernel is (kernel height, kernel width, filters, input channels), as Keras has it.
///
/// Input pixel (i, j) adds its product with the kernel's element (k, l) to pixel (i * strides.height +
/// k * dilation.height, j * strides.width + l * dilation.width) of an image without end; the output is
/// the part of it of the size `size` that begins at `offset`. Bias and activation come after that.
package struct TransposedConvolution: Hashable, Sendable {
  package var filters: Int
  package var kernel: Extent2D
  package var strides: Extent2D
  package var dilation: Extent2D
  package var offset: Extent2D
  package var size: Extent2D
  package var useBias: Bool
  package var activation: Activation

  package init(
    filters: Int, kernel: Extent2D, strides: Extent2D, dilation: Extent2D = .one, offset: Extent2D,
    size: Extent2D, useBias: Bool, activation: Activation = .linear
  ) {
    self.filters = filters
    self.kernel = kernel
    self.strides = strides
    self.dilation = dilation
    self.offset = offset
    self.size = size
    self.useBias = useBias
    self.activation = activation
  }
}

extension TransposedConvolution: WeightedPayload {
  static let kinds = ["transposed_convolution"]
  var operation: Operation { .transposedConvolution(self) }
  var kerasClassName: String { "conv2d_transpose" }

  var attributes: [(String, AttributeValue)] {
    [
      ("filters", .int(filters)), ("kernel", .extent(kernel)), ("strides", .extent(strides)),
      ("dilation", .extent(dilation)), ("offset", .extent(offset)), ("size", .extent(size)),
      ("use_bias", .bool(useBias)),
    ] + activation.attributes
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      filters: try fields.int("filters"), kernel: try fields.extent("kernel"),
      strides: try fields.extent("strides"), dilation: try fields.extent("dilation"),
      offset: try fields.extent("offset"), size: try fields.extent("size"),
      useBias: try fields.bool("use_bias"), activation: try fields.activation())
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    _ = try inputs.image()
    try inputs.check(kernel, strides, dilation)
    guard offset.height >= 0, offset.width >= 0, offset.height <= LayerInputs.extentLimit,
      offset.width <= LayerInputs.extentLimit
    else { throw inputs.invalid("its output begins at (\(offset.height), \(offset.width))") }
    return try inputs.shape([size.height, size.width, filters])
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    [(.kernel, [kernel.height, kernel.width, filters, input[2]])] + (useBias ? [(.bias, [filters])] : [])
  }

  func macs(input: Shape, output: Shape) -> Int {
    saturatingProduct(input.elementCount, kernel.height, kernel.width, filters)
  }
}
