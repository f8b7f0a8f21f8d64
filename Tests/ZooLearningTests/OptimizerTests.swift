import Foundation
import Testing
import ZooGraph
import ZooLearning
import ZooSystem
import ZooTensor

@Suite struct OptimizerTests {
  /// The weights and what is remembered, by the goldens' names.
  private func content<Scalar: TrainingScalar>(
    _ weights: [Scalar], _ state: OptimizerState<Scalar>
  ) -> [String: [Double]] {
    var content = ["weights": weights.map { Double($0) }]
    for slot in state.optimizer.slots { content[slot.rawValue] = state[slot]?.map { Double($0) } }
    return content
  }

  /// The contents after the first and the tenth step.
  private func run<Scalar: TrainingScalar>(
    _ optimizer: Optimizer, _ golden: OptimizationGoldens.Optimization, as: Scalar.Type
  ) throws -> [[String: [Double]]] {
    var weights = golden.start.map { Scalar($0) }
    var state = try OptimizerState<Scalar>(optimizer, golden.layout)
    var contents: [[String: [Double]]] = []
    for (step, gradient) in golden.gradients.enumerated() {
      state.step(&weights, gradient: gradient.map { Scalar($0) }, rate: golden.rates[step])
      if step == 0 || step == 9 { contents.append(content(weights, state)) }
    }
    #expect(state.steps == 10)
    return contents
  }

  @Test func stepsAgreeWithKeras() throws {
    let golden = try OptimizationGoldens.read().optimization
    #expect(golden.keras.count == 18)
    for own in golden.keras {
      let optimizer = try own.made(.keras)
      for (content, truth) in zip(try run(optimizer, golden, as: Double.self), [own.first, own.tenth]) {
        #expect(Set(content.keys) == Set(truth.keys))
        for (name, values) in truth {
          #expect(distance(content[name] ?? [], values) < 1e-15, "\(own.rule) \(own.options) \(name)")
        }
      }
      // Floats differ from doubles by their rounding.
      for (content, truth) in zip(try run(optimizer, golden, as: Float.self), [own.first, own.tenth]) {
        for (name, values) in truth {
          #expect(distance(content[name] ?? [], values) < 1e-6, "\(own.rule) \(name)")
        }
      }
    }
  }

  @Test func stepsAgreeWithPyTorchsFormulas() throws {
    let golden = try OptimizationGoldens.read().optimization
    #expect(golden.pytorch.count == 6)
    for own in golden.pytorch {
      let optimizer = try own.made(.pytorch)
      for (content, truth) in zip(try run(optimizer, golden, as: Double.self), [own.first, own.tenth]) {
        #expect(distance(content["weights"] ?? [], truth["weights"] ?? [.nan]) < 1e-15, "\(own.rule)")
      }
      // The conventions differ, so that the test can tell them apart.
      let keras = try run(own.made(.keras), golden, as: Double.self)
      #expect(distance(keras[1]["weights"] ?? [], own.tenth["weights"] ?? []) > 1e-6, "\(own.rule)")
    }
  }

  /// A layout of variables that don't end at blocks or vectors, with weights and gradients for it.
  private func large<Scalar: TrainingScalar>(
    as: Scalar.Type
  ) -> (layout: ParameterLayout, weights: [Scalar], gradient: [Scalar]) {
    let counts = [100_003, 1, 0, 70_001, 513]
    let layout = ParameterLayout(
      counts.enumerated().map {
        ParameterLayout.Variable("v\($0)", count: $1, isVector: $0.isMultiple(of: 2))
      })
    let random = CounterRandom(seed: 3)
    let total = counts.reduce(0, +)
    return (
      layout, (0..<total).map { Scalar(random.signed($0)) },
      (0..<total).map { Scalar(random.signed(total + $0)) }
    )
  }

