import Testing
import ZooLearning
import ZooSystem

@Suite struct LogisticRegressionTests {
  @Test(arguments: 0..<4) func agreesWithScikitLearn(index: Int) throws {
    let golden = try Goldens.read().logistic[index]
    let fit = try LogisticRegression.fit(
      golden.table, labels: golden.labels, classes: golden.classes, exampleWeights: golden.exampleWeights,
      penalty: golden.penalty, tolerance: 1e-9)
    let converged = fit.converged
    #expect(converged)
    #expect(distance(fit.head.weights, golden.weights) < 1e-6)
    #expect(distance(fit.head.bias.centred, golden.bias) < 1e-6)
  }

  @Test func labelsOfTheirOwnAgreeWithScikitLearn() throws {
    let golden = try Goldens.read().oneVersusRest
    let x = FeatureMatrix(rows: golden.x.count / golden.columns, columns: golden.columns, values: golden.x)
    let fit = try OneVersusRest.fit(
      x, targets: golden.targets.map { $0 ?? .nan }, labels: 3, penalty: golden.penalty, tolerance: 1e-9)
    let converged = fit.converged
    #expect(converged)
    #expect(distance(fit.head.weights, golden.weights) < 1e-6)
    #expect(distance(fit.head.bias, golden.bias) < 1e-6)
  }

  @Test func startsAndThreadsDoNotMatter() throws {
    let (x, labels) = clusters(rows: 150, columns: 70, classes: 5)
    func fit(threads: Int, start: LinearHead? = nil) throws -> HeadFit {
      try LogisticRegression.fit(
        x, labels: labels, classes: 5, penalty: 0.03, start: start, tolerance: 1e-9, threads: threads)
    }
    let one = try fit(threads: 1)
    #expect(try fit(threads: 3) == one)
    let weak = try LogisticRegression.fit(x, labels: labels, classes: 5, penalty: 1e-3)
    let other = try fit(threads: 2, start: weak.head)
    #expect(distance(other.head.weights, one.head.weights) < 1e-8)
    let scores = try one.head.folding(Standardization(x)).scores(x)
    #expect(try one.head.folding(Standardization(x)).scores(x, threads: 3) == scores)
  }

  @Test func orderDoesNotMatter() throws {
    let (x, labels) = clusters(rows: 60, columns: 9, classes: 3)
    let fit = try LogisticRegression.fit(x, labels: labels, classes: 3, penalty: 0.1, tolerance: 1e-10)
    let order = (0..<60).map { $0 * 7 % 60 }
    let rows = try LogisticRegression.fit(
      x.selecting(rows: order), labels: order.map { labels[$0] }, classes: 3, penalty: 0.1, tolerance: 1e-10)
    #expect(distance(rows.head.weights, fit.head.weights) < 1e-9)
    let turned = FeatureMatrix(rows: 60, columns: 9, values: (0..<60).flatMap { x[row: $0].reversed() })
    let columns = try LogisticRegression.fit(
      turned, labels: labels, classes: 3, penalty: 0.1, tolerance: 1e-10)
    let expected = (0..<9).reversed().flatMap { fit.head.weights[$0 * 3..<$0 * 3 + 3] }
    #expect(distance(columns.head.weights, expected) < 1e-9)
  }

  @Test func weightsCountExamples() throws {
    let (x, labels) = clusters(rows: 40, columns: 6, classes: 3)
    let standardization = try Standardization(x)
    func fit(_ rows: [Int], weights: [Double]?) throws -> [Double] {
      try LogisticRegression.fit(
        x.selecting(rows: rows), labels: rows.map { labels[$0] }, classes: 3, exampleWeights: weights,
        penalty: 0.05, standardization: standardization, tolerance: 1e-10
      ).head.weights
    }
    let all = Array(0..<40)
    let plain = try fit(all, weights: nil)
    #expect(try distance(fit(all + all, weights: nil), plain) < 1e-9)
    #expect(try distance(fit(all, weights: all.map { _ in 3 }), plain) < 1e-9)
    let some = try fit(all, weights: all.map { $0 % 3 == 0 ? 2 : 1 })
    #expect(try distance(some, fit(all + all.filter { $0 % 3 == 0 }, weights: nil)) < 1e-9)
    #expect(distance(some, plain) > 1e-3)
    let halves = try fit(all, weights: all.map { $0 < 20 ? 1 : 0 })
    #expect(try distance(halves, fit(Array(0..<20), weights: nil)) < 1e-9)
  }

