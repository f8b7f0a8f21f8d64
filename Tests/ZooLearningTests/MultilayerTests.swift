import Testing
import ZooLearning
import ZooSystem

@Suite struct MultilayerTests {
  private struct Golden: Decodable {
    struct Batch: Decodable {
      let x: [Double]
      let labels: [Int]
      let weights: [Double]
    }

    let columns, units, classes: Int
    let batches: [Batch]
    let losses: [Double]
    let start, end: [[Double]]

    func head(_ weights: [[Double]]) -> MultilayerHead {
      MultilayerHead(
        hidden: LinearHead(columns: columns, outputs: units, weights: weights[0], bias: weights[1]),
        output: LinearHead(columns: units, outputs: classes, weights: weights[2], bias: weights[3]))
    }
  }

  @Test func tenStepsAgreeWithKeras() throws {
    let golden: Golden = try Goldens.read("multilayer")
    var options = MultilayerOptions()
    options.smoothing = 0.125
    options.dropout = 0
    let optimizer = Optimizer.adamW(weightDecay: 0x1p-4, beta1: 0.875, beta2: 0.96875, epsilon: 0x1p-20)
    var training = try MultilayerTraining(golden.head(golden.start), options, optimizer: optimizer)
    for (batch, truth) in zip(golden.batches, golden.losses) {
      let loss = try training.step(
        batch.x, labels: batch.labels, weights: batch.weights, rate: 0x1p-7, drop: nil)
      #expect(abs(loss - truth) < 1e-6)
    }
    let head = training.head
    for (own, truth) in zip(
      [head.hidden.weights, head.hidden.bias, head.output.weights, head.output.bias], golden.end)
    {
      #expect(distance(own, truth) < 1e-12)
    }
  }

  @Test(arguments: [0, 0.5]) func gradientsAreDifferences(dropout: Double) throws {
    let (x, labels) = clusters(rows: 7, columns: 5, classes: 3)
    let z = try Standardization(x).applied(to: x).values.map(Double.init)
    var options = MultilayerOptions()
    options.dropout = dropout
    let (units, weights) = (6, (0..<7).map { 0.5 + Double($0) })
    let start = try MultilayerHead.train(
      x, labels: labels, classes: 3,
      { () -> MultilayerOptions in
        var short = MultilayerOptions()
        (short.units, short.epochs) = (units, 1)
        return short
      }()
    ).head
    let counts = (5 * units, units, units * 3)
    /// The head whose parameters (W₁, b₁, W₂, b₂, weights by inputs) are moved at one place.
    func moved(_ place: Int, _ amount: Double) -> MultilayerHead {
      var all = start.hidden.weights + start.hidden.bias + start.output.weights + start.output.bias
      all[place] += amount
      let (a, b) = (counts.0, counts.0 + counts.1)
      return MultilayerHead(
        hidden: LinearHead(columns: 5, outputs: units, weights: Array(all[..<a]), bias: Array(all[a..<b])),
        output: LinearHead(
          columns: units, outputs: 3, weights: Array(all[b..<b + counts.2]),
          bias: Array(all[(b + counts.2)...])))
    }
    func loss(_ head: MultilayerHead) throws -> (loss: Double, gradient: [Double]) {
      var training = try MultilayerTraining(head, options)
      let loss = try training.differentiate(z, labels: labels, weights: weights, drop: Array(0..<7))
      return (loss, training.gradient)
    }
    let gradient = try loss(start).gradient
    #expect(gradient.contains { abs($0) > 0.01 })
    for place in 0..<counts.0 + counts.1 + counts.2 + 3 {
      let h = 1e-6
      let difference = try (loss(moved(place, h)).loss - loss(moved(place, -h)).loss) / (2 * h)
      // The gradient has the weights by outputs.
      let index: Int
      if place < counts.0 {
        index = place % units * 5 + place / units
      } else if place >= counts.0 + counts.1 && place < counts.0 + counts.1 + counts.2 {
        let own = place - counts.0 - counts.1
        index = counts.0 + counts.1 + own % 3 * units + own / 3
      } else {
        index = place
      }
      #expect(abs(gradient[index] - difference) < 1e-7)
    }
  }

