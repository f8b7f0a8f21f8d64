import ZooSystem
import ZooTensor

/// A head with one hidden layer: scores = W₂ᵀ·relu(W₁ᵀx + b₁) + b₂.
package struct MultilayerHead: Sendable, Equatable {
  /// From features to the hidden layer.
  package let hidden: LinearHead
  /// From the hidden layer to the scores.
  package let output: LinearHead

  /// - Precondition: the output takes what the hidden layer gives.
  package init(hidden: LinearHead, output: LinearHead) {
    precondition(hidden.outputs == output.columns, "the layers don't fit")
    self.hidden = hidden
    self.output = output
  }

  /// The scores (rows, outputs) of a table of features.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` if the table has another number of columns.
  package func scores(_ x: FeatureMatrix, threads: Int = 1) throws(ZooError) -> [Double] {
    let workers = try Workers(threads: threads)
    let inside = try hidden.scores(x, rows: nil, on: workers).map { max($0, 0) }
    var scores = [Double](repeating: 0, count: x.rows * output.outputs)
    Table(inside, rows: x.rows, columns: hidden.outputs).product(
      output.transposedWeights, outputs: output.outputs, into: &scores, on: workers)
    for place in scores.indices { scores[place] += output.bias[place % output.outputs] }
    return scores
  }

  /// The head for raw features that gives the scores that this one gives for standardised ones.
  package func folding(_ standardization: Standardization) -> MultilayerHead {
    MultilayerHead(hidden: hidden.folding(standardization), output: output)
  }
}

/// How a ``MultilayerHead`` is trained.
package struct MultilayerOptions: Sendable {
  /// How the rate changes over all steps.
  package enum ScheduleKind: Sendable {
    case constant
    /// From the rate to 0 along half a cosine.
    case cosine
    /// From 1/25 of the rate up to it over the first 30 % of the steps, then down to 1/100000 of it, both
    /// along half a cosine.
    case oneCycle
  }

  /// Units of the hidden layer.
  package var units = 128
  /// The share of hidden values that is dropped in training.
  package var dropout = 0.2
  /// The share of each target that is spread evenly over all classes.
  package var smoothing = 0.1
  /// The highest rate.
  package var rate = 1e-3
  package var schedule = ScheduleKind.oneCycle
  /// How much of a weight, times the rate, each step takes away; biases are left alone.
  package var weightDecay = 1e-2
  package var epochs = 40
  package var batch = 32
  /// Ends after so many epochs without a better validation loss; nil: never.
  package var patience: Int? = 8
  package var seed: UInt64 = 0
  package var threads = 1

  package init() {}

  /// The rates of a training of so many steps; momentum stays.
  package func rates(steps: Int) -> Schedule {
    switch schedule {
    case .constant: return .constant(rate)
    case .cosine: return .cosine(initial: rate, steps: steps)
    case .oneCycle:
      var cycle = Schedule.OneCycle(peak: rate, steps: steps)
      cycle.rise = 0.3
      cycle.highMomentum = nil
      return .oneCycle(cycle)
    }
  }
}

/// A trained ``MultilayerHead`` and how it came about.
package struct MultilayerFit: Sendable {
  /// One pass over the examples.
  package struct Epoch: Sendable, Equatable, Codable {
    /// The mean loss of its batches, with dropout and smoothing, while the weights changed.
    package let trainingLoss: Double
    /// The log loss of the validation examples after it, and the share that is right; nil without such
    /// examples.
    package let validationLoss: Double?
    package let validationAccuracy: Double?
  }

  /// The head after the best epoch, for raw features.
  package let head: MultilayerHead
  /// The epoch, from 0, with the least validation loss; the last one without validation examples.
  package let bestEpoch: Int
  package let history: [Epoch]
}