  @Test func duplicatedAndConstantColumnsShareAndVanish() throws {
    let (x, labels) = clusters(rows: 50, columns: 4, classes: 3)
    let wide = FeatureMatrix(
      rows: 50, columns: 9, values: (0..<50).flatMap { x[row: $0] + x[row: $0] + [1e7] })
    let fit = try LogisticRegression.fit(wide, labels: labels, classes: 3, penalty: 0.1, tolerance: 1e-10)
    // Two equal columns with half the weight each: the penalty is half of one column's.
    let single = try LogisticRegression.fit(x, labels: labels, classes: 3, penalty: 0.05, tolerance: 1e-10)
    #expect(distance(Array(fit.head.weights[..<12]), single.head.weights.map { $0 / 2 }) < 1e-8)
    #expect(distance(Array(fit.head.weights[12..<24]), single.head.weights.map { $0 / 2 }) < 1e-8)
    #expect(fit.head.weights[24...].allSatisfy { $0 == 0 })
  }

  @Test func theGradientVanishesWithSmoothedLabels() throws {
    let (x, labels) = clusters(rows: 30, columns: 3, classes: 3)
    let (penalty, smoothing) = (0.02, 0.1)
    let fit = try LogisticRegression.fit(
      x, labels: labels, classes: 3, penalty: penalty, smoothing: smoothing, tolerance: 1e-10)
    let standardization = try Standardization(x)
    let probabilities = Scores.softmax(
      try fit.head.folding(standardization).scores(x), outputs: 3)
    for column in 0..<3 {
      for output in 0..<3 {
        var gradient = penalty * fit.head.weights[column * 3 + output]
        for row in 0..<30 {
          let target = (labels[row] == output ? 1 - smoothing : 0) + smoothing / 3
          let feature =
            (Double(x.values[row * 3 + column]) - standardization.mean[column])
            / standardization.deviation[column]
          gradient += (probabilities[row * 3 + output] - target) * feature / 30
        }
        #expect(abs(gradient) < 1e-10)
      }
    }
  }

  @Test(arguments: [
    (2, 2, 2), (5, 3, 5), (1, 4, 1), (1, 4, 3), (30, 1, 2), (6, 300, 3), (1000, 2, 1000), (20, 8, 1),
  ])
  func smallAndManyClasses(rows: Int, columns: Int, classes: Int) throws {
    var (x, labels) = clusters(rows: rows, columns: columns, classes: min(rows, classes), distance: 20)
    labels = labels.map { $0 % classes }
    let fit = try LogisticRegression.fit(x, labels: labels, classes: classes, penalty: 1e-3)
    let converged = fit.converged
    #expect(converged)
    #expect(fit.head.weights.allSatisfy { $0.isFinite } && fit.head.bias.allSatisfy(\.isFinite))
    guard columns > 2, rows > 1 else { return }
    let scores = try fit.head.folding(Standardization(x)).scores(x)
    #expect(Scores.largest(scores, outputs: classes) == labels)
  }

  @Test func separableDataHasAMinimum() throws {
    let x = FeatureMatrix(rows: 4, columns: 1, values: [-2, -1, 1, 2])
    let fit = try LogisticRegression.fit(x, labels: [0, 0, 1, 1], classes: 2, penalty: 1e-4)
    let converged = fit.converged
    #expect(converged)
    #expect(fit.head.weights[1] > 3 && fit.head.weights[1] < 30)
  }

  @Test func impossibleRequestsAreRefused() throws {
    let x = FeatureMatrix(rows: 2, columns: 2, values: [0, 1, .nan, 3])
    #expect {
      try LogisticRegression.fit(x, labels: [0, 1], classes: 2, penalty: 1)
    } throws: { error in
      (error as? ZooError)?.why.contains("row 1, column 0") == true
    }
    let sound = FeatureMatrix(rows: 2, columns: 1, values: [0, 1])
    #expect(throws: ZooError.self) {
      try LogisticRegression.fit(sound, labels: [0, 2], classes: 2, penalty: 1)
    }
    #expect(throws: ZooError.self) {
      try LogisticRegression.fit(sound, labels: [0, 1], classes: 2, penalty: 0)
    }
    #expect(throws: ZooError.self) {
      try LogisticRegression.fit(sound, labels: [0, 1], classes: 2, exampleWeights: [1, -1], penalty: 1)
    }
    #expect(throws: ZooError.self) { try LinearHead(zeros: 3, outputs: 2).scores(sound) }
  }
}

