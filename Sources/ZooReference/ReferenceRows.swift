import ZooGraph
import ZooTensor

/// A step and all values of its inputs: computes the step's output, one row at a time.
///
/// A row of an image (H, W, C) is W pixels of C channels; any other value is a single row. Each sum is
/// taken in the order of the kernel's elements (height, width, channels), whatever the loops around it.
///
/// It defines the frequent steps a second time, beside ``ProbedStep``; see ``ReferenceStep/Kind``.
struct ReferenceRows: @unchecked Sendable {
  private let step: ReferenceStep
  /// Only read, so that threads can share them.
  private var inputs: [UnsafeBufferPointer<Double>]
  /// The kernel of a convolution; it may be too large for a decoded copy.
  private let kernel: ReferenceWeight?
  /// The weights of all other steps, of a normalization its mean, factor and beta.
  private let constants: [[Double]]

  /// - Precondition: `inputs` and `weights` are those of `step`.
  init(_ step: ReferenceStep, inputs: [UnsafeBufferPointer<Double>], weights: [ReferenceWeight]) {
    self.step = step
    self.inputs = inputs
    switch step.kind {
    case .convolution:
      kernel = weights.first
      constants = []
    case .normalization(let b, _):
      kernel = nil
      let values = weights.map(\.values)
      let variance = values[values.count - 1]
      let mean = values[values.count - 2]
      let gamma = b.scale ? values[0] : variance.map { _ in 1 }
      let beta = b.center ? values[b.scale ? 1 : 0] : variance.map { _ in 0 }
      let factor = zip(gamma, variance).map { $0 / ($1 + b.epsilon).squareRoot() }
      constants = [mean, factor, beta]
    default:
      kernel = nil
      constants = weights.map(\.values)
    }
  }

  /// The same step with other inputs: those of another example.
  func reading(_ inputs: [UnsafeBufferPointer<Double>]) -> ReferenceRows {
    var result = self
    result.inputs = inputs
    return result
  }

  /// How many rows the output has.
  var count: Int { step.shape.rank == 3 ? step.shape[0] : 1 }

  /// How many values a row has.
  var length: Int { step.shape.elementCount / max(1, count) }

  /// Adds the row `row` of the output to `output`, which holds ``length`` zeros.
  func add(_ row: Int, to output: UnsafeMutableBufferPointer<Double>) {
    switch step.kind {
    case .input, .copy: _ = output.update(fromContentsOf: self.row(row, of: 0))
    case .convolution(let window, let groups, let filters):
      addConvolution(row, window, groups: groups, filters: filters, to: output)
    case .depthwiseConvolution(let window, let multiplier):
      addDepthwiseConvolution(row, window, multiplier: multiplier, to: output)
    case .bias: addBias(row, to: output)
    case .normalization: normalize(row, to: output)
    case .activation(.softmax, _): softmax(row, to: output)
    case .activation(let activation, _): activate(row, activation, to: output)
    case .maximum(let window): maximum(row, window, to: output)
    case .mean(let window): mean(row, window, to: output)
    case .shift(let down, let right, let height, let width, let channels):
      shift(row, down: down, right: right, height: height, width: width, channels: channels, to: output)
    case .formula(.layerNormalization(let n, let length)) where self.length % length == 0:
      normalizeVectors(row, n, length: length, to: output)
    case .formula(let formula): evaluate(row, formula, to: output)
    case .concatenation: concatenate(row, to: output)
    }
  }

  // MARK: One row of each kind of step

  /// Here the pixels are the innermost loop but one, so that each weight is converted once per row.
  private func addConvolution(
    _ row: Int, _ window: ReferenceWindow, groups: Int, filters: Int,
    to output: UnsafeMutableBufferPointer<Double>
  ) {
    guard let kernel else { return }
    let input = inputs[0]
    let columns = output.count / filters
    let groupChannels = window.channels / groups
    let groupFilters = filters / groups
    withUnsafeTemporaryAllocation(of: Double.self, capacity: groupFilters) { weights in
      for ky in 0..<window.size.height {
        guard let y = window.inputRow(row, tap: ky) else { continue }
        for kx in 0..<window.size.width {
          for channel in 0..<window.channels {
            let (group, c) = channel.quotientAndRemainder(dividingBy: groupChannels)
            let firstFilter = group * groupFilters
            let tap = (ky * window.size.width + kx) * groupChannels + c
            kernel.copy(from: tap * filters + firstFilter, to: weights)
            for column in 0..<columns {
              guard let x = window.inputColumn(column, tap: kx) else { continue }
              let value = input[window.index(y, x, channel)]
              let start = column * filters + firstFilter
              let sums = UnsafeMutableBufferPointer(rebasing: output[start..<start + groupFilters])
              for filter in 0..<groupFilters { sums[filter] += value * weights[filter] }
            }
          }
        }
      }
    }
  }

  private func addDepthwiseConvolution(
    _ row: Int, _ window: ReferenceWindow, multiplier: Int, to output: UnsafeMutableBufferPointer<Double>
  ) {
    let kernel = constants[0]
    forEachPixel(of: output) { column, sums in
      forEachTap(of: window, row, column) { tap, pixel in
        for c in 0..<pixel.count {
          for output in c * multiplier..<(c + 1) * multiplier {
            sums[output] += pixel[c] * kernel[tap * sums.count + output]
          }
        }
      }
    }
  }

  private func addBias(_ row: Int, to output: UnsafeMutableBufferPointer<Double>) {
    let source = self.row(row, of: 0)
    let bias = constants[0]
    forEachPixel(of: output) { column, pixel in
      for c in 0..<pixel.count { pixel[c] = source[column * pixel.count + c] + bias[c] }
    }
  }

