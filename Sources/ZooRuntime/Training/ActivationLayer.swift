import CZooKernels
import ZooGraph

/// A function of each value that is no rectifier, or the softmax of each pixel's values.
struct ActivationLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let activation: Activation

  var keepsInputs: Bool { activation != .softmax }
  var keepsOutput: Bool { activation == .softmax }

  var replacesGradient: Bool { true }

  private var channels: Int { links.output.channels }

  func forward(_ run: TrainingRun) {
    var arguments = zoo_activation()
    arguments.set(activation)
    arguments.input = UnsafePointer(run.values(links.inputs[0]))
    arguments.output = run.values(links.output)
    (arguments.in_pixel, arguments.out_pixel) = (channels, channels)
    arguments.channels = Int32(channels)
    run.call(
      activation == .softmax ? .softmax : .activation, arguments, units: run.count * links.output.pixels)
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    let slopes = UnsafePointer(run.values[gradient])
    let pixels = run.count * links.output.pixels
    let isDirect = !target.accumulates && target.rectified == nil
    let result = isDirect ? run.values[target.buffer] : run.scratch
    if activation == .softmax {
      var arguments = zoo_class_gradient()
      (arguments.output, arguments.gradient) = (UnsafePointer(run.values(links.output)), slopes)
      arguments.result = result
      (arguments.output_row, arguments.gradient_row, arguments.result_row) = (channels, channels, channels)
      arguments.classes = Int32(channels)
      arguments.factor = 1
      run.call(.softmax_gradient, arguments, units: pixels)
    } else {
      var function = zoo_activation()
      function.set(activation)
      var arguments = zoo_activation_gradient()
      (arguments.gradient, arguments.values) = (slopes, UnsafePointer(run.values(links.inputs[0])))
      arguments.output = result
      (arguments.gradient_pixel, arguments.values_pixel, arguments.out_pixel) = (channels, channels, channels)
      arguments.channels = Int32(channels)
      arguments.function = function.function
      arguments.factor = 1
      arguments.negative_slope = function.negative_slope
      arguments.threshold = function.threshold
      arguments.max_value = function.max_value
      (arguments.alpha, arguments.scale, arguments.slope) = (function.alpha, function.scale, function.slope)
      run.call(.activation_gradient, arguments, units: pixels)
    }
    guard !isDirect else { return }
    run.contribute(
      run.scratch, pixel: channels, example: links.output.floats, to: target, links.inputs[0])
  }
}