extension MultilayerHead {
  /// Trains by AdamW on batches, and returns the head of the best epoch, however training ends.
  ///
  /// - Parameters:
  ///   - x: the features (N, columns), raw; they are standardised by their own mean and deviation.
  ///   - labels: the class of each example, from 0.
  ///   - validation: examples that decide which epoch is the best.
  ///   - progress: called after each epoch.
  /// - Throws: ``ZooError`` if the numbers don't fit together or a feature is not finite; of `cancelled`.
  package static func train(
    _ x: FeatureMatrix, labels: [Int], classes: Int, exampleWeights: [Double]? = nil,
    validation: (x: FeatureMatrix, labels: [Int])? = nil, _ options: MultilayerOptions = MultilayerOptions(),
    progress: (MultilayerFit.Epoch) -> Void = { _ in }
  ) throws(ZooError) -> MultilayerFit {
    _ = try HeadProblem(
      x, .classes(labels, count: classes, smoothing: options.smoothing), exampleWeights: exampleWeights)
    guard options.units > 0, options.epochs > 0, options.batch > 0, (0..<1).contains(options.dropout) else {
      throw .learning(.invalidArgument, "units, epochs and batch must be above 0, dropout in 0..<1")
    }
    if let validation { try validation.x.checkFinite() }
    let standardization = try Standardization(x)
    let initial = MultilayerHead(
      hidden: LinearHead(glorot: x.columns, outputs: options.units, seed: options.seed, purpose: 1),
      output: LinearHead(glorot: options.units, outputs: classes, seed: options.seed, purpose: 2))
    var training = try MultilayerTraining(initial, options)
    let batches = (x.rows + options.batch - 1) / options.batch
    let rates = options.rates(steps: options.epochs * batches)
    var best: (head: MultilayerHead, loss: Double, epoch: Int)?
    var history: [MultilayerFit.Epoch] = []
    for epoch in 0..<options.epochs {
      let order = shuffled(x.rows, seed: options.seed, epoch: epoch)
      var loss = 0.0
      for batch in 0..<batches {
        try Cancellation.check()
        let rows = order[batch * options.batch..<min((batch + 1) * options.batch, x.rows)]
        let z = GramMatrix.standardised(x, rows, standardization)
        let mean = try training.step(
          z, labels: rows.map { labels[$0] },
          weights: exampleWeights.map { weights in rows.map { weights[$0] } },
          rate: rates.rate(at: epoch * batches + batch),
          // A hidden value's number among all of training.
          drop: rows.map { epoch * x.rows + $0 })
        loss += mean * Double(rows.count)
      }
      let head = training.head.folding(standardization)
      var entry = MultilayerFit.Epoch(
        trainingLoss: loss / Double(x.rows), validationLoss: nil, validationAccuracy: nil)
      if let validation {
        let metrics = try ClassificationMetrics(
          scores: head.scores(validation.x, threads: options.threads), labels: validation.labels,
          classes: classes)
        entry = MultilayerFit.Epoch(
          trainingLoss: entry.trainingLoss, validationLoss: metrics.logLoss,
          validationAccuracy: metrics.accuracy.value)
      }
      history.append(entry)
      progress(entry)
      guard let own = entry.validationLoss else {
        best = (head, 0, epoch)
        continue
      }
      if best.map({ own < $0.loss }) ?? true { best = (head, own, epoch) }
      if let patience = options.patience, let best, epoch - best.epoch >= patience { break }
    }
    guard let best else { throw .learning(.doesNotFit, "no epoch has a validation loss that is a number") }
    return MultilayerFit(head: best.head, bestEpoch: best.epoch, history: history)
  }

  /// 0 ..< count in a random order.
  private static func shuffled(_ count: Int, seed: UInt64, epoch: Int) -> [Int] {
    let random = CounterRandom(seed: splitMix64(seed &+ 3) &+ UInt64(epoch))
    var order = Array(0..<count)
    for place in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(place, Int(random.unit(place) * Double(place + 1)))
    }
    return order
  }
}

extension LinearHead {
  /// Glorot's uniform initial weights, in ±√(6/(columns + outputs)), and biases of 0.
  fileprivate init(glorot columns: Int, outputs: Int, seed: UInt64, purpose: UInt64) {
    let random = CounterRandom(seed: splitMix64(seed &+ purpose))
    let limit = (6 / Double(columns + outputs)).squareRoot()
    self.init(
      columns: columns, outputs: outputs, weights: (0..<columns * outputs).map { random.signed($0) * limit },
      bias: [Double](repeating: 0, count: outputs))
  }
}