@Suite struct PenaltySearchTests {
  private let folds = (0..<120).map { $0 % 5 }

  @Test func scoresAreThoseOfTheOtherFolds() throws {
    let (x, labels) = clusters(rows: 120, columns: 30, classes: 4, distance: 0.5)
    let result = try PenaltySearch.logistic(x, labels: labels, classes: 4, folds: folds)
    #expect(result.table.map(\.penalty) == result.table.map(\.penalty).sorted(by: >))
    let best = try #require(result.table.min { $0.loss < $1.loss })
    #expect(best.penalty == result.penalty)
    #expect(result.table.count >= 4)
    for fold in 0..<5 {
      let rows = folds.indices.filter { folds[$0] != fold }
      let training = x.selecting(rows: rows)
      let head = try LogisticRegression.fit(
        training, labels: rows.map { labels[$0] }, classes: 4, penalty: result.penalty
      ).head.folding(Standardization(training))
      let held = folds.indices.filter { folds[$0] == fold }
      let scores = try head.scores(x.selecting(rows: held))
      let own = held.flatMap { result.outOfFoldScores[$0 * 4..<$0 * 4 + 4] }
      // The folds' heads are as exact as a choice needs.
      #expect(distance(own, scores) < 0.02)
    }
    let losses = ClassificationMetrics.logLosses(scores: result.outOfFoldScores, labels: labels, classes: 4)
    #expect(abs(losses.reduce(0, +) / 120 - best.loss) < 1e-12)
    let direct = try LogisticRegression.fit(x, labels: labels, classes: 4, penalty: result.penalty)
    #expect(distance(result.fit.head.weights, direct.head.weights) < 1e-5)
    let three = try PenaltySearch.logistic(x, labels: labels, classes: 4, folds: folds, threads: 3)
    #expect(three.outOfFoldScores == result.outOfFoldScores)
    #expect(three.fit == result.fit)
  }

  @Test func aClassThatATrainingPartLacksIsSurvived() throws {
    let (x, labels) = clusters(rows: 40, columns: 5, classes: 3)
    // All of class 2 in one fold.
    let result = try PenaltySearch.logistic(
      x, labels: labels, classes: 3, folds: labels.indices.map { labels[$0] == 2 ? 0 : 1 + $0 % 2 })
    #expect(result.outOfFoldScores.allSatisfy { $0.isFinite })
    for row in labels.indices where labels[row] == 2 {
      #expect(result.outOfFoldScores[row * 3 + 2] < result.outOfFoldScores[row * 3..<row * 3 + 2].max() ?? 0)
    }
    #expect(result.fit.converged)
  }

  @Test func noiseGetsTheStrongestPenaltyAndSignalAWeakOne() throws {
    let (x, labels) = clusters(rows: 120, columns: 40, classes: 3, distance: 0)
    let noise = try PenaltySearch.logistic(x, labels: labels, classes: 3, folds: folds)
    #expect(noise.penalty >= 1)
    let (y, clear) = clusters(rows: 120, columns: 40, classes: 3, distance: 10)
    #expect(try PenaltySearch.logistic(y, labels: clear, classes: 3, folds: folds).penalty <= 0.001)
  }

  @Test func labelsWithGaps() throws {
    let (x, labels) = clusters(rows: 120, columns: 8, classes: 2)
    let targets = labels.enumerated().flatMap { row, label -> [Double] in
      [Double(label), row % 3 == 0 ? .nan : 1 - Double(label)]
    }
    let result = try PenaltySearch.oneVersusRest(x, targets: targets, labels: 2, folds: folds)
    let metrics = try LabelMetrics(scores: result.outOfFoldScores, targets: targets, labels: 2)
    #expect(metrics.labels.allSatisfy { ($0.areaUnderCurve ?? 0) > 0.9 })
    #expect(metrics.labels.map(\.known) == [120, 80])
    #expect(throws: ZooError.self) {
      try PenaltySearch.oneVersusRest(
        x, targets: targets, labels: 2, folds: [Int](repeating: 0, count: 120))
    }
  }
}