  private func normalize(_ row: Int, to output: UnsafeMutableBufferPointer<Double>) {
    let source = self.row(row, of: 0)
    let (mean, factor, beta) = (constants[0], constants[1], constants[2])
    forEachPixel(of: output) { column, pixel in
      for c in 0..<pixel.count {
        pixel[c] = (source[column * pixel.count + c] - mean[c]) * factor[c] + beta[c]
      }
    }
  }

  private func softmax(_ row: Int, to output: UnsafeMutableBufferPointer<Double>) {
    let source = self.row(row, of: 0)
    forEachPixel(of: output) { column, pixel in
      let vector = source[column * pixel.count..<(column + 1) * pixel.count]
      let largest = vector.max() ?? 0
      for (c, x) in vector.enumerated() { pixel[c] = naturalExponential(x - largest) }
      let total = pixel.reduce(0, +)
      for c in 0..<pixel.count { pixel[c] /= total }
    }
  }

  private func activate(
    _ row: Int, _ activation: Activation, to output: UnsafeMutableBufferPointer<Double>
  ) {
    let source = self.row(row, of: 0)
    for index in 0..<output.count { output[index] = activation.scalar(source[index]) }
  }

  private func maximum(_ row: Int, _ window: ReferenceWindow, to output: UnsafeMutableBufferPointer<Double>) {
    forEachPixel(of: output) { column, largest in
      var isFirst = true
      forEachTap(of: window, row, column) { _, pixel in
        for c in 0..<pixel.count { largest[c] = isFirst ? pixel[c] : max(largest[c], pixel[c]) }
        isFirst = false
      }
    }
  }

  private func mean(_ row: Int, _ window: ReferenceWindow, to output: UnsafeMutableBufferPointer<Double>) {
    forEachPixel(of: output) { column, sums in
      var count = 0.0
      forEachTap(of: window, row, column) { _, pixel in
        for c in 0..<pixel.count { sums[c] += pixel[c] }
        count += 1
      }
      for c in 0..<sums.count { sums[c] *= 1 / count }
    }
  }

  private func shift(
    _ row: Int, down: Int, right: Int, height: Int, width: Int, channels: Int,
    to output: UnsafeMutableBufferPointer<Double>
  ) {
    let y = row - down
    guard y >= 0, y < height else { return }
    forEachPixel(of: output) { column, pixel in
      let x = column - right
      guard x >= 0, x < width else { return }
      let start = (y * width + x) * channels
      _ = pixel.update(fromContentsOf: inputs[0][start..<start + channels])
    }
  }

  private func evaluate(
    _ row: Int, _ formula: ReferenceFormula, to output: UnsafeMutableBufferPointer<Double>
  ) {
    for index in 0..<output.count {
      output[index] = formula.value(
        at: row * length + index, input: { inputs[$0][$1] }, weight: { constants[$0][$1] })
    }
  }

  /// What ``ReferenceFormula/layerNormalization(_:length:)`` says, for the vectors of a row: there, each value would
  /// need the mean of its vector anew.
  private func normalizeVectors(
    _ row: Int, _ n: LayerNormalization, length: Int, to output: UnsafeMutableBufferPointer<Double>
  ) {
    let source = self.row(row, of: 0)
    for first in stride(from: 0, to: source.count, by: length) {
      let vector = source[first..<first + length]
      let (mean, deviation) = Double.moments(of: vector, epsilon: n.epsilon)
      for place in 0..<length {
        let gamma = n.scale ? constants[0][place] : 1
        let beta = n.center ? constants[n.scale ? 1 : 0][place] : 0
        output[first + place] = (source[first + place] - mean) / deviation * gamma + beta
      }
    }
  }

  private func concatenate(_ row: Int, to output: UnsafeMutableBufferPointer<Double>) {
    let pixels = length / max(1, step.shape.dimensions.last ?? 1)
    forEachPixel(of: output) { column, pixel in
      var first = 0
      for input in inputs.indices {
        let source = self.row(row, of: input)
        let count = source.count / pixels
        for c in 0..<count { pixel[first + c] = source[column * count + c] }
        first += count
      }
    }
  }

  // MARK: Rows, pixels and windows

  /// The output's row `row` in an input that has as many rows as the output.
  private func row(_ row: Int, of input: Int) -> UnsafeBufferPointer<Double> {
    let length = inputs[input].count / count
    return UnsafeBufferPointer(rebasing: inputs[input][row * length..<(row + 1) * length])
  }

  /// Calls `body` with each column of `row` and the channels of its pixel.
  private func forEachPixel(
    of row: UnsafeMutableBufferPointer<Double>,
    _ body: (_ column: Int, _ pixel: UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    let channels = step.shape.dimensions.last ?? 1
    for column in 0..<row.count / max(1, channels) {
      body(column, UnsafeMutableBufferPointer(rebasing: row[column * channels..<(column + 1) * channels]))
    }
  }

  /// Calls `body` with each element of the window that lies on the image, and the channels under it.
  private func forEachTap(
    of window: ReferenceWindow, _ row: Int, _ column: Int,
    _ body: (_ tap: Int, _ pixel: UnsafeBufferPointer<Double>) -> Void
  ) {
    window.forEachTap(row, column) { tap, y, x in
      let start = window.index(y, x, 0)
      body(tap, UnsafeBufferPointer(rebasing: inputs[0][start..<start + window.channels]))
    }
  }
}
