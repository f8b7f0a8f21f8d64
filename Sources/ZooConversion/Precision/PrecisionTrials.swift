import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// What a network computes on some made inputs, to compare with what it computes with other weights.
struct PrecisionTrials {
  /// Inputs, with all values that the original weights give.
  private struct Trial {
    let inputs: [Tensor]
    let values: [Value: Tensor]
  }

  private static let seeds: [UInt64] = [4, 5]

  private let graph: Graph
  private let threads: Int
  private let trials: [Trial]
  private let readers: [[Int]]

  /// Pictures, and noise of variance 1: what networks are trained on, and what their inputs look like once
  /// normalized.
  ///
  /// - Throws: what the engine and `weights` throw.
  init(graph: Graph, preprocessing: Preprocessing, threads: Int, weights: some WeightSource) throws {
    let session = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: threads))
      .makeSession()
    let pictures = try Self.seeds.map {
      try TestInput.make(for: graph, preprocessing: preprocessing, seed: $0)
    }
    let noise = Self.seeds.map { Self.noise(for: graph, seed: $0) }
    trials = try (pictures + noise).map { Trial(inputs: $0, values: try session.runAll($0)) }
    self.graph = graph
    self.threads = threads
    readers = graph.readers
  }

  private static func noise(for graph: Graph, seed: UInt64) -> [Tensor] {
    let random = CounterRandom(seed: seed)
    return graph.inputs.map { value in
      let shape = graph[value].shape
      // A uniform number in -1…1 has the variance 1/3.
      return Tensor(
        shape: Shape([1] + shape.dimensions),
        values: (0..<shape.elementCount).map { Float(random.signed($0) * 3.0.squareRoot()) })
    }
  }

  // MARK: Moves

  /// How far values move with other weights.
  struct Moves {
    /// The farthest that any value of a node moves, of the largest in it, where the engine has it in memory.
    fileprivate(set) var nodes: [Value: Double] = [:]
    fileprivate(set) var outputs = RelativeError()

    /// The farthest of all.
    var largest: Double { nodes.values.max() ?? 0 }
  }

  /// - Throws: what the engine and `weights` throw.
  func moves(with weights: some WeightSource) throws -> Moves {
    let session = try session(weights)
    var moves = Moves()
    for trial in trials {
      try Cancellation.check()
      for (value, moved) in try session.runAll(trial.inputs) {
        guard let original = trial.values[value]?.values else { continue }
        var (difference, scale) = (Float(0), Float(0))
        for (a, b) in zip(original, moved.values) {
          difference = max(difference, abs(a - b))
          scale = max(scale, abs(a))
        }
        let move = difference > 0 ? Double(difference / scale) : 0
        moves.nodes[value] = max(moves.nodes[value] ?? 0, move)
        if graph.outputs.contains(value) { moves.outputs.add(original, moved.values) }
      }
    }
    return moves
  }

  /// How far the outputs move on pictures, in the mean.
  ///
  /// - Throws: what the engine and `weights` throw.
  func outputError(with weights: some WeightSource) throws -> Double {
    let session = try session(weights)
    var error = RelativeError()
    for trial in trials.prefix(Self.seeds.count) {
      for (output, moved) in zip(graph.outputs, try session.run(trial.inputs)) {
        if let original = trial.values[output]?.values { error.add(original, moved.values) }
      }
    }
    return error.value
  }

  /// How far the values of a layer move: its own, or those of the first node behind that are in memory.
  func move(of layer: Value, in moves: Moves) -> Double? {
    var value = layer
    while moves.nodes[value] == nil {
      guard readers[value.index].count == 1, let next = readers[value.index].first else { return nil }
      value = Value(index: next)
    }
    return moves.nodes[value]
  }

  private func session(_ weights: some WeightSource) throws -> Session {
    try Cancellation.check()
    return try Engine(graph: graph, weights: weights, options: PlanOptions(threads: threads)).makeSession()
  }
}

/// The root of the mean square of differences, of the deviation of the original values.
struct RelativeError {
  private var squares = 0.0
  private var (count, sum, sumOfSquares) = (0.0, 0.0, 0.0)

  mutating func add(_ original: [Float], _ moved: [Float]) {
    for (a, b) in zip(original, moved) {
      let (value, difference) = (Double(a), Double(b) - Double(a))
      squares += difference * difference
      sum += value
      sumOfSquares += value * value
      count += 1
    }
  }

  /// Where all original values are the same, of their size; 0 where nothing has moved.
  var value: Double {
    guard squares > 0, count > 0 else { return squares.isNaN ? .infinity : 0 }
    let variance = sumOfSquares / count - sum * sum / (count * count)
    let scale = variance > 1e-12 * sumOfSquares / count ? variance : sumOfSquares / count
    return (squares / count / scale).squareRoot()
  }
}
