import CZooKernels
import ZooGraph

/// Where the values of a batch's examples lie: one example after the other, with nothing between their
/// pixels.
struct TrainingPlace {
  let buffer: Int
  let height: Int
  let width: Int
  let channels: Int

  /// Of an example.
  var pixels: Int { height * width }
  /// Of an example.
  var floats: Int { height * width * channels }
}

/// Where a layer's part in the gradient of one of its inputs goes.
struct GradientTarget {
  let buffer: Int
  /// Whether it is added to the parts of layers before it in the backward pass.
  let accumulates: Bool
  /// The input, where a rectifier made it: the gradient of what entered the rectifier is wanted.
  let rectified: Int?
  /// The rectifier's maximum.
  let limit: Float
}

/// What a layer reads and writes.
struct TrainingLinks {
  let inputs: [TrainingPlace]
  let output: TrainingPlace
  /// The buffer of the output's gradient; nil where nothing below learns.
  var outputGradient: Int?
  /// Nil where none is wanted, or where it is the output's.
  var inputGradients: [GradientTarget?]
  /// A buffer in which the layer keeps something from its step forward to its step backward.
  var notes: Int?

  init(_ inputs: [TrainingPlace], _ output: TrainingPlace) {
    self.inputs = inputs
    self.output = output
    inputGradients = inputs.map { _ in nil }
  }
}

/// A weight in a session's memory.
struct WeightPlace {
  /// In floats, from the start of all weights; where it learns, also its place among the numbers that do.
  let offset: Int
  let count: Int
  let learns: Bool
  /// From the start of all gradients, where it has one there.
  var gradient = 0
  /// What its gradient is made from where that is asked for, in place of a gradient in memory.
  var factors: GradientFactors?
}

/// The input of a dense layer and the gradient of its output, for all examples of a batch: of large weights a small
/// part of the size of their gradient, which is the sum of an outer product for each example.
struct GradientFactors {
  /// Of the weights.
  let rows: Int
  let columns: Int
  /// The place of (examples, rows) from the start of all factors.
  let inputs: Int
  /// The place of (examples, columns).
  let gradients: Int
}

extension zoo_window {
  /// A window that covers one pixel, from one image to another.
  static func pixels(from input: TrainingPlace, to output: TrainingPlace) -> zoo_window {
    var window = zoo_window()
    window.in_height = Int32(input.height)
    window.in_width = Int32(input.width)
    window.in_pixel = input.channels
    window.in_row = input.width * input.channels
    window.out_height = Int32(output.height)
    window.out_width = Int32(output.width)
    window.out_pixel = output.channels
    window.setWindow(.one, strides: .one, dilation: .one, edges: .none)
    return window
  }
}
