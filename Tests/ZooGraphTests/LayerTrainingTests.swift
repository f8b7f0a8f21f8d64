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

  @Test func batchNormsAreReachedByWhatIsBeforeThem() throws {
    let graph = try graph()
    func reached(_ layer: String) -> [String] {
      graph.batchNorms(reachedBy: Set(graph.node(named: layer)?.weights ?? []))
    }
    #expect(reached("conv") == ["bn"])
    #expect(reached("bn").isEmpty && reached("drop").isEmpty)
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
      ("conv", training { $0.hasOldStatistics = true }, "none of its own"),
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
      ("conv", training { $0.initializers = [.kernel: .orthogonal(gain: .infinity)] }, "like that"),
    ]
    for (layer, own, says) in wrong {
      let fault = graph.fault(of: [layer: own])
      #expect(fault?.layer == layer)
      #expect(fault?.why.contains(says) == true, "\(fault?.why ?? "no fault"), expected \(says)")
    }
  }
}
