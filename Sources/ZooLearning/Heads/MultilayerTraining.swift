import ZooSystem
import ZooTensor

/// Steps of AdamW on a ``MultilayerHead``, in double precision.
package struct MultilayerTraining {
  /// β₁, β₂ and ε of AdamW.
  package struct Adam: Sendable {
    package var first = 0.9
    package var second = 0.999
    package var epsilon = 1e-7

    package init() {}
  }

  /// A parameter and the running means of its gradient and of that squared.
  private struct Parameter {
    var values: [Double]
    var gradient: [Double]
    var first: [Double]
    var second: [Double]
    let decays: Bool

    init(_ values: [Double], decays: Bool) {
      self.values = values
      self.decays = decays
      gradient = values.map { _ in 0 }
      first = gradient
      second = gradient
    }
  }

  private let options: MultilayerOptions
  private let adam: Adam
  private let workers: Workers
  private let random: CounterRandom
  private let columns, units, outputs: Int
  /// W₁ (units, columns), b₁, W₂ (outputs, units), b₂.
  private var parameters: [Parameter]
  private var steps = 0

  package init(_ head: MultilayerHead, _ options: MultilayerOptions, adam: Adam = Adam()) throws(ZooError) {
    self.options = options
    self.adam = adam
    workers = try Workers(threads: options.threads)
    random = CounterRandom(seed: splitMix64(options.seed &+ 4))
    (columns, units, outputs) = (head.hidden.columns, head.hidden.outputs, head.output.outputs)
    parameters = [
      Parameter(head.hidden.transposedWeights, decays: true), Parameter(head.hidden.bias, decays: false),
      Parameter(head.output.transposedWeights, decays: true), Parameter(head.output.bias, decays: false),
    ]
  }

  /// The head with the present weights.
  package var head: MultilayerHead {
    MultilayerHead(
      hidden: LinearHead(
        columns: columns, outputs: units,
        weights: transposed(parameters[0].values, rows: units, columns: columns), bias: parameters[1].values),
      output: LinearHead(
        columns: units, outputs: outputs,
        weights: transposed(parameters[2].values, rows: outputs, columns: units), bias: parameters[3].values))
  }

  /// The gradient of the last loss, in the order W₁ (units, columns), b₁, W₂ (outputs, units), b₂.
  package var gradient: [Double] { parameters.flatMap(\.gradient) }

  /// One step on a batch.
  ///
  /// - Parameters:
  ///   - z: the features (batch, columns).
  ///   - weights: of the examples; the loss is Σ w·l / batch.
  ///   - drop: a number for each example that its dropped values follow from; nil: nothing is dropped.
  /// - Returns: the mean loss before the step.
  package mutating func step(
    _ z: [Double], labels: [Int], weights: [Double]?, rate: Double, drop: [Int]?
  ) -> Double {
    let loss = differentiate(z, labels: labels, weights: weights, drop: drop)
    steps += 1
    let scale =
      rate * (1 - power(adam.second, steps)).squareRoot() / (1 - power(adam.first, steps))
    for index in parameters.indices { update(&parameters[index], rate: rate, scale: scale) }
    return loss
  }

  /// Keras' AdamW: decay first, then the step; ε is outside of the correction of the running means.
  private func update(_ p: inout Parameter, rate: Double, scale: Double) {
    for place in p.values.indices {
      let g = p.gradient[place]
      if p.decays { p.values[place] -= rate * options.weightDecay * p.values[place] }
      p.first[place] += (g - p.first[place]) * (1 - adam.first)
      p.second[place] += (g * g - p.second[place]) * (1 - adam.second)
      p.values[place] -= scale * p.first[place] / (p.second[place].squareRoot() + adam.epsilon)
    }
  }

  /// The mean loss of a batch; leaves the gradient in the parameters.
  package mutating func differentiate(
    _ z: [Double], labels: [Int], weights: [Double]?, drop: [Int]?
  ) -> Double {
    let rows = labels.count
    let batch = Table(z, rows: rows, columns: columns)
    var inside = [Double](repeating: 0, count: rows * units)
    batch.product(parameters[0].values, outputs: units, into: &inside, on: workers)
    // What a hidden value is multiplied by: 0 where the rectifier or dropout stops it.
    var factors = inside
    let kept = 1 / (1 - options.dropout)
    for place in inside.indices {
      let value = inside[place] + parameters[1].values[place % units]
      var factor = value > 0 ? 1.0 : 0
      if let drop, options.dropout > 0 {
        let isDropped = random.unit(drop[place / units] * units + place % units) < options.dropout
        factor *= isDropped ? 0 : kept
      }
      factors[place] = factor
      inside[place] = value > 0 ? value * factor : 0
    }
    let hidden = Table(inside, rows: rows, columns: units)
    var scores = [Double](repeating: 0, count: rows * outputs)
    hidden.product(parameters[2].values, outputs: outputs, into: &scores, on: workers)
    for place in scores.indices { scores[place] += parameters[3].values[place % outputs] }
    let loss = HeadLoss.classes(labels, smoothing: options.smoothing)
    var total = 0.0
    let shares = (weights ?? [Double](repeating: 1, count: rows)).map { $0 / Double(rows) }
    let still = [Double](repeating: 0, count: scores.count)
    scores.withUnsafeMutableBufferPointer { scores in
      still.withUnsafeBufferPointer { still in
        shares.withUnsafeBufferPointer { shares in
          total =
            loss.evaluate(rows: 0..<rows, scores: scores, direction: still, weights: shares, outputs: outputs)
            .loss
        }
      }
    }
    hidden.adjoint(scores, outputs: outputs, into: &parameters[2].gradient, on: workers)
    parameters[3].gradient = sums(scores, outputs)
    var back = [Double](repeating: 0, count: rows * units)
    Table(scores, rows: rows, columns: outputs).product(
      transposed(parameters[2].values, rows: outputs, columns: units), outputs: units, into: &back,
      on: workers)
    for place in back.indices { back[place] *= factors[place] }
    batch.adjoint(back, outputs: units, into: &parameters[0].gradient, on: workers)
    parameters[1].gradient = sums(back, units)
    return total
  }

  /// The sums of the columns of a table.
  private func sums(_ values: [Double], _ columns: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: columns)
    for place in values.indices { sums[place % columns] += values[place] }
    return sums
  }
}
