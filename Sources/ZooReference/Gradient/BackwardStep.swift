import ZooGraph
import ZooTensor

/// A step of a batch in the backward pass: adds what follows from the gradient of its output to the gradients of
/// its inputs and weights.
///
/// Every sum is taken in one order. Each thread has some of the examples or, where a step has weights, some of the
/// channels.
struct BackwardStep: Sendable {
  let step: ReferenceStep
  /// How many examples the batch has.
  let count: Int
  let inputs: [ReferenceBuffer]
  let output: ReferenceBuffer
  /// Of the output.
  let gradient: ReferenceBuffer
  /// Of a batch norm that normalizes by the batch, with the batch's mean and variance in place of the stored ones.
  let weights: [ReferenceWeight]
  /// Whether a batch norm's statistics are the batch's, and so depend on its input.
  let usesBatchStatistics: Bool
  let noise: NoiseMask?
  /// Added to; nil where none is wanted.
  let inputGradients: [ReferenceBuffer?]
  /// Added to; nil where none is wanted.
  let weightGradients: [ReferenceBuffer?]
  let threads: Int

  func run() {
    switch step.kind {
    case .input: break
    case .copy: copy()
    case .convolution(let window, let groups, let filters):
      convolution(window, groups: groups, filters: filters)
    case .depthwiseConvolution(let window, let multiplier):
      depthwiseConvolution(window, multiplier: multiplier)
    case .bias(let channels): affine(period: channels, factor: nil, beta: weightGradients[0])
    case .normalization(let b, let channels): batchNormalization(b, channels: channels)
    case .activation(.softmax, let channels): softmax(channels: channels)
    case .activation(let activation, _): forEachValue { $0 * activation.derivative($1) }
    case .maximum(let window): maximum(window)
    case .mean(let window): mean(window)
    case .shift(let down, let right, let height, let width, let channels):
      shift(down: down, right: right, height: height, width: width, channels: channels)
    case .formula(let formula): run(formula)
    case .concatenation: concatenation()
    }
  }

  private func run(_ formula: ReferenceFormula) {
    switch formula {
    case .transposedConvolution(let c, let image): transposedConvolution(c, image)
    case .layerNormalization(let n, let length): layerNormalization(n, length: length)
    case .normalization(let n, let period):
      let deviation = weights[1].values.map { max($0.squareRoot(), n.epsilon) }
      affine(period: period, factor: n.inverted ? deviation : deviation.map { 1 / $0 })
    case .rescaling(let r): affine(period: r.scale.count, factor: r.scale)
    case .layerScale(let channels):
      affine(period: channels, factor: weights[0].values, gamma: weightGradients[0])
    case .channelAffine(let c, let channels):
      affine(
        period: channels, factor: c.scale ? weights[0].values : nil,
        gamma: c.scale ? weightGradients[0] : nil,
        beta: c.center ? weightGradients[c.scale ? 1 : 0] : nil)
    case .prelu(let axes): prelu(axes)
    case .resize(let r, let image, let output): resize(r, image, output)
    case .merge(let merge, let places): self.merge(merge, places)
    case .permutation(let axes): permutation(axes)
    }
  }

  // MARK: Parts of the batch

  /// Calls `body` with each example, on several threads.
  func forEachExample(_ body: @Sendable (Int) -> Void) {
    split(count, threads: threads) { part in part.forEach(body) }
  }

  /// How many values an example of the input `index` has.
  func length(of index: Int) -> Int { inputs[index].count / count }

  // MARK: Value by value

  /// Adds `body(gradient, input)` of each value to the only input's gradient.
  private func forEachValue(_ body: @escaping @Sendable (Double, Double) -> Double) {
    guard let target = inputGradients[0] else { return }
    split(gradient.count, threads: threads) { part in
      for index in part {
        target.values[index] += body(gradient.values[index], inputs[0].values[index])
      }
    }
  }

  private func copy() {
    guard let target = inputGradients[0] else { return }
    let length = length(of: 0)
    forEachExample { example in
      for index in 0..<length {
        let place = example * length + index
        let factor = noise?.affine(example: example, index: index).factor ?? 1
        target.values[place] += gradient.values[place] * factor
      }
    }
  }

  private func softmax(channels: Int) {
    guard let target = inputGradients[0] else { return }
    split(gradient.count / channels, threads: threads) { part in
      for vector in part {
        let places = vector * channels..<(vector + 1) * channels
        let mean = places.reduce(0) { $0 + gradient.values[$1] * output.values[$1] }
        for place in places {
          target.values[place] += output.values[place] * (gradient.values[place] - mean)
        }
      }
    }
  }

  /// Alpha is shared in many ways, so one thread adds up its gradient.
  private func prelu(_ axes: ReferenceAxes) {
    let alpha = weights[0].values
    let length = length(of: 0)
    let x = inputs[0].values
    if let sums = weightGradients[0] {
      for example in 0..<count {
        for index in 0..<length where !(x[example * length + index] > 0) {
          let place = example * length + index
          sums.values[axes.source(of: index)] += gradient.values[place] * x[place]
        }
      }
    }
    guard let target = inputGradients[0] else { return }
    forEachExample { example in
      for index in 0..<length {
        let place = example * length + index
        let slope = inputs[0].values[place] > 0 ? 1 : alpha[axes.source(of: index)]
        target.values[place] += gradient.values[place] * slope
      }
    }
  }
}
