import Testing
import ZooGraph
import ZooKeras
import ZooLearning
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A network with its first weights, and how it is trained.
struct TrainingStepNetwork {
  let setup: TrainingStepSetup
  let network: KerasNetwork
  let start: [WeightSlot: [Double]]
  /// The weights that learn, in the graph's order.
  let learning: [WeightSlot]
  let settings: ReferenceTraining.Settings

  var graph: Graph { network.graph }

  init(_ setup: TrainingStepSetup) throws {
    self.setup = setup
    network = try kerasGraph(configuration: setup.config, inputSize: nil)
    start = try network.values(of: setup.weights)
    let training = network.training
    learning = network.graph.weightSlots.filter {
      $0.role.isTrainable && training[$0.layer]?.isFrozen != true
    }
    settings = ReferenceTraining.Settings(training, of: network.graph, byBatch: setup.mode == .batch)
    for slot in graph.weightSlots { try #require(start[slot] != nil, "\(slot.name)") }
  }

  /// The examples of a step.
  func examples(of step: Int) -> Range<Int> {
    let first = step % 2 * setup.count
    return first..<first + setup.count
  }

  /// (N, …).
  func inputs(of step: Int) -> [Double] {
    let size = setup.inputs.values.count / (2 * setup.count)
    let range = examples(of: step)
    return Array(setup.inputs.values[range.lowerBound * size..<range.upperBound * size])
  }

  /// The loss of some examples, without penalties, and its derivatives by the logits.
  func loss<Scalar: TrainingScalar>(
    of logits: [Scalar], examples: Range<Int>
  ) throws -> (value: Double, gradient: [Scalar]) {
    let columns = logits.count / examples.count
    let targets: LossTargets<Scalar>
    switch setup.targets {
    case .classes(let classes): targets = .classes(Array(classes[examples]))
    case .values(let values):
      let range = examples.lowerBound * columns..<examples.upperBound * columns
      targets = .values(values[range].map { Scalar($0) })
    }
    return try setup.loss.evaluate(
      logits, columns: columns, targets, weights: setup.exampleWeights.map { Array($0[examples]) },
      examples: setup.count)
  }

  /// Adds the penalties' derivatives; returns the penalties. As in Keras, what is frozen has none.
  func addPenalties<Scalar: TrainingScalar>(
    of weights: [Scalar], to gradient: inout [Scalar], _ layout: ParameterLayout
  ) -> Double {
    var sum = 0.0
    for (index, slot) in learning.enumerated() {
      guard let regularizer = network.training[slot.layer]?.regularizers[slot.role] else { continue }
      let range = layout.range(of: index)
      var part = Array(gradient[range])
      sum += regularizer.addPenalty(of: Array(weights[range]), to: &part)
      gradient.replaceSubrange(range, with: part)
    }
    return sum
  }

  var layout: ParameterLayout { ParameterLayout(learning.map { ParameterLayout.Variable($0) }) }
}

/// What training came to after a step.
struct TrainedState {
  /// Weights that learn and statistics that move, minus what they were.
  var changes: [WeightSlot: [Double]] = [:]
  var slots: [OptimizerSlot: [WeightSlot: [Double]]] = [:]
}

/// The losses of all steps, and the states after the first and the last.
struct TrainedRun {
  var losses: [Double] = []
  var states: [TrainedState] = []
}

extension TrainingStepNetwork {
  private func state<Scalar: TrainingScalar>(
    _ optimizer: OptimizerState<Scalar>, values: (WeightSlot) throws -> [Double]?
  ) throws -> TrainedState {
    var state = TrainedState()
    for slot in graph.weightSlots {
      guard let now = try values(slot), let before = start[slot] else { continue }
      state.changes[slot] = zip(now, before).map { $0 - $1 }
    }
    for kind in optimizer.optimizer.slots {
      let all = try #require(optimizer[kind]).map { Double($0) }
      state.slots[kind] = Dictionary(
        uniqueKeysWithValues: learning.enumerated().map { ($1, Array(all[layout.range(of: $0)])) })
    }
    return state
  }

  /// Trains with the oracle.
  func runOracle(steps: Int = 10) throws -> TrainedRun {
    let graph = try graph.endingInLogits() ?? graph
    var weights = ReferenceWeights()
    for (slot, values) in start { weights[slot] = values }
    var optimizer = try OptimizerState<Double>(setup.optimizer, layout)
    var run = TrainedRun()
    for step in 0..<steps {
      let training = try ReferenceTraining(graph: graph, weights: weights, settings: settings)
      let pass = try training.forward(
        [graph.inputs[0]: inputs(of: step)], count: setup.count, to: graph.outputs, learning: Set(learning))
      let (value, slopes) = try loss(of: try #require(pass[graph.outputs[0]]), examples: examples(of: step))
      let found = try pass.backward([graph.outputs[0]: slopes]).weights
      var gradient = try learning.flatMap { try #require(found[$0]) }
      var values = try learning.flatMap { try #require(weights[$0]) }
      run.losses.append(value + addPenalties(of: values, to: &gradient, layout))
      optimizer.step(&values, gradient: gradient, rate: setup.rate)
      for (index, slot) in learning.enumerated() { weights[slot] = Array(values[layout.range(of: index)]) }
      for (slot, moved) in pass.movingStatistics { weights[slot] = moved }
      if step == 0 || step == steps - 1 {
        run.states.append(try state(optimizer) { weights[$0] })
      }
    }
    return run
  }

  /// Trains with the fast engine, in parts of a batch where the layers let it.
  func runEngine(kernels: String, steps: Int = 10) throws -> TrainedRun {
    let stored = start.mapValues { $0.map(Float.init) }
    let weights = ComputedWeights { slot in
      StoredTensor(shape: slot.shape, values: try #require(stored[slot]))
    }
    var options = TrainingOptions()
    options.threads = 2
    options.kernels = kernels
    options.batch = setup.count
    options.part = setup.count - 2
    options.batchMomentum = settings.batchStatistics.mapValues(\.momentum)
    let session = try TrainingSession(
      graph: graph, weights: weights, learning: Set(learning), options: options)
    #expect(session.slots == learning)
    var optimizer = try OptimizerState<Float>(setup.optimizer, layout)
    var run = TrainedRun()
    for step in 0..<steps {
      let shape = Shape([setup.count] + graph[graph.inputs[0]].shape.dimensions)
      let boundary = try session.boundaryValues(of: [
        Tensor(shape: shape, values: inputs(of: step).map(Float.init))
      ])
      let first = examples(of: step).lowerBound
      var value = 0.0
      try session.gradients(of: boundary, step: step) { range, logits in
        let own = try loss(of: logits, examples: first + range.lowerBound..<first + range.upperBound)
        value += own.value
        return own.gradient
      }
      session.withWeights { weights, gradients in
        var gradient = gradients.floats()
        value += addPenalties(of: Array(weights), to: &gradient, layout)
        gradient.withUnsafeBufferPointer { optimizer.step(weights, gradient: $0, rate: setup.rate) }
      }
      run.losses.append(value)
      if step == 0 || step == steps - 1 {
        run.states.append(try state(optimizer) { session.values(of: $0)?.map(Double.init) })
      }
    }
    return run
  }
}
