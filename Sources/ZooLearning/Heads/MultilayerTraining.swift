import ZooSystem
import ZooTensor

/// Steps of AdamW on a ``MultilayerHead``, in double precision.
package struct MultilayerTraining {
  private let options: MultilayerOptions
  private let workers: Workers
  private let random: CounterRandom
  private let columns, units, outputs: Int
  /// W₁ (units, columns), b₁, W₂ (outputs, units), b₂.
  private var weights: [[Double]]
  /// Of the last loss, in the same order.
  private var gradients: [[Double]]
  private var state: OptimizerState<Double>

  /// - Parameter optimizer: AdamW with the options' weight decay by default.
  package init(
    _ head: MultilayerHead, _ options: MultilayerOptions, optimizer: Optimizer? = nil
  ) throws(ZooError) {
    self.options = options
    workers = try Workers(threads: options.threads)
    random = CounterRandom(seed: splitMix64(options.seed &+ 4))
    (columns, units, outputs) = (head.hidden.columns, head.hidden.outputs, head.output.outputs)
    weights = [
      head.hidden.transposedWeights, head.hidden.bias, head.output.transposedWeights, head.output.bias,
    ]
    gradients = weights.map { $0.map { _ in 0 } }
    let layout = ParameterLayout(
      zip(weights, ["W1", "b1", "W2", "b2"]).enumerated().map { index, variable in
        ParameterLayout.Variable(variable.1, count: variable.0.count, isVector: !index.isMultiple(of: 2))
      })
    state = try OptimizerState(optimizer ?? .adamW(weightDecay: options.weightDecay), layout)
  }

  /// The head with the present weights.
  package var head: MultilayerHead {
    MultilayerHead(
      hidden: LinearHead(
        columns: columns, outputs: units,
        weights: transposed(weights[0], rows: units, columns: columns), bias: weights[1]),
      output: LinearHead(
        columns: units, outputs: outputs,
        weights: transposed(weights[2], rows: outputs, columns: units), bias: weights[3]))
  }

  /// The gradient of the last loss, in the order W₁ (units, columns), b₁, W₂ (outputs, units), b₂.
  package var gradient: [Double] { gradients.flatMap(\.self) }

  /// One step on a batch.
  ///
  /// - Parameters:
  ///   - z: the features (batch, columns).
  ///   - weights: of the examples; the loss is Σ w·l / batch.
  ///   - drop: a number for each example that its dropped values follow from; nil: nothing is dropped.
  /// - Returns: the mean loss before the step.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the labels don't fit the head.
  package mutating func step(
    _ z: [Double], labels: [Int], weights examples: [Double]?, rate: Double, drop: [Int]?
  ) throws(ZooError) -> Double {
    let loss = try differentiate(z, labels: labels, weights: examples, drop: drop)
    var all = weights.flatMap(\.self)
    state.step(&all, gradient: gradient, rate: rate, on: workers)
    for index in weights.indices { weights[index] = Array(all[state.layout.range(of: index)]) }
    return loss
  }

  /// The mean loss of a batch; leaves its gradient in ``gradient``.
  package mutating func differentiate(
    _ z: [Double], labels: [Int], weights: [Double]?, drop: [Int]?
  ) throws(ZooError) -> Double {
    let rows = labels.count
    let batch = Table(z, rows: rows, columns: columns)
    var inside = [Double](repeating: 0, count: rows * units)
    batch.product(self.weights[0], outputs: units, into: &inside, on: workers)
    // What a hidden value is multiplied by: 0 where the rectifier or dropout stops it.
    var factors = inside
    let kept = 1 / (1 - options.dropout)
    for place in inside.indices {
      let value = inside[place] + self.weights[1][place % units]
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
    hidden.product(self.weights[2], outputs: outputs, into: &scores, on: workers)
    for place in scores.indices { scores[place] += self.weights[3][place % outputs] }
    let (loss, slopes) = try Loss.softmaxCrossEntropy(smoothing: options.smoothing).evaluate(
      scores, columns: outputs, .classes(labels), weights: weights)
    hidden.adjoint(slopes, outputs: outputs, into: &gradients[2], on: workers)
    gradients[3] = sums(slopes, outputs)
    var back = [Double](repeating: 0, count: rows * units)
    Table(slopes, rows: rows, columns: outputs).product(
      transposed(self.weights[2], rows: outputs, columns: units), outputs: units, into: &back,
      on: workers)
    for place in back.indices { back[place] *= factors[place] }
    batch.adjoint(back, outputs: units, into: &gradients[0], on: workers)
    gradients[1] = sums(back, units)
    return loss
  }

  /// The sums of the columns of a table.
  private func sums(_ values: [Double], _ columns: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: columns)
    for place in values.indices { sums[place % columns] += values[place] }
    return sums
  }
}
