import Foundation
import Testing
import ZooGraph
import ZooLearning
import ZooSystem
import ZooTensor

@Suite struct LossTests {
  @Test func lossesAgreeWithKeras() throws {
    let golden = try OptimizationGoldens.read().losses
    #expect(golden.cases.count == 34)
    for own in golden.cases {
      let loss = try own.made()
      let weights = own.isWeighted ? golden.weights : nil
      let targets: LossTargets<Double> =
        own.targets == "classes" ? .classes(golden.classes) : .values(golden.targets[own.targets] ?? [])
      let found = try loss.evaluate(golden.predictions, columns: golden.columns, targets, weights: weights)
      #expect(distance([found.value], [own.value]) < 1e-15, "\(loss)")
      #expect(distance(found.gradient, own.gradient) < 1e-15, "\(loss) \(own.targets)")
      // Predictions and targets are exact in floats, and so are only the derivatives rounded.
      let floats: LossTargets<Float>
      switch targets {
      case .classes(let classes): floats = .classes(classes)
      case .values(let values): floats = .values(values.map(Float.init))
      }
      let rounded = try loss.evaluate(
        golden.predictions.map(Float.init), columns: golden.columns, floats, weights: weights)
      #expect(rounded.value == found.value)
      #expect(rounded.gradient == found.gradient.map(Float.init))
    }
  }

  private let losses: [Loss] = [
    .softmaxCrossEntropy(), .softmaxCrossEntropy(smoothing: 0.1), .binaryCrossEntropy(smoothing: 0.1),
    .categoricalFocal(), .categoricalFocal(alpha: 1, gamma: 0), .binaryFocal(gamma: 0.5, alpha: 0.3),
    .meanSquaredError, .meanAbsoluteError, .huber(),
  ]

  /// Targets of 0 and 1, one 1 in each row of 3.
  private func yes(_ rows: Int) -> [Double] { (0..<rows * 3).map { $0 % 3 == $0 / 3 % 3 ? 1 : 0 } }

  @Test func gradientsAreDifferences() throws {
    let random = CounterRandom(seed: 4)
    let z = (0..<12).map { random.signed($0) * 5 }
    let weights = [0.5, 2, 0, 3]
    for loss in losses {
      func value(_ z: [Double]) throws -> (value: Double, gradient: [Double]) {
        try loss.evaluate(z, columns: 3, .values(yes(4)), weights: weights)
      }
      let gradient = try value(z).gradient
      for place in z.indices {
        let h = 1e-6 * max(1, abs(z[place]))
        var (up, down) = (z, z)
        up[place] += h
        down[place] -= h
        let difference = (try value(up).value - value(down).value) / (up[place] - down[place])
        #expect(abs(gradient[place] - difference) < 1e-8, "\(loss)")
      }
      // The third example has the weight 0.
      #expect(gradient[6..<9].allSatisfy { $0 == 0 })
      #expect(gradient[9..<12].contains { $0 != 0 })
    }
  }

  @Test func weightsMultiplyAndTheMeanIsOverAll() throws {
    let z = (0..<6).map { Double($0 * 7 % 5) - 2 }
    for loss in losses {
      let plain = try loss.evaluate(z, columns: 3, .values(yes(2)))
      let doubled = try loss.evaluate(z, columns: 3, .values(yes(2)), weights: [2, 2])
      #expect(distance([doubled.value], [2 * plain.value]) < 1e-15)
      let first = try loss.evaluate(Array(z[..<3]), columns: 3, .values(Array(yes(2)[..<3])), examples: 2)
      let second = try loss.evaluate(Array(z[3...]), columns: 3, .values(Array(yes(2)[3...])), examples: 2)
      #expect(distance([first.value + second.value], [plain.value]) < 1e-15)
      #expect(first.gradient + second.gradient == plain.gradient)
    }
  }

  @Test func unknownTargetsAddNothing() throws {
    let z = [1.0, -2, 0.5, 3, 0, -1]
    for loss in losses {
      let first = try loss.evaluate(Array(z[..<3]), columns: 3, .values([0, 1, 0]), examples: 2)
      let both = try loss.evaluate(z, columns: 3, .values([0, 1, 0, .nan, .nan, .nan]))
      #expect(both.value == first.value)
      #expect(both.gradient == first.gradient + [0, 0, 0])
      if loss.isOfClasses {
        let sparse = try loss.evaluate(z, columns: 3, .classes([1, -1]))
        #expect(sparse == both)
      } else {
        // The mean is over all places.
        let one = try loss.evaluate([1], columns: 1, .values([1]))
        let part = try loss.evaluate([1, 5], columns: 2, .values([1, .nan]))
        #expect(part.value == one.value / 2)
        #expect(part.gradient == [one.gradient[0] / 2, 0])
      }
    }
  }

  @Test func extremePredictionsStayFinite() throws {
    for loss in losses {
      for z in [[1000.0, -1000, 0], [-1000, 1000, 0], [0, 0, 0]] {
        let found = try loss.evaluate(z, columns: 3, .values([1, 0, 0]))
        #expect(found.value.isFinite && found.gradient.allSatisfy(\.isFinite), "\(loss)")
      }
      let broken = try loss.evaluate([.nan, 0, 0], columns: 3, .values([1, 0, 0]))
      #expect(broken.value.isNaN, "\(loss)")
      #expect(broken.gradient[0].isNaN, "\(loss)")
    }
    let right = try Loss.categoricalFocal(gamma: 0.5).evaluate([800.0, 0], columns: 2, .classes([0]))
    #expect(right.value == 0 && right.gradient == [0, 0])
  }

