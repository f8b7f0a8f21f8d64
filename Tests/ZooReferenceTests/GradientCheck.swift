import Testing
import ZooGraph
import ZooReference
import ZooTensor
import ZooTestSupport

/// A network with weights, a batch and the slopes of its outputs, whose gradients are compared with differences.
struct GradientCheck {
  let graph: Graph
  let settings: ReferenceTraining.Settings
  let count: Int
  var weights = ReferenceWeights()
  var inputs: [Value: [Double]] = [:]
  /// The loss is the sum of these times the outputs.
  var slopes: [Value: [Double]] = [:]

  /// - Parameters:
  ///   - range: of the inputs, which are all different.
  ///   - isDeep: whether kernels are so small that values neither grow nor shrink from layer to layer.
  init(
    _ graph: Graph, count: Int = 2, seed: UInt64 = 1, range: ClosedRange<Double> = -1.7...1.7,
    settings: ReferenceTraining.Settings = .init(), isDeep: Bool = false
  ) {
    self.graph = graph
    self.settings = settings
    self.count = count
    var random = SplitMix(seed: seed)
    for slot in graph.weightSlots {
      let bounds = isDeep ? GradientCheck.deepBounds(of: slot) : GradientCheck.bounds(of: slot)
      weights[slot] = (0..<slot.shape.elementCount).map { _ in .random(in: bounds, using: &random) }
    }
    let total = graph.inputs.reduce(0) { $0 + graph[$1].shape.elementCount * count }
    let step = (range.upperBound - range.lowerBound) / Double(total)
    var grid = (0..<total).map { range.lowerBound + (Double($0) + 0.5) * step }.shuffled(using: &random)
    for input in graph.inputs {
      let size = graph[input].shape.elementCount * count
      inputs[input] = Array(grid.prefix(size))
      grid.removeFirst(size)
    }
    for output in graph.outputs {
      slopes[output] = (0..<graph[output].shape.elementCount * count).map { _ in
        .random(in: -1...1, using: &random)
      }
    }
  }

  private static func bounds(of slot: WeightSlot) -> ClosedRange<Double> {
    slot.role == .movingVariance || slot.role == .variance ? 0.5...1.5 : -1...1
  }

  private static func deepBounds(of slot: WeightSlot) -> ClosedRange<Double> {
    let extents = slot.shape.dimensions
    switch slot.role {
    case .kernel, .pointwiseKernel, .depthwiseKernel:
      let inputs = slot.role == .depthwiseKernel ? extents[0] * extents[1] : extents.dropLast().reduce(1, *)
      let bound = (6 / Double(inputs)).squareRoot()
      return -bound...bound
    case .gamma, .movingVariance: return 0.5...1.5
    default: return -0.25...0.25
    }
  }

  var learnable: [WeightSlot] { graph.weightSlots.filter(\.role.isTrainable) }

  func forward(threads: Int = 1) throws -> ReferencePass {
    try ReferenceTraining(graph: graph, weights: weights, settings: settings, threads: threads).forward(
      inputs, count: count, to: graph.outputs, learning: Set(learnable), tracking: Set(graph.inputs))
  }

  func gradients(threads: Int = 1) throws -> ReferenceGradients {
    try forward(threads: threads).backward(slopes)
  }

  /// How much more the loss of `upper` is than that of `lower`.
  private static func difference(_ upper: GradientCheck, _ lower: GradientCheck) throws -> Double {
    let (high, low) = (try upper.forward(), try lower.forward())
    return try upper.slopes.reduce(0) { sum, output in
      let values = zip(try #require(high[output.key]), try #require(low[output.key]))
      return sum + zip(output.value, values).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
    }
  }

  /// Compares the gradient of every value of the inputs and of every weight with a central difference.
  func compareEach(tolerance: Double = 1e-7) throws {
    let found = try gradients()
    #expect(Set(found.weights.keys) == Set(learnable) && Set(found.values.keys) == Set(graph.inputs))
    for input in graph.inputs {
      let gradient = try #require(found.values[input])
      #expect(gradient.contains { $0 != 0 }, "no gradient of \(graph[input].name)")
      try compare(gradient, at: \.inputs[input], tolerance, graph[input].name)
    }
    for slot in learnable {
      let gradient = try #require(found.weights[slot])
      #expect(gradient.contains { $0 != 0 }, "no gradient of \(slot.name)")
      try compare(gradient, at: \.weights[slot], tolerance, slot.name)
    }
  }

  private func compare(
    _ gradient: [Double], at path: WritableKeyPath<GradientCheck, [Double]?>, _ tolerance: Double,
    _ name: String
  ) throws {
    let values = try #require(self[keyPath: path])
    #expect(gradient.count == values.count)
    var (upper, lower) = (self, self)
    for index in values.indices {
      let step = 1e-6 * max(1, abs(values[index]))
      upper[keyPath: path]?[index] = values[index] + step
      lower[keyPath: path]?[index] = values[index] - step
      let numeric = try GradientCheck.difference(upper, lower) / (2 * step)
      upper[keyPath: path]?[index] = values[index]
      lower[keyPath: path]?[index] = values[index]
      let error = abs(numeric - gradient[index])
      #expect(
        error <= tolerance * max(1, abs(numeric)), "\(name)[\(index)]: \(gradient[index]), not \(numeric)")
    }
  }

  /// Compares the gradient along a random direction of all weights and inputs with a central difference.
  ///
  /// A step that takes a value across a corner is not small enough, so smaller ones are tried too.
  func compareDirection(seed: UInt64, tolerance: Double = 1e-6) throws {
    let found = try gradients(threads: 2)
    var numeric: [Double] = []
    var slope = 0.0
    for step in [1e-6, 1e-7, 1e-8] {
      var random = SplitMix(seed: seed)
      var (upper, lower) = (self, self)
      slope = 0
      func move(_ gradient: [Double], _ path: WritableKeyPath<GradientCheck, [Double]?>) throws {
        let values = try #require(self[keyPath: path])
        let size = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        let direction = values.map { _ in Double.random(in: -1...1, using: &random) * size }
        slope += zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
        upper[keyPath: path] = zip(values, direction).map { $0 + step * $1 }
        lower[keyPath: path] = zip(values, direction).map { $0 - step * $1 }
      }
      for input in graph.inputs { try move(try #require(found.values[input]), \.inputs[input]) }
      for slot in learnable { try move(try #require(found.weights[slot]), \.weights[slot]) }
      numeric.append(try GradientCheck.difference(upper, lower) / (2 * step))
      if abs(slope - (numeric.last ?? 0)) <= tolerance * abs(slope) { return }
    }
    Issue.record("the slope is \(slope), the differences say \(numeric)")
  }
}
