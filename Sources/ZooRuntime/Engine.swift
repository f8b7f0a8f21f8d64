import CZooKernels
import ZooGraph
import ZooTensor

/// What a plan is made for.
package struct PlanOptions: Sendable {
  /// Threads that a session uses, the caller's included; results don't depend on it.
  package var threads: Int
  /// Values besides the outputs that must exist in memory, so that they can be looked at.
  package var taps: [Value]
  /// Forces an instruction set (`avx512`, `avx2`, `neon`, `portable`); `nil`: the environment variable
  /// `ZOO_KERNELS`, or the best that the machine has.
  package var kernels: String?

  package init(threads: Int = 1, taps: [Value] = [], kernels: String? = nil) {
    self.threads = threads
    self.taps = taps
    self.kernels = kernels
  }
}

/// The fast engine: a network planned once, with its weights packed. It never changes and may be
/// shared; every concurrent caller makes a ``Session`` of its own.
package final class Engine: @unchecked Sendable {
  /// The most threads that a session may use.
  package static let threadLimit = 256

  package let graph: Graph
  /// Threads that each session uses, the caller's included.
  package let threads: Int
  /// The values whose exact contents some step writes to memory; the others are fused away.
  package let materialized: [Value]

  let table: Kernels
  let plannedSteps: [Step]
  let buffers: [Buffer]
  let places: [Value: Place]
  /// Values that are in memory before the first step.
  let given: [Value]
  let arenaFloats: Int
  private let weights: PackedWeights

  /// Plans `graph` and packs its weights.
  ///
  /// - Throws: ``RuntimeError`` where the network or the options can't be run, and whatever `weights` throws.
  package init(graph: Graph, weights: some WeightSource, options: PlanOptions) throws {
    guard (1...Engine.threadLimit).contains(options.threads) else {
      throw RuntimeError(
        "cannot plan", at: "the options", "\(options.threads) threads, expected 1 to \(Engine.threadLimit)",
        category: .usage)
    }
    table = try Kernels.choose(options.kernels)
    self.graph = graph
    threads = options.threads
    var planner = Planner(graph: graph, kernels: table, options: options)
    try planner.plan()
    arenaFloats = layOut(&planner.buffers)
    let limit = ReadingLimits.current.activations
    guard arenaFloats <= limit / MemoryLayout<Float>.size else {
      throw RuntimeError(
        "network too large", at: "the activations",
        "\(arenaFloats) values at a time, more than \(limit) bytes; the limit 'activations' can be raised")
    }
    self.weights = try PackedWeights(
      for: &planner.steps, from: weights, kernels: table, zeros: planner.zeros)
    plannedSteps = planner.steps
    buffers = planner.buffers
    given = planner.given
    materialized = (planner.given + planner.steps.flatMap(\.produced)).sorted { $0.index < $1.index }
    var places: [Value: Place] = [:]
    for value in materialized {
      if case .place(let place) = planner.bindings[value.index] { places[value] = place }
    }
    self.places = places
  }

  /// The instruction set: `avx512`, `avx2`, `neon` or `portable`.
  package var kernels: String { table.name }

  /// What is run, in order.
  package var steps: [StepDescription] {
    plannedSteps.map {
      StepDescription(layers: $0.layers, kernel: $0.algorithm, macs: $0.multiplications)
    }
  }

  /// A session of this engine's plan, for one caller at a time.
  package func makeSession() -> Session { Session(self) }

  /// The instruction sets that this machine can run, best first.
  package static var availableKernels: [String] { Kernels.available.map(\.name) }
}
