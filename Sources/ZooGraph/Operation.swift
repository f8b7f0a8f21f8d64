/// What a node of a ``Graph`` computes. One node is one call of a Keras layer; a layer that no single
/// operation computes is several nodes, of which the last has its name.
///
/// Images are (H, W, C) per example. No payload has defaults for what frameworks disagree on
/// (epsilon, padding, strides): a definition always states them.
package enum Operation: Hashable, Sendable {
  /// What enters the network; the shape of one example.
  case input(shape: [Int])
  case convolution(Convolution)
  case depthwiseConvolution(DepthwiseConvolution)
  /// A depthwise convolution and a 1x1 convolution after it, in one layer.
  case separableConvolution(SeparableConvolution)
  case transposedConvolution(TransposedConvolution)
  case dense(Dense)
  case batchNormalization(BatchNormalization)
  case layerNormalization(LayerNormalization)
  /// By a mean and a variance that are weights.
  case normalization(Normalization)
  /// By constants.
  case rescaling(Rescaling)
  /// Times a weight per channel (last axis): gamma.
  case channelScaling
  case activation(Activation)
  /// x where it is positive, else alpha * x. Alpha is a weight of the input's shape, with the extent 1 on
  /// the axes `sharedAxes`, which count from 0 and ascend.
  case parametricRectifier(sharedAxes: [Int])
  case maxPooling(Pooling)
  /// The mean over the part of the window that lies on the input: padding is not counted.
  case averagePooling(Pooling)
  /// The mean over all pixels: (H, W, C) to (C), or to (1, 1, C) with `keepDimensions`.
  case globalAveragePooling(keepDimensions: Bool)
  /// The maximum over all pixels: (H, W, C) to (C), or to (1, 1, C) with `keepDimensions`.
  case globalMaxPooling(keepDimensions: Bool)
  case zeroPadding(Edges)
  case cropping(Edges)
  /// An image sampled at another size.
  case resize(Resize)
  /// Two or more inputs, value by value.
  case merge(Merge)
  /// Joins two or more inputs along the last axis (channels).
  case concatenate
  /// All values of an example as one vector, in row-major order.
  case flatten
  /// The same values in row-major order with another shape.
  case reshape(target: [Int])
  /// Axis i of the output is axis `order[i]` of the input, both counted from 0.
  case permute(order: [Int])
  /// Nothing at inference: dropout and its like. `layer` is the class it stands for.
  case identity(layer: String)

  /// The sum of two or more inputs.
  package static let add = Operation.merge(.add)
}

/// Rows and columns of a window, a stride or a dilation.
package struct Extent2D: Hashable, Sendable {
  package var height: Int
  package var width: Int

  package init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  /// The same extent both ways.
  package init(_ side: Int) { self.init(side, side) }

  package static let one = Extent2D(1)
}

/// Amounts at the four edges of an image, in pixels.
package struct Edges: Hashable, Sendable {
  package var top: Int
  package var bottom: Int
  package var left: Int
  package var right: Int

  /// In the order in which Keras writes `((top, bottom), (left, right))`.
  package init(top: Int, bottom: Int, left: Int, right: Int) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// The same amount at every edge.
  package init(all amount: Int) { self.init(top: amount, bottom: amount, left: amount, right: amount) }

  package static let none = Edges(all: 0)
}

/// How a window meets the border of the image.
package enum Padding: Hashable, Sendable {
  /// Only whole windows inside the image.
  case valid
  /// ceil(size / stride) outputs; the odd pixel of padding is at the bottom and right (TensorFlow's rule).
  case same
  /// Stated amounts of padding: zeros for convolutions, nothing (ignored) for pooling.
  case explicit(Edges)
}

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

/// A matrix product over the last axis; the kernel is (inputs, units).
package struct Dense: Hashable, Sendable {
  package var units: Int
  package var useBias: Bool
  package var activation: Activation

  package init(units: Int, useBias: Bool, activation: Activation = .linear) {
    self.units = units
    self.useBias = useBias
    self.activation = activation
  }
}

/// The window and strides of a pooling layer.
package struct Pooling: Hashable, Sendable {
  package var window: Extent2D
  package var strides: Extent2D
  package var padding: Padding

  package init(window: Extent2D, strides: Extent2D, padding: Padding) {
    self.window = window
    self.strides = strides
    self.padding = padding
  }
}

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

/// How two or more inputs become one, value by value. Shapes are broadcast as NumPy does it for single
/// examples: aligned at the last axis, where an extent of 1 or a missing axis repeats.
package enum Merge: String, Hashable, Sendable, CaseIterable {
  case add
  /// The first of two inputs minus the second.
  case subtract
  case multiply
  case average
  case maximum
  case minimum

  /// Whether the order of the inputs makes no difference.
  package var isCommutative: Bool { self != .subtract }
}
