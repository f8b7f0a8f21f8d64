import CZooKernels

/// A norm of each vector by its own mean and variance.
struct LayerNormLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  /// Of a vector, which may be several pixels.
  let length: Int
  let gamma: WeightPlace?
  let beta: WeightPlace?
  let epsilon: Double
  /// The place in the packed weights of the scale and the shift of each value of a vector.
  let coefficients: Int
  /// The place of the sums of the gradients of beta and gamma.
  let sums: Int

  var learns: Bool { gamma?.learns == true || beta?.learns == true }
  var keepsInputs: Bool { true }

  /// Floats of scratch memory for `part` examples.
  static func scratch(_ place: TrainingPlace, part: Int) -> Int { 2 * part * place.floats + 32 }

  private func vectors(_ run: TrainingRun) -> Int { run.count * links.output.floats / length }

  func prepare(_ run: TrainingRun) {
    let scale = run.packed + coefficients
    for index in 0..<length {
      scale[index] = gamma.map { run.weights[$0.offset + index] } ?? 1
      scale[length + index] = beta.map { run.weights[$0.offset + index] } ?? 0
    }
  }

  func forward(_ run: TrainingRun) {
    var arguments = zoo_layer_norm()
    arguments.input = UnsafePointer(run.values(links.inputs[0]))
    arguments.output = run.values(links.output)
    arguments.scale = UnsafePointer(run.packed + coefficients)
    arguments.shift = UnsafePointer(run.packed + coefficients + length)
    (arguments.in_pixel, arguments.out_pixel) = (length, length)
    arguments.channels = Int32(length)
    arguments.epsilon = Float(epsilon)
    run.call(.layer_norm, arguments, units: vectors(run))
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    let x = UnsafePointer(run.values(links.inputs[0]))
    let scale = UnsafePointer(run.packed + coefficients)
    let normalized = run.scratch
    let products = run.scratch + run.count * links.output.floats
    let target = links.inputGradients[0]
    run.share(vectors(run)) { vector in
      let first = vector * length
      let (mean, inverse) = moments(x + first)
      var (shift, slant) = (0.0, 0.0)
      for index in 0..<length {
        let value = Float((Double(x[first + index]) - mean) * inverse)
        normalized[first + index] = value
        let slope = Double(slopes[first + index] * scale[index])
        shift += slope
        slant += slope * Double(value)
      }
      guard target != nil else { return }
      let terms = (Float(inverse), Float(shift / Double(length)), Float(slant / Double(length)))
      for index in 0..<length {
        let slope = slopes[first + index] * scale[index]
        products[first + index] = terms.0 * (slope - terms.1 - terms.2 * normalized[first + index])
      }
    }
    if learns {
      run.addSums(
        of: slopes, times: normalized, pixels: vectors(run), channels: length, to: run.sums + sums)
    }
    guard let target else { return }
    run.contribute(
      products, pixel: links.output.channels, example: links.output.floats, to: target, links.inputs[0])
  }

  /// A vector's mean, and one over its deviation.
  private func moments(_ x: UnsafePointer<Float>) -> (mean: Double, inverse: Double) {
    var (mean, variance) = (0.0, 0.0)
    for index in 0..<length { mean += Double(x[index]) }
    mean /= Double(length)
    for index in 0..<length { variance += (Double(x[index]) - mean) * (Double(x[index]) - mean) }
    return (mean, 1 / (variance / Double(length) + epsilon).squareRoot())
  }

  func finish(_ run: TrainingRun) {
    for (place, first) in [(beta, sums), (gamma, sums + length)] {
      guard let place, place.learns else { continue }
      for index in 0..<length { run.gradient(place)[index] += Float(run.sums[first + index]) }
    }
  }
}