  @Test func whatDoesNotFitIsRefused() throws {
    func code(_ loss: Loss, _ z: [Double], _ columns: Int, _ targets: LossTargets<Double>) -> ZooError.Code? {
      do throws(ZooError) {
        _ = try loss.evaluate(z, columns: columns, targets, weights: z.count == 8 ? [1] : nil)
        return nil
      } catch {
        return error.code
      }
    }
    let z = [0.0, 1, 2, 3]
    #expect(code(.softmaxCrossEntropy(), z, 2, .classes([0, 1])) == nil)
    #expect(code(.softmaxCrossEntropy(), z, 2, .classes([0, 2])) == .doesNotFit)
    #expect(code(.softmaxCrossEntropy(), z, 2, .classes([0])) == .doesNotFit)
    #expect(code(.softmaxCrossEntropy(), z, 0, .classes([])) == .doesNotFit)
    #expect(code(.softmaxCrossEntropy(), z, 3, .classes([0])) == .doesNotFit)
    #expect(code(.meanSquaredError, z, 2, .classes([0, 1])) == .doesNotFit)
    #expect(code(.meanSquaredError, z, 2, .values([0, 1])) == .doesNotFit)
    #expect(code(.meanSquaredError, z + z, 2, .values(z + z)) == .doesNotFit)
    for loss in [
      Loss.softmaxCrossEntropy(smoothing: 1.5), .huber(delta: 0), .binaryFocal(gamma: -1),
      .binaryFocal(alpha: 2), .categoricalFocal(alpha: 0), .binaryCrossEntropy(smoothing: .nan),
    ] { #expect(code(loss, z, 2, .values(z)) == .invalidArgument) }
    let written = try JSONEncoder().encode(losses)
    #expect(try JSONDecoder().decode([Loss].self, from: written) == losses)
  }

  @Test func classesHaveWeights() throws {
    let classes = [0, 0, 0, 1, -1]
    let balanced = ExampleWeights.balanced(classes: classes, count: 3)
    #expect(distance(balanced, [4.0 / 6, 2, 0]) < 1e-15)
    let weights = try ExampleWeights.combined(
      classes: classes, classWeights: balanced, examples: [1, 1, 1, 0.5, 1])
    #expect(distance(weights, [4.0 / 6, 4.0 / 6, 4.0 / 6, 1, 0]) < 1e-15)
    #expect(throws: ZooError.self) { try ExampleWeights.combined(classes: [2], classWeights: [1, 1]) }
    #expect(throws: ZooError.self) {
      try ExampleWeights.combined(classes: [1], classWeights: [1, 1], examples: [])
    }
  }

  @Test func penaltiesAgreeWithKeras() throws {
    let golden = try OptimizationGoldens.read().penalties
    for own in golden.cases {
      let regularizer = Regularizer(l1: own.l1, l2: own.l2)
      var gradient = golden.weights
      let value = regularizer.addPenalty(of: golden.weights, to: &gradient)
      #expect(distance([value], [own.value]) < 1e-15)
      // It is added to what is there.
      #expect(distance(zip(gradient, golden.weights).map { $0 - $1 }, own.gradient) < 1e-15)
      var floats = golden.weights.map { _ in Float(0) }
      #expect(regularizer.addPenalty(of: golden.weights.map(Float.init), to: &floats) == value)
      #expect(floats == own.gradient.map(Float.init))
    }
  }

  @Test func binaryMetricsAgreeWithKeras() throws {
    let golden = try OptimizationGoldens.read().binary
    let metrics = BinaryMetrics(scores: golden.scores, targets: golden.targets)
    #expect(metrics.total == 40)
    #expect(distance([metrics.accuracy], [golden.accuracy]) < 1e-6)
    #expect(distance([metrics.precision], [golden.precision]) < 1e-6)
    #expect(distance([metrics.recall], [golden.recall]) < 1e-6)
    #expect(distance([metrics.specificity], [golden.specificity]) < 1e-6)
    #expect(
      abs(metrics.f1 - 2 * metrics.precision * metrics.recall / (metrics.precision + metrics.recall)) < 1e-15)
    var sum = BinaryMetrics(scores: Array(golden.scores[..<7]), targets: Array(golden.targets[..<7]))
    sum += BinaryMetrics(scores: Array(golden.scores[7...]), targets: Array(golden.targets[7...]))
    #expect(sum == metrics)
    #expect(BinaryMetrics(scores: [1], targets: [.nan]).accuracy == 0)
  }

  @Test func epochsWeighBatchesByTheirSize() {
    var tally = EpochTally()
    tally.add(loss: 1, examples: 3)
    tally.add(loss: 5, examples: 1)
    #expect(tally.loss == 2)
    // The first of equal ones counts, and an unknown class does not.
    for (predictions, classes) in [([1.0, 1, 0, 2], [0, 0]), ([3, 4], [1]), ([3, 4], [-1])] {
      predictions.withUnsafeBufferPointer { tally.add(predictions: $0, columns: 2, classes: classes) }
    }
    #expect(tally.known == 3)
    #expect(tally.right == 2)
    #expect(distance([tally.accuracy], [2.0 / 3]) < 1e-15)
  }
}
