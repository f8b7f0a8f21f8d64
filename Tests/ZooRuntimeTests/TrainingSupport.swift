import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// A network with weights and a batch, whose gradients the fast engine and the oracle compute.
struct TrainingCheck {
  let graph: Graph
  let weights: DictionaryWeights
  let inputs: [Tensor]
  let slopes: [Float]
  var learning: Set<WeightSlot>
  var options = TrainingOptions()
  private let count: Int

  /// - Parameter learning: whether a weight learns; statistics never do.
  init(
    _ graph: Graph, count: Int = 3, seed: UInt64 = 1, learning: (WeightSlot) -> Bool = { _ in true }
  ) throws {
    self.graph = graph
    self.count = count
    weights = TrainingCheck.weights(of: graph, seed: seed)
    inputs = randomInputs(graph, batch: count, seed: seed &+ 1)
    self.learning = Set(graph.weightSlots.filter { $0.role.isTrainable && learning($0) })
    var random = SplitMix(seed: seed &+ 2)
    let output = graph[graph.outputs[0]].shape
    slopes = (0..<count * output.elementCount).map { _ in .random(in: -1...1, using: &random) }
    options.batch = count
    options.part = count
  }

  /// Values neither grow nor shrink much from layer to layer.
  private static func weights(of graph: Graph, seed: UInt64) -> DictionaryWeights {
    var random = SplitMix(seed: seed)
    var tensors: [String: StoredTensor] = [:]
    for slot in graph.weightSlots {
      let extents = slot.shape.dimensions
      let range: ClosedRange<Float>
      switch slot.role {
      case .kernel, .pointwiseKernel, .depthwiseKernel:
        let inputs =
          slot.role == .depthwiseKernel ? extents[0] * extents[1] : extents.dropLast().reduce(1, *)
        let bound = (6 / Float(inputs)).squareRoot()
        range = -bound...bound
      case .gamma, .movingVariance, .variance: range = 0.5...1.5
      default: range = -0.25...0.25
      }
      tensors[slot.name] = StoredTensor(
        shape: slot.shape,
        values: (0..<slot.shape.elementCount).map { _ in .random(in: range, using: &random) })
    }
    return DictionaryWeights(tensors)
  }

  /// The oracle's gradients, and the value whose gradient is given.
  func truth(step: Int = 0, logits: Value) throws -> [WeightSlot: [Double]] {
    var settings = ReferenceTraining.Settings()
    for (name, momentum) in options.batchMomentum {
      settings.batchStatistics[name] = BatchStatistics(momentum: momentum)
    }
    settings.noise = options.noise
    settings.seed = options.seed
    settings.step = step
    let training = try ReferenceTraining(graph: graph, weights: weights, settings: settings)
    var known: [Value: [Double]] = [:]
    for (value, tensor) in zip(graph.inputs, inputs) { known[value] = tensor.values.map(Double.init) }
    let pass = try training.forward(known, count: count, to: [logits], learning: learning)
    return try pass.backward([logits: slopes.map(Double.init)]).weights
  }

  func session(threads: Int = 1, kernels: String? = nil, part: Int? = nil) throws -> TrainingSession {
    var options = options
    options.threads = threads
    options.kernels = kernels
    if let part { options.part = part }
    return try TrainingSession(graph: graph, weights: weights, learning: learning, options: options)
  }

  func runGradients(_ session: TrainingSession, step: Int = 0) throws {
    let size = slopes.count / count
    try session.gradients(of: session.boundaryValues(of: inputs), step: step) { range, _ in
      Array(slopes[range.lowerBound * size..<range.upperBound * size])
    }
  }

  /// Compares all gradients with the oracle's for every instruction set.
  ///
  /// - Parameters:
  ///   - tolerance: of the distance of each weight's gradient, relative to its norm.
  ///   - whole: the same of all gradients together.
  func compare(
    tolerance: Double = 2e-6, whole: Double = 2e-6, threads: Int = 2, part: Int? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for kernels in Engine.availableKernels {
      let session = try session(threads: threads, kernels: kernels, part: part)
      // Twice: the second time finds memory as the first one left it.
      try runGradients(session, step: 3)
      try runGradients(session, step: 4)
      let truth = try truth(step: 4, logits: session.logits)
      #expect(Set(session.slots) == learning, sourceLocation: sourceLocation)
      var differences: [(slot: WeightSlot, error: Double, norm: Double)] = []
      for slot in session.slots {
        let found = try #require(session.gradient(of: slot), sourceLocation: sourceLocation)
        let expected = try #require(truth[slot], sourceLocation: sourceLocation)
        let (error, norm) = TrainingCheck.difference(found, expected)
        differences.append((slot, error, norm))
      }
      let norm = differences.reduce(0) { $0 + $1.norm * $1.norm }.squareRoot()
      let error = differences.reduce(0) { $0 + $1.error * $1.error }.squareRoot()
      #expect(norm > 0 && error <= whole * norm, "\(kernels)", sourceLocation: sourceLocation)
      // Some gradients are zero, but for rounding.
      for own in differences {
        #expect(
          own.error <= tolerance * own.norm + 1e-6 * norm,
          "\(kernels), \(own.slot.name): off by \(own.error / own.norm)", sourceLocation: sourceLocation)
      }
    }
  }

  static func difference(_ found: [Float], _ expected: [Double]) -> (error: Double, norm: Double) {
    var (error, norm) = (0.0, 0.0)
    for (a, b) in zip(found, expected) {
      error += (Double(a) - b) * (Double(a) - b)
      norm += b * b
    }
    return (error.isNaN ? .infinity : error.squareRoot(), norm.squareRoot())
  }
}

extension GraphBuilder {
  /// A first layer that learns, so that what comes after it has a gradient to hand down.
  mutating func learningInput(_ height: Int, _ width: Int, _ channels: Int) -> Value {
    let input = add("input", .input(shape: [height, width, 3]))
    return add(
      "first",
      .convolution(
        Convolution(
          filters: channels, kernel: Extent2D(1), strides: .one, padding: .valid, dilation: .one, groups: 1,
          useBias: true, activation: .linear)), input)
  }
}
