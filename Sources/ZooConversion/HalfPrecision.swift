import ZooGraph
import ZooImages
import ZooRuntime
import ZooTensor
import ZooVerification

/// Which weights can be stored in half precision so that no layer's output moves too far.
///
/// Rounding a weight to 11 significant bits moves a layer's output by a few ten-thousandths; every layer
/// behind amplifies that. So what has to stay in single precision is the front of a network, where the
/// layers are small, and the choice is one number: from which layer on weights are rounded.
struct HalfPrecision {
  let graph: Graph
  let preprocessing: Preprocessing
  let threads: Int
  /// How far any value may move, of the largest value in its layer.
  let largestError: Double

  /// What the search aims at, of `largestError`: other inputs move values differently than those tried.
  fileprivate static let margin = 0.5

  /// What was chosen, and what it costs.
  struct Choice {
    /// The slots that have to stay in single precision, with the fewest layers that suffice.
    var single: Set<WeightSlot> = []
    /// How far the farthest value moves, of the largest in its layer; nil where any distance is allowed.
    var error: Double?
    /// How far it moves with all weights in half precision; nil where that was not asked.
    var errorOfAll: Double?

    /// The least `largestError` with which all weights are stored in half precision.
    var leastErrorForAll: Double? { errorOfAll.map { $0 / HalfPrecision.margin } }
  }

  func choose(weights: some WeightSource) throws -> Choice {
    if largestError == .infinity { return Choice() }
    let layers = graph.nodes.filter { !$0.weights.isEmpty }
    let trials = try makeTrials(weights: weights)
    func choice(_ count: Int) throws -> Choice {
      let single = Set(layers.prefix(count).flatMap(\.weights))
      return Choice(single: single, error: try error(single, weights: weights, trials: trials))
    }
    func suffices(_ choice: Choice) -> Bool { (choice.error ?? 0) <= Self.margin * largestError }
    var best = try choice(0)
    let errorOfAll = best.error
    best.errorOfAll = errorOfAll
    if suffices(best) { return best }
    // All in single precision has no error, so a smallest sufficient number exists.
    best = Choice(single: Set(layers.flatMap(\.weights)), error: 0)
    var (tooFew, enough) = (0, layers.count)
    while enough - tooFew > 1 {
      let middle = (tooFew + enough) / 2
      let candidate = try choice(middle)
      if suffices(candidate) { (enough, best) = (middle, candidate) } else { tooFew = middle }
    }
    best.errorOfAll = errorOfAll
    return best
  }

  /// Inputs, with all values that the original weights give.
  private struct Trial {
    let inputs: [Tensor]
    let values: [Value: Tensor]
  }

  /// Pictures, and noise of variance 1: what networks are trained on, and what their inputs look like
  /// once normalized.
  private func makeTrials(weights: some WeightSource) throws -> [Trial] {
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: threads))
    let session = engine.makeSession()
    let seeds: [UInt64] = [4, 5]
    let pictures = try seeds.map { try TestInput.make(for: graph, preprocessing: preprocessing, seed: $0) }
    return try (pictures + seeds.map(noise)).map { Trial(inputs: $0, values: try session.runAll($0)) }
  }

  private func noise(seed: UInt64) -> [Tensor] {
    let random = CounterRandom(seed: seed)
    return graph.inputs.map { value in
      let shape = graph[value].shape
      // A uniform number in -1…1 has the variance 1/3.
      return Tensor(
        shape: Shape([1] + shape.dimensions),
        values: (0..<shape.elementCount).map { Float(random.signed($0) * 3.0.squareRoot()) })
    }
  }

  /// The largest error of any layer with these slots in single precision and all others in half.
  private func error(_ single: Set<WeightSlot>, weights: some WeightSource, trials: [Trial]) throws -> Double
  {
    let rounded = RoundedWeights(source: weights, storage: .f16, single: single)
    let session = try Engine(graph: graph, weights: rounded, options: PlanOptions(threads: threads))
      .makeSession()
    var largest = 0.0
    for trial in trials {
      for (value, moved) in try session.runAll(trial.inputs) {
        guard let original = trial.values[value]?.values else { continue }
        var (difference, scale) = (Float(0), Float(0))
        for (a, b) in zip(original, moved.values) {
          difference = max(difference, abs(a - b))
          scale = max(scale, abs(a))
        }
        if difference > 0 { largest = max(largest, Double(difference / scale)) }
      }
    }
    return largest
  }
}