  @Test func gradientsMadeBlockByBlockGiveTheSameBits() throws {
    let (layout, start, gradient) = large(as: Float.self)
    let optimizers: [Optimizer] = [
      .sgd(), .sgd(momentum: 0.9, nesterov: true), .adam(), .adamW(),
      Optimizer(.sgd(momentum: 0.9, nesterov: false), clipping: .globalNorm(1), averaging: 0.99),
      Optimizer(.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false), clipping: .norm(1)),
      .rmsprop(momentum: 0.5, centered: true),
    ]
    for optimizer in optimizers {
      var whole = start
      var state = try OptimizerState<Float>(optimizer, layout)
      for _ in 0..<3 { state.step(&whole, gradient: gradient, rate: 0.01) }
      for threads in [1, 3] {
        let workers = try Workers(threads: threads)
        var own = start
        var blocks = try OptimizerState<Float>(optimizer, layout)
        for _ in 0..<3 {
          own.withUnsafeMutableBufferPointer { weights in
            blocks.step(weights, rate: 0.01, on: workers) { range, scratch in
              for index in range { scratch[index - range.lowerBound] = gradient[index] }
              return UnsafePointer(scratch)
            }
          }
        }
        #expect(own == whole, "\(optimizer), \(threads) threads")
        #expect(blocks == state)
      }
      let (ready, made) = (
        gradient.withUnsafeBufferPointer { GradientNorms($0, layout) },
        GradientNorms(layout) { (range: Range<Int>, scratch: UnsafeMutablePointer<Float>) in
          for index in range { scratch[index - range.lowerBound] = gradient[index] }
          return UnsafePointer(scratch)
        }
      )
      #expect(ready == made)
    }
  }

  @Test func threadsGiveTheSameBits() throws {
    let (layout, start, gradient) = large(as: Float.self)
    let optimizers: [Optimizer] = [
      Optimizer(
        .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: true), weightDecay: 0.01,
        clipping: .globalNorm(1), averaging: 0.99),
      Optimizer(
        .rmsprop(decay: 0.9, momentum: 0.9, epsilon: 1e-7, centered: true), clipping: .norm(1)),
      Optimizer(.sgd(momentum: 0.9, nesterov: true), clipping: .value(0.5)),
    ]
    for optimizer in optimizers {
      func run(_ workers: Workers?) throws -> ([Float], OptimizerState<Float>) {
        var (weights, state) = (start, try OptimizerState<Float>(optimizer, layout))
        for _ in 0..<3 { state.step(&weights, gradient: gradient, rate: 0.01, on: workers) }
        return (weights, state)
      }
      let one = try run(nil)
      #expect(one.0 != start)
      for threads in 1...3 {
        let own = try run(Workers(threads: threads))
        #expect(own.0 == one.0)
        #expect(own.1 == one.1)
      }
    }
  }

  @Test func blocksDoNotShow() throws {
    let (layout, start, gradient) = large(as: Double.self)
    var (weights, state) = (start, try OptimizerState<Double>(.adamW(), layout))
    for _ in 0..<2 { state.step(&weights, gradient: gradient, rate: 0.01) }
    for (index, variable) in layout.variables.enumerated() {
      let range = layout.range(of: index)
      let alone = ParameterLayout([variable])
      var (own, ownState) = (Array(start[range]), try OptimizerState<Double>(.adamW(), alone))
      for _ in 0..<2 { ownState.step(&own, gradient: Array(gradient[range]), rate: 0.01) }
      #expect(own == Array(weights[range]))
    }
  }

  @Test func normsAreThoseOfTheGradient() throws {
    let (layout, _, gradient) = large(as: Double.self)
    let norms = gradient.withUnsafeBufferPointer { GradientNorms($0, layout) }
    func norm(_ values: some Sequence<Double>) -> Double {
      values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    for index in layout.variables.indices {
      #expect(abs(norms.variables[index] - norm(gradient[layout.range(of: index)])) < 1e-10)
    }
    #expect(abs(norms.global - norm(gradient)) < 1e-10)
    var broken = gradient
    broken[100_005] = .infinity
    let found = broken.withUnsafeBufferPointer { GradientNorms($0, layout) }
    #expect(found.variables.map(\.isFinite) == [true, true, true, false, true])
    #expect(!found.global.isFinite)
  }

  @Test func clippedGradientsKeepTheirDirection() throws {
    let layout = ParameterLayout([
      .init("a", count: 2, isVector: false), .init("b", count: 1, isVector: true),
    ])
    func change(_ clipping: GradientClipping?, _ gradient: [Double]) throws -> [Double] {
      var weights = [0.0, 0, 0]
      var state = try OptimizerState<Double>(
        Optimizer(.sgd(momentum: 0, nesterov: false), clipping: clipping), layout)
      state.step(&weights, gradient: gradient, rate: 1)
      return weights.map { -$0 }
    }
    #expect(try change(.norm(2.5), [3, 4, 1]) == [1.5, 2, 1])
    #expect(try change(.globalNorm(6.5), [3, 4, 12]) == [1.5, 2, 6])
    #expect(try change(.globalNorm(13), [3, 4, 12]) == [3, 4, 12])
    #expect(try change(.value(2), [3, -4, 1]) == [2, -2, 1])
    let pytorch = Optimizer(
      .sgd(momentum: 0, nesterov: false), clipping: .globalNorm(6.5), convention: .pytorch)
    var (weights, state) = ([0.0, 0, 0], try OptimizerState<Double>(pytorch, layout))
    state.step(&weights, gradient: [3, 4, 12], rate: 1)
    #expect(distance(weights, [-3, -4, -12].map { $0 * 6.5 / (13 + 1e-6) }) < 1e-15)
    // What is no number stays visible.
    for clipping in [nil, GradientClipping.norm(1), .globalNorm(1), .value(1)] {
      #expect(try change(clipping, [.nan, 1, 1])[0].isNaN)
    }
    #expect(try change(.globalNorm(1), [.infinity, 1, 1]).allSatisfy(\.isNaN))
  }

  @Test func theAverageBeginsWithTheFirstWeights() throws {
    let layout = ParameterLayout([.init("w", count: 1, isVector: false)])
    var optimizer = Optimizer.sgd()
    optimizer.averaging = 0.75
    var (weights, state) = ([1.0], try OptimizerState<Double>(optimizer, layout))
    state.step(&weights, gradient: [0.5], rate: 1)
    #expect(state[.average] == [0.5])
    state.step(&weights, gradient: [1], rate: 1)
    #expect(weights == [-0.5])
    #expect(state[.average]?.first == 0.75 * 0.5 + 0.25 * -0.5)
    #expect(state[.momentum] == nil)
  }

  @Test func layersHaveTheirOwnRates() throws {
    let layout = ParameterLayout([
      .init("a", count: 1, isVector: false, rate: 0.5), .init("b", count: 1, isVector: false),
    ])
    var (weights, state) = ([0.0, 0], try OptimizerState<Double>(.sgd(), layout))
    state.step(&weights, gradient: [1, 1], rate: 0.25)
    #expect(weights == [-0.125, -0.25])
    #expect(RateFactors.falling(by: 2, groups: 3) == [0.25, 0.5, 1])
    let spread = RateFactors.spread(from: 0.01, groups: 3)
    #expect(distance(spread, [0.01, 0.1, 1]) < 1e-15)
    #expect(RateFactors.spread(from: 0.01, groups: 1) == [1])
  }

  @Test func slotsMakeVariables() {
    let kernel = WeightSlot(layer: "fc", role: .kernel, shape: [3, 2])
    let bias = WeightSlot(layer: "fc", role: .bias, shape: [2])
    let layout = ParameterLayout([.init(kernel), .init(bias, rate: 2)])
    #expect(layout.count == 8)
    #expect(layout.variables.map(\.isVector) == [false, true])
    #expect(layout.range(of: 1) == 6..<8)
    #expect(layout.variables[1].name == "fc/bias")
  }

  @Test func momentumMayBeScheduled() throws {
    let layout = ParameterLayout([.init("w", count: 1, isVector: false)])
    var (weights, state) = ([0.0], try OptimizerState<Double>(.sgd(momentum: 0.5), layout))
    state.step(&weights, gradient: [1], rate: 1)
    state.step(&weights, gradient: [0], rate: 1, momentum: 0.25)
    #expect(weights == [-1.25])
  }

  @Test func aTrainingResumesWithTheSameBits() throws {
    let golden = try OptimizationGoldens.read().optimization
    let optimizer = Optimizer(
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: true), weightDecay: 0.01, averaging: 0.99)
    func steps(_ range: Range<Int>, _ weights: inout [Float], _ state: inout OptimizerState<Float>) {
      for step in range {
        state.step(&weights, gradient: golden.gradients[step].map(Float.init), rate: golden.rates[step])
      }
    }
    var (weights, state) = (golden.start.map(Float.init), try OptimizerState<Float>(optimizer, golden.layout))
    steps(0..<5, &weights, &state)
    let (kept, written) = (weights, try JSONEncoder().encode(state.snapshot))
    steps(5..<10, &weights, &state)
    let snapshot = try JSONDecoder().decode(OptimizerSnapshot<Float>.self, from: written)
    var (resumed, resumedState) = (kept, try OptimizerState<Float>(optimizer, golden.layout, snapshot))
    steps(5..<10, &resumed, &resumedState)
    #expect(resumed == weights)
    #expect(resumedState == state)
  }

  @Test func aStateOfSomethingElseIsRefused() throws {
    let layout = ParameterLayout([.init("w", count: 2, isVector: false)])
    let good = try OptimizerState<Double>(.sgd(momentum: 0.9), layout).snapshot
    func isRefused(_ optimizer: Optimizer, _ snapshot: OptimizerSnapshot<Double>) -> Bool {
      do throws(ZooError) {
        _ = try OptimizerState(optimizer, layout, snapshot)
        return false
      } catch {
        return error.code == .doesNotFit
      }
    }
    #expect(!isRefused(.sgd(momentum: 0.9), good))
    #expect(isRefused(.adam(), good))
    var bad = good
    bad.slots[.momentum] = [1]
    #expect(isRefused(.sgd(momentum: 0.9), bad))
    bad = good
    bad.steps = -1
    #expect(isRefused(.sgd(momentum: 0.9), bad))
  }

  @Test func senselessOptimizersAreRefused() throws {
    let layout = ParameterLayout([])
    var optimizers: [Optimizer] = [
      .sgd(momentum: 1), .sgd(momentum: .nan), .sgd(weightDecay: -1), .rmsprop(decay: -0.1), .adam(beta2: 1),
      .adam(epsilon: -1), .sgd(weightDecay: .infinity),
    ]
    for clipping in [GradientClipping.norm(0), .globalNorm(-1), .value(.nan)] {
      optimizers.append(Optimizer(.sgd(momentum: 0, nesterov: false), clipping: clipping))
    }
    optimizers.append(Optimizer(.sgd(momentum: 0, nesterov: false), averaging: 1))
    for optimizer in optimizers {
      let error = #expect(throws: ZooError.self) { try OptimizerState<Float>(optimizer, layout) }
      #expect(error?.code == .invalidArgument)
    }
    let optimizer = Optimizer.adamW()
    let written = try JSONEncoder().encode(optimizer)
    #expect(try JSONDecoder().decode(Optimizer.self, from: written) == optimizer)
  }
}