  private func options(_ change: (inout MultilayerOptions) -> Void = { _ in }) -> MultilayerOptions {
    var options = MultilayerOptions()
    (options.units, options.epochs, options.batch, options.rate) = (24, 15, 16, 0.01)
    change(&options)
    return options
  }

  @Test func learnsWhatNoLinearHeadCan() throws {
    // Two classes in the corners of a square: exclusive or.
    let (noise, _) = clusters(rows: 400, columns: 2, classes: 1, seed: 9)
    let values = noise.values.enumerated().map { place, value in value + (place % 2 == 0 ? 0 : -1) }
    let x = FeatureMatrix(rows: 400, columns: 2, values: values)
    let center = try Standardization(x).mean.map(Float.init)
    let labels = (0..<400).map {
      (x.values[$0 * 2] > center[0]) == (x.values[$0 * 2 + 1] > center[1]) ? 1 : 0
    }
    let linear = try LogisticRegression.fit(x, labels: labels, classes: 2, penalty: 1e-3)
    let straight = try ClassificationMetrics(
      scores: linear.head.folding(Standardization(x)).scores(x), labels: labels, classes: 2)
    #expect(straight.accuracy.value < 0.7)
    let fit = try MultilayerHead.train(
      x, labels: labels, classes: 2, options { $0.dropout = 0 })
    let bent = try ClassificationMetrics(scores: fit.head.scores(x), labels: labels, classes: 2)
    #expect(bent.accuracy.value > 0.9)
    #expect(fit.bestEpoch == 14)
  }

  @Test func theBestEpochIsRestored() throws {
    let (x, labels) = clusters(rows: 80, columns: 30, classes: 4, distance: 0.3)
    let (training, held) = (Array(0..<60), Array(60..<80))
    let validation = (x: x.selecting(rows: held), labels: held.map { labels[$0] })
    func train(_ options: MultilayerOptions) throws -> MultilayerFit {
      try MultilayerHead.train(
        x.selecting(rows: training), labels: training.map { labels[$0] }, classes: 4, validation: validation,
        options)
    }
    for patience in [nil, 3] {
      let fit = try train(options { ($0.patience, $0.rate, $0.schedule) = (patience, 0.05, .constant) })
      let losses = fit.history.compactMap(\.validationLoss)
      #expect(losses.count == fit.history.count)
      #expect(losses[fit.bestEpoch] == losses.min())
      let metrics = try ClassificationMetrics(
        scores: fit.head.scores(validation.x), labels: validation.labels, classes: 4)
      #expect(metrics.logLoss == losses.min())
      #expect(fit.history.count == (patience.map { min(15, fit.bestEpoch + $0 + 1) } ?? 15))
      // It overfits: the last epoch is not the best.
      #expect(fit.bestEpoch < 14)
    }
  }

  @Test func threadsAndRunsGiveTheSameBits() throws {
    let (x, labels) = clusters(rows: 70, columns: 40, classes: 3)
    func head(_ change: (inout MultilayerOptions) -> Void = { _ in }) throws -> MultilayerHead {
      try MultilayerHead.train(x, labels: labels, classes: 3, options(change)).head
    }
    let one = try head()
    #expect(try head { $0.threads = 3 } == one)
    #expect(try head { $0.seed = 1 } != one)
    #expect(try head { $0.dropout = 0.5 } != one)
  }

  @Test func ratesFollowTheirSchedule() {
    let cosine = options { ($0.rate, $0.schedule) = (2, .cosine) }.rates(steps: 10)
    #expect(cosine.rate(at: 0) == 2)
    #expect(abs(cosine.rate(at: 5) - 1) < 1e-15)
    let cycle = options { ($0.rate, $0.schedule) = (1, .oneCycle) }.rates(steps: 100)
    #expect(abs(cycle.rate(at: 0) - 0.04) < 1e-15)
    #expect(abs(cycle.rate(at: 15) - 0.52) < 1e-12)
    #expect(abs(cycle.rate(at: 30) - 1) < 1e-15)
    #expect(abs(cycle.rate(at: 100) - 1e-5) < 1e-15)
    #expect(cycle.momentum(at: 0) == nil)
  }
}
