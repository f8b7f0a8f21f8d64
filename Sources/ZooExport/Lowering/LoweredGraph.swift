import ZooGraph

/// A network in the operations that other runtimes have: convolutions, products, functions of each value.
///
/// Every value has the batch as its axis 0; axes are counted with it. Constants have no batch. What convolutions,
/// pooling, batch norms and resizing work on is (N, C, H, W).
package struct LoweredGraph: Sendable {
  /// What a step computes or an input brings, by its place in ``shapes`` and ``names``.
  package struct Value: Hashable, Sendable {
    package let index: Int
  }

  /// What a step reads.
  package enum Operand: Hashable, Sendable {
    case value(Value)
    /// The place in ``constants``.
    case constant(Int)
  }

  package struct Step: Sendable {
    package let kind: Kind
    package let inputs: [Operand]
    package let output: Value
  }

  /// What a graph is lowered for.
  package struct Target: Sendable {
    /// The order of the axes of inputs that are images.
    package var inputs: ImageLayout
    /// That of outputs.
    package var outputs: ImageLayout
    /// Whether there are ``Unary/gelu(approximate:)`` and ``Unary/silu``; otherwise they become several steps.
    package var hasCompositeActivations: Bool

    package init(inputs: ImageLayout, outputs: ImageLayout, hasCompositeActivations: Bool = false) {
      self.inputs = inputs
      self.outputs = outputs
      self.hasCompositeActivations = hasCompositeActivations
    }
  }

  package internal(set) var steps: [Step] = []
  package internal(set) var inputs: [Value] = []
  package internal(set) var outputs: [Value] = []
  package internal(set) var constants: [LoweredConstant] = []
  /// Of each value, without the batch.
  package internal(set) var shapes: [[Int]] = []
  /// Of each value; those of inputs and outputs are the names of their layers.
  package internal(set) var names: [String] = []
  /// Of each constant. No two values or constants have the same name.
  package internal(set) var constantNames: [String] = []
}

extension LoweredGraph {
  package enum Kind: Hashable, Sendable {
    /// Of the image, the kernel (filters, channels / groups, kernel height, kernel width) and, where there is one,
    /// the bias (filters). The edges are zeros.
    case convolution(strides: Extent2D, dilation: Extent2D, edges: Edges, groups: Int)
    /// Of the image, the kernel (channels, filters, kernel height, kernel width) and, where there is one, the bias
    /// (filters). The edges are cut off.
    case transposedConvolution(strides: Extent2D, dilation: Extent2D, edges: Edges)
    /// The matrix product over the last axis of the first operand and the last but one of the second.
    case product
    /// The same of vectors (N, inputs), the kernel (inputs, units) and a bias (units).
    case productWithBias
    /// Of the values, gamma, beta, mean and variance, over axis 1.
    case batchNormalization(epsilon: Double)
    /// Of the values, gamma and, where there is one, beta, over the last `axes` axes.
    case layerNormalization(axes: Int, epsilon: Double)
    case unary(Unary)
    /// Of two operands, repeated to one shape as NumPy does it.
    case binary(Binary)
    /// Each value cut off at both ends.
    case clip(lower: Double, upper: Double)
    case softmax(axis: Int)
    /// The edges count for nothing, neither as values nor in the number of them.
    case pooling(Reduction, window: Extent2D, strides: Extent2D, edges: Edges)
    case reduce(Reduction, axes: [Int], keepsAxes: Bool)
    /// Zeros before and after, for each axis.
    case pad(before: [Int], after: [Int])
    /// The part of each of the `axes` that begins at `starts` and ends before `ends`.
    case slice(axes: [Int], starts: [Int], ends: [Int])
    /// Row i of the output is row floor(i / factor) of the input, for whole factors.
    case repeatPixels(Extent2D)
    /// Between four pixels whose centres are at halves; the sizes' ratios are powers of two.
    case bilinear(from: Extent2D, to: Extent2D)
    /// The parts of `axis` with these indices.
    case gather(axis: Int, indices: [Int])
    case concatenate(axis: Int)
    /// Into this shape, without the batch.
    case reshape([Int])
    /// Axis i of the output is axis `order[i]` of the input.
    case transpose([Int])
  }

  package enum Unary: Hashable, Sendable {
    case identity, relu, selu, erf, sigmoid, tanh, softplus, softsign, exponential, squareRoot, logarithm,
      reciprocal
    /// x times the hard sigmoid of the slope 1/6.
    case hardSwish
    /// Only where the target has it.
    case gelu(approximate: Bool)
    /// Only where the target has it.
    case silu
    case leakyRelu(slope: Double)
    /// x above the threshold, otherwise 0.
    case thresholded(Double)
    case elu(alpha: Double)
    /// slope * x + 1/2, cut off at 0 and 1.
    case hardSigmoid(slope: Double)
  }

  package enum Binary: Hashable, Sendable {
    case add, subtract, multiply, divide, maximum, minimum
    /// The first operand where it is positive, otherwise its product with the second.
    case prelu
  }

  package enum Reduction: Hashable, Sendable {
    case mean, maximum
  }
}
