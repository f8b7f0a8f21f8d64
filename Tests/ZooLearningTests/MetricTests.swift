import Testing
import ZooLearning
import ZooSystem
import ZooTensor

@Suite struct MetricTests {
  @Test func classificationAgreesWithScikitLearn() throws {
    let golden = try Goldens.read().classification
    let (scores, labels, classes) = (golden.scores, golden.labels, golden.classes)
    let metrics = try ClassificationMetrics(scores: scores, labels: labels, classes: classes)
    func expect(_ value: Double, _ truth: Double) { #expect(abs(value - truth) < 1e-12) }
    expect(metrics.accuracy.value, golden.accuracy)
    expect(metrics.accuracy.low, golden.low)
    expect(metrics.accuracy.high, golden.high)
    expect(metrics.balancedAccuracy, golden.balancedAccuracy)
    expect(metrics.macroF1, golden.macroF1)
    expect(metrics.logLoss, golden.logLoss)
    expect(metrics.brier, golden.brier)
    #expect(metrics.confusion.counts == golden.confusion)
    #expect(metrics.perClass.map(\.support) == golden.support)
    #expect(distance(metrics.perClass.map(\.precision), golden.precision) < 1e-12)
    #expect(distance(metrics.perClass.map(\.recall), golden.recall) < 1e-12)
    #expect(distance(metrics.perClass.map(\.f1), golden.f1) < 1e-12)
    let top = ClassificationMetrics.topAccuracy(2, scores: scores, labels: labels, classes: classes)
    expect(top.value, golden.top2)
    expect(metrics.largestClassShare, Double(golden.support.max() ?? 0) / Double(labels.count))
    let probabilities = Scores.softmax(scores, outputs: classes)
    let calibration = try Calibration(
      probabilities: probabilities, labels: labels, classes: classes, .equalWidth(10))
    expect(calibration.expectedError, golden.calibrationError)
    #expect(calibration.bins.reduce(0) { $0 + $1.count } == labels.count)
    let mass = try Calibration(probabilities: probabilities, labels: labels, classes: classes, .equalMass(15))
    #expect(mass.bins.map(\.count) == [Int](repeating: 8, count: 15))
    let predictions = Scores.largest(scores, outputs: classes)
    let comparison = PairedComparison(
      first: zip(labels, predictions).map { $0 == $1 }, second: zip(labels, golden.other).map { $0 == $1 })
    #expect(comparison.firstOnly == golden.onlyFirst)
    #expect(comparison.secondOnly == golden.onlySecond)
    expect(comparison.probability, golden.probability)
  }

  @Test func labelsAgreeWithScikitLearn() throws {
    let golden = try Goldens.read().labels
    let metrics = try LabelMetrics(scores: golden.scores, targets: golden.targets, labels: 3)
    #expect(distance(metrics.labels.compactMap(\.averagePrecision), golden.averagePrecision) < 1e-12)
    #expect(distance(metrics.labels.compactMap(\.areaUnderCurve), golden.area) < 1e-12)
    #expect(distance(metrics.labels.map(\.f1), golden.f1) < 1e-12)
    let mean = golden.averagePrecision.reduce(0, +) / 3
    #expect(abs((metrics.meanAveragePrecision ?? 0) - mean) < 1e-12)
  }

  @Test func numbersAgreeWithScikitLearn() throws {
    let golden = try Goldens.read().numbers
    let metrics = try RegressionMetrics(predictions: golden.predictions, targets: golden.targets)
    #expect(abs(metrics.meanAbsoluteError.value - golden.mae) < 1e-12)
    #expect(abs(metrics.rootMeanSquaredError.value - golden.rmse) < 1e-12)
    #expect(abs(metrics.explained.value - golden.r2) < 1e-12)
    for estimate in [metrics.meanAbsoluteError, metrics.rootMeanSquaredError, metrics.explained] {
      #expect(estimate.low < estimate.value && estimate.value < estimate.high)
    }
    #expect(try RegressionMetrics(predictions: golden.predictions, targets: golden.targets) == metrics)
  }

  @Test func theFirstOfEqualScoresCounts() throws {
    #expect(Scores.largest([1, 1, 0, 0, 2, 2], outputs: 3) == [0, 1])
    let scores = [1.0, 1, 1]
    #expect(ClassificationMetrics.topAccuracy(2, scores: scores, labels: [1], classes: 3).value == 1)
    #expect(ClassificationMetrics.topAccuracy(2, scores: scores, labels: [2], classes: 3).value == 0)
  }

  @Test func edgesOfIntervals() throws {
    let none = Estimate(share: 0, of: 10)
    #expect(none.low == 0 && none.high > 0.25 && none.high < 0.32)
    let all = Estimate(share: 10, of: 10)
    #expect(all.high == 1 && abs(all.low - (1 - none.high)) < 1e-12)
    // By hand: gains of 1, 2 and 6, with a deviation of sqrt(7).
    let gain = MeanGain(before: [2, 3, 8], after: [1, 1, 2])
    #expect(gain.value == 3 && abs(gain.standardError - (7.0 / 3).squareRoot()) < 1e-15)
    #expect(gain.isMoreThanNoise && !MeanGain(before: [2, 3, 8], after: [1, 3, 2]).isMoreThanNoise)
    #expect(!MeanGain(before: [1], after: [1]).isMoreThanNoise)
    #expect(PairedComparison(first: [true, false], second: [true, false]).probability == 1)
    let six = PairedComparison(
      first: [Bool](repeating: true, count: 6), second: [Bool](repeating: false, count: 6))
    #expect(abs(six.probability - 2.0 / 64) < 1e-15)
    #expect(throws: ZooError.self) { try ClassificationMetrics(scores: [], labels: [], classes: 2) }
  }

  /// Logits that are so many times too small or too large are found out, and a single row that is right proves little.
  @Test(arguments: [true, false]) func scalesOfLogits(areExclusive: Bool) throws {
    let random = CounterRandom(seed: 4)
    let (rows, columns) = (3000, 3)
    let logits = (0..<rows * columns).map { 2 * random.signed($0) }
    var targets = [Double](repeating: 0, count: logits.count)
    for row in 0..<rows {
      let own = Array(logits[row * columns..<(row + 1) * columns])
      let draw = random.unit(1_000_000 + row)
      if areExclusive {
        // A class by its probability.
        var sum = 0.0
        let place = Scores.softmax(own, outputs: columns).firstIndex {
          sum += $0
          return draw < sum
        }
        targets[row * columns + (place ?? columns - 1)] = 1
      } else {
        for column in 0..<columns
        where random.unit(2_000_000 + row * columns + column) < Scores.sigmoid(own)[column] {
          targets[row * columns + column] = 1
        }
      }
    }
    func loss(_ scale: Double, of logits: [Double]) throws -> Double {
      let loss: Loss = areExclusive ? .softmaxCrossEntropy() : .binaryCrossEntropy()
      return try loss.evaluate(
        logits.map { Float($0 * scale) }, columns: columns, .values(targets.map { Float($0) })
      )
      .value
    }
    for factor in [0.2, 1, 5] {
      let wrong = logits.map { $0 * factor }
      let found = LogitScale.best(
        logits: wrong, targets: targets, columns: columns, areExclusive: areExclusive)
      #expect(abs(found * factor - 1) < 0.1, "\(found) for \(factor)")
      // No other scale is better by more than what holds it near 1 costs.
      for other in [0.9, 1.1] { #expect(try loss(found, of: wrong) < loss(found * other, of: wrong) + 1e-4) }
    }
    let one = LogitScale.best(logits: [1, 0, 0], targets: [1, 0, 0], columns: 3, areExclusive: areExclusive)
    #expect(one > 1 && one < 1.5)
    #expect(LogitScale.best(logits: [], targets: [], columns: 3, areExclusive: areExclusive) == 1)
    #expect(
      LogitScale.best(logits: [.nan, 0, 0], targets: [1, 0, 0], columns: 3, areExclusive: areExclusive) == 1)
  }

  @Test func extremeScoresStayFinite() throws {
    let metrics = try ClassificationMetrics(scores: [1000, -1000, -1000, 1000], labels: [0, 0], classes: 2)
    #expect(metrics.logLoss == 1000)
    #expect(Scores.sigmoid([-1000, 0, 1000]) == [0, 0.5, 1])
  }
}

@Suite struct StandardizationTests {
  @Test func constantAndLargeColumns() throws {
    let x = FeatureMatrix(rows: 3, columns: 4, values: [5, 1e8, 0, 1, 5, 1e8 + 8, 0, 2, 5, 1e8 + 16, 0, 4])
    let standardization = try Standardization(x)
    #expect(standardization.factor[0] == 0 && standardization.factor[2] == 0)
    #expect(standardization.mean[1] == 1e8 + 8)
    #expect(abs(standardization.deviation[1] - (128.0 / 3).squareRoot()) < 1e-9)
    let applied = standardization.applied(to: x)
    #expect(applied.values.allSatisfy { $0.isFinite })
    #expect(applied[row: 0].first == 0)
    let part = try Standardization(x, rows: [0, 1])
    #expect(part.mean[3] == 1.5 && part.deviation[3] == 0.5)
    #expect(try Standardization(x, weights: [2, 1, 0]).mean[3] == 4.0 / 3)
  }

  @Test func foldingGivesTheSameScores() throws {
    let (x, labels) = clusters(rows: 30, columns: 6, classes: 3)
    let standardization = try Standardization(x)
    let head = try LogisticRegression.fit(x, labels: labels, classes: 3, penalty: 0.1).head
    let folded = try head.folding(standardization).scores(x)
    #expect(try distance(folded, head.scores(standardization.applied(to: x))) < 1e-5)
  }
}
