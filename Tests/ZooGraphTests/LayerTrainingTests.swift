import Testing
import ZooGraph
import ZooTensor

@Suite struct LayerTrainingTests {
  private func graph() throws -> Graph {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [4, 4, 3]))
    let conv = Operation.convolution(
      Convolution(filters: 3, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true))
    let a = g.add("conv", conv, x)
    let b = g.add("bn", .batchNormalization(BatchNormalization(epsilon: 1e-3)), a)
    let c = g.add("drop", .identity(layer: "Dropout"), b)
    let d = g.add("conv:2", conv, [c], sharing: a)
    return try g.build(outputs: [d])
  }

  private func training(_ change: (inout LayerTraining) -> Void) -> LayerTraining {
    var training = LayerTraining()
    change(&training)
    return training
  }

  @Test func whatFitsIsFine() throws {
    let graph = try graph()
    let table = [
      "conv": training {
        $0.isFrozen = true
        $0.regularizers = [.kernel: Regularizer(l1: 0.1), .bias: Regularizer(l2: 0.1)]
        $0.initializers = [.kernel: .heNormal]
      },
      "bn": training {
        $0.momentum = 0.5
        $0.initializers = [.movingMean: .ones]
      },
      "drop": training { $0.noise = TrainingNoise(.dropout, 0.5) },
    ]
    #expect(graph.fault(of: table) == nil)
    #expect(graph.part(of: table) == table)
    #expect(graph.part(of: ["other": training { $0.isFrozen = true }]).isEmpty)
  }

  @Test func whatDoesNotFitIsFound() throws {
    let graph = try graph()
    let wrong: [(String, LayerTraining, String)] = [
      ("none", training { $0.isFrozen = true }, "no such layer"),
      ("conv", training { _ in }, "says nothing"),
      ("drop", training { $0.isFrozen = true }, "no weights"),
      ("conv:2", training { $0.isFrozen = true }, "no weights"),
      ("conv", training { $0.noise = TrainingNoise(.dropout, 0.5) }, "not one of training only"),
      ("drop", training { $0.noise = TrainingNoise(.dropout, 1.5) }, "1.5"),
      ("drop", training { $0.noise = TrainingNoise(.dropout, 0) }, "0.0"),
      ("drop", training { $0.noise = TrainingNoise(.gaussianDropout, 1) }, "1.0"),
      ("drop", training { $0.noise = TrainingNoise(.gaussianNoise, .infinity) }, "inf"),
      ("conv", training { $0.momentum = 0.5 }, "no statistics"),
      ("bn", training { $0.momentum = 1.5 }, "1.5"),
      ("bn", training { $0.momentum = .nan }, "nan"),
      ("bn", training { $0.regularizers = [.movingMean: Regularizer(l2: 1)] }, "moving_mean"),
      ("conv", training { $0.regularizers = [.gamma: Regularizer(l2: 1)] }, "gamma"),
      ("conv", training { $0.regularizers = [.kernel: Regularizer(l2: -1)] }, "below 0"),
      ("conv", training { $0.regularizers = [.kernel: Regularizer(l1: .infinity)] }, "not finite"),
      ("bn", training { $0.initializers = [.kernel: .ones] }, "kernel"),
      ("conv", training { $0.initializers = [.kernel: .constant(.nan)] }, "like that"),
      ("conv", training { $0.initializers = [.kernel: .uniform(low: 1, high: 0)] }, "like that"),
      ("conv", training { $0.initializers = [.kernel: .normal(mean: 0, deviation: -1)] }, "like that"),
      (
        "conv", training { $0.initializers = [.kernel: .varianceScaling(.init(0, .fanIn, .uniform))] },
        "like that"
      ),
    ]
    for (layer, own, says) in wrong {
      let fault = graph.fault(of: [layer: own])
      #expect(fault?.layer == layer)
      #expect(fault?.why.contains(says) == true, "\(fault?.why ?? "no fault"), expected \(says)")
    }
  }
}

@Suite struct InitializerTests {
  private let slot = WeightSlot(layer: "conv", role: .kernel, shape: [3, 3, 16, 32])

  private func moments(_ values: [Float]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (mean, (squares / Double(values.count)).squareRoot())
  }

