import ZooFormat
import ZooGraph
import ZooImages
import ZooSystem
import ZooTensor

/// Finds how weights can be stored so that no layer's output moves too far.
///
/// Rounding a weight to 11 significant bits moves a layer's output by a few ten-thousandths; every layer
/// behind amplifies that. So what has to stay in single precision is the front of a network, where the layers
/// are small, and the choice of 16 bits is one number: from which layer on weights are rounded. Codes of 8
/// bits move outputs ten times as far, and which layers matter depends on the network: with these, layers are
/// given back in the order in which they move the outputs when they are the only ones stored as codes, first
/// to 16 bits and then to 32.
package struct PrecisionSearch {
  private let graph: Graph
  private let preprocessing: Preprocessing
  private let threads: Int
  private let storage: StorageType
  private let largestError: Double
  private let areActivationsCodes: Bool

  /// What the search aims at, of `largestError`: other inputs move values differently than those tried.
  package static let margin = 0.5

  /// - Parameter largestError: how far any value may move, of the largest value in its layer; infinite for
  ///   no limit, and then nothing is measured.
  /// - Parameter areActivationsCodes: whether kernels become codes that are too small to save room, and those that read
  ///   pixels: they are computed on codes anyway, so that the mean of their errors is taken off.
  package init(
    graph: Graph, preprocessing: Preprocessing, threads: Int, storage: StorageType, largestError: Double,
    areActivationsCodes: Bool = false
  ) {
    self.graph = graph
    self.preprocessing = preprocessing
    self.threads = threads
    self.storage = storage
    self.largestError = largestError
    self.areActivationsCodes = areActivationsCodes
  }

  /// - Throws: `ZooError` where the type does not suit the network or a weight has no codes, and what
  ///   `weights` throws.
  package func choose(weights: some WeightSource) throws -> PrecisionChoice {
    let ladder = PrecisionLadder(
      storage: storage, graph: graph, codesSmallKernels: areActivationsCodes,
      pixels: areActivationsCodes ? preprocessing.range(channels: 3) : nil)
    try ladder.check(graph)
    let layers = ladder.layers(of: graph)
    guard storage != .f32, !layers.isEmpty else { return PrecisionChoice() }
    var candidates = try PrecisionCandidates(
      graph: graph, ladder: ladder, layers: layers, weights: weights, areNormsHalved: ladder.isQuantizing)
    guard largestError < .infinity else {
      return try candidates.choice(PrecisionLadder.rungs(0, of: layers), moves: nil, trials: nil)
    }
    let trials = try PrecisionTrials(
      graph: ladder.isQuantizing ? graph.endingInLogits() ?? graph : graph, preprocessing: preprocessing,
      threads: threads, weights: weights)

    var order = layers
    func choice(_ position: Int) throws -> PrecisionChoice {
      let rungs = PrecisionLadder.rungs(position, of: order)
      let moves = try trials.moves(
        with: PlannedWeights(source: weights, plan: candidates.plan(rungs)))
      return try candidates.choice(rungs, moves: moves, trials: trials)
    }
    func suffices(_ choice: PrecisionChoice) -> Bool { (choice.error ?? 0) <= Self.margin * largestError }
    var best = try choice(0)
    let errorOfAll = best.error
    best.errorOfAll = errorOfAll
    if suffices(best) { return best }
    if ladder.isQuantizing {
      order = try candidates.bySensitivity(layers) { plan in
        try trials.outputError(with: PlannedWeights(source: weights, plan: plan))
      }
    }
    // All in single precision has no error, so a smallest sufficient number exists.
    var (tooFew, enough) = (0, layers.count * (ladder.rungs - 1))
    best = try candidates.choice(PrecisionLadder.rungs(enough, of: order), moves: nil, trials: nil)
    best.error = 0
    best.outputError = 0
    while enough - tooFew > 1 {
      let middle = (tooFew + enough) / 2
      let candidate = try choice(middle)
      if suffices(candidate) { (enough, best) = (middle, candidate) } else { tooFew = middle }
    }
    best.errorOfAll = errorOfAll
    return best
  }
}