  @Test func valuesFollowFromSeedAndName() {
    let first = Initializer.glorotUniform.values(for: slot, seed: 1)
    #expect(first.count == slot.shape.elementCount)
    #expect(Initializer.glorotUniform.values(for: slot, seed: 1) == first)
    #expect(Initializer.glorotUniform.values(for: slot, seed: 2) != first)
    let other = WeightSlot(layer: "conv2", role: .kernel, shape: slot.shape)
    #expect(Initializer.glorotUniform.values(for: other, seed: 1) != first)
    #expect(Initializer.usual(for: .kernel).values(for: slot, seed: 1) == first)
    #expect(Initializer.usual(for: .gamma).values(for: slot, seed: 1).allSatisfy { $0 == 1 })
    #expect(Initializer.usual(for: .bias).values(for: slot, seed: 1).allSatisfy { $0 == 0 })
    #expect(Initializer.constant(0.5).values(for: slot, seed: 1).allSatisfy { $0 == 0.5 })
  }

  @Test func uniformNumbersFillTheirRange() throws {
    let limit = Float((6.0 / (144 + 288)).squareRoot())
    let values = Initializer.glorotUniform.values(for: slot, seed: 3).sorted()
    #expect(try #require(values.first) >= -limit && values[0] < -0.99 * limit)
    #expect(try #require(values.last) <= limit && values[values.count - 1] > 0.99 * limit)
    // The largest distance from the even distribution, with the 1 % limit of Kolmogorov and Smirnov.
    let distance = values.enumerated().map { index, value in
      abs(Double(index) / Double(values.count) - Double((value + limit) / (2 * limit)))
    }.max()
    #expect(try #require(distance) < 1.63 / Double(values.count).squareRoot())
  }

  /// The share of a standard normal distribution below each bound.
  private let normal: [(Double, Double)] = [(-1, 0.158655), (-0.5, 0.308538), (0, 0.5), (1, 0.841345)]

  @Test func normalNumbersHaveTheirShares() {
    let count = Double(slot.shape.elementCount)
    let plain = Initializer.normal(mean: 0.5, deviation: 2).values(for: slot, seed: 4)
    let cut = Initializer.truncatedNormal(mean: 0.5, deviation: 2).values(for: slot, seed: 4)
    #expect(plain.contains { abs($0 - 0.5) > 6 })
    #expect(cut.allSatisfy { abs($0 - 0.5) <= 4 })
    #expect(cut.contains { abs($0 - 0.5) > 3.9 })
    let beyond = 0.022750
    for (bound, share) in normal {
      let own = Double(plain.count { Double($0) < 0.5 + 2 * bound }) / count
      #expect(abs(own - share) < 4 * (share * (1 - share) / count).squareRoot())
      let left = (share - beyond) / (1 - 2 * beyond)
      let ownCut = Double(cut.count { Double($0) < 0.5 + 2 * bound }) / count
      #expect(abs(ownCut - left) < 4 * (left * (1 - left) / count).squareRoot())
    }
  }

  @Test func scaledVariancesAreThoseOfTheShape() {
    typealias Scaling = Initializer.VarianceScaling
    // Inputs 144, outputs 288.
    let cases: [(Initializer, Double)] = [
      (.glorotUniform, 1 / 216), (.glorotNormal, 1 / 216), (.heUniform, 2 / 144), (.heNormal, 2 / 144),
      (.lecunUniform, 1 / 144), (.lecunNormal, 1 / 144),
      (.varianceScaling(Scaling(3, .fanOut, .normal)), 3 / 288),
    ]
    for (initializer, variance) in cases {
      let (mean, deviation) = moments(initializer.values(for: slot, seed: 5))
      let expected = variance.squareRoot()
      #expect(abs(deviation / expected - 1) < 0.03, "\(initializer)")
      #expect(abs(mean) < 4 * expected / Double(slot.shape.elementCount).squareRoot(), "\(initializer)")
    }
    let vector = Initializer.heNormal.values(of: [1000], CounterRandom(seed: 1)).map(Float.init)
    #expect(abs(moments(vector).deviation / 0.002.squareRoot() - 1) < 0.1)
  }
}
