import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

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
  /// For one image on all threads.
  let shared: Plan
  /// For one image on one thread.
  let single: Plan
  let weights: Weights
  /// The most bytes that a session may hold for values.
  let activationLimit: Int

  /// Where sessions find the weights.
  enum Weights {
    /// Behind the pointers of the plans' steps; kept alive here.
    case packed(PackedWeights)
    case streamed(from: any WeightSource)
  }

  /// Plans `graph` and packs its weights.
  ///
  /// - Parameter shared: where engines of the same weights find what others have packed; without it, nothing is
  ///   shared.
  /// - Throws: `ZooError` where the network or the options can't be run, and whatever `weights` throws.
  package init(
    graph: Graph, weights: any WeightSource, options: PlanOptions, sharing shared: SharedWeights? = nil
  ) throws {
    guard (1...Engine.threadLimit).contains(options.threads) else {
      throw ZooError(
        .invalidArgument, what: "cannot plan", at: "the options",
        "\(options.threads) threads, expected 1 to \(Engine.threadLimit)")
    }
    table = try Kernels.choose(options.kernels)
    self.graph = graph
    threads = options.threads
    var plans = try Engine.plans(graph, table, options)
    let limit = ReadingLimits.current.activations
    guard plans[0].arenaFloats <= limit / MemoryLayout<Float>.size else {
      throw ZooError(
        .tooLarge, what: "network too large", at: "the activations",
        "\(plans[0].arenaFloats) values at a time, more than \(limit) bytes",
        remedy: ReadingLimits.remedy("activations"),
        underlyingError: MemoryShortage(
          weights: 0, values: plans[0].activationBytes, limit: limit))
    }
    activationLimit = try Engine.activationLimit(plans, kernels: table, options: options)
    switch options.packing {
    case .ahead:
      let pool = options.threads > 1 ? zoo_pool_create(Int32(options.threads)) : nil
      defer { zoo_pool_destroy(pool) }
      self.weights = .packed(
        try PackedWeights(
          for: &plans, by: WeightPacker(kernels: table, source: weights, pool: pool),
          sharing: shared ?? SharedWeights()))
    case .streamed: self.weights = .streamed(from: weights)
    }
    self.shared = plans[0]
    single = plans[plans.count - 1]
    materialized = plans[0].places.keys.sorted { $0.index < $1.index }
  }

  /// For all threads, and where there are several, for one.
  static func plans(_ graph: Graph, _ kernels: Kernels, _ options: PlanOptions) throws(ZooError) -> [Plan] {
    var plans = [try Plan(graph: graph, kernels: kernels, options: options)]
    if options.threads > 1 {
      var alone = options
      alone.threads = 1
      plans.append(try Plan(graph: graph, kernels: kernels, options: alone))
    }
    return plans
  }

  /// What is left for values of the memory that the options allow.
  ///
  /// - Throws: `ZooError` where that is not enough for one example.
  private static func activationLimit(
    _ plans: [Plan], kernels: Kernels, options: PlanOptions
  ) throws(ZooError) -> Int {
    let general = ReadingLimits.current.activations
    guard let limit = options.memoryLimit else { return general }
    let values = plans[0].activationBytes
    let streamed = StreamedWeights.byteCount(for: plans[0], kernels: kernels)
    let weights =
      switch options.packing {
      case .ahead: PackedWeights.byteCount(for: plans, kernels: kernels)
      case .streamed: streamed
      }
    let shortage = MemoryShortage(weights: weights, values: values, limit: limit)
    guard shortage.needed <= limit else {
      throw ZooError(
        .tooLarge, what: "network too large", at: "the memory limit",
        "it needs \(shortage.needed) bytes, \(weights) for weights and \(values) for values, more than \(limit)",
        remedy: streamed < weights
          ? "With weights prepared as they are used, it needs \(streamed + values) bytes." : nil,
        underlyingError: shortage)
    }
    return min(general, limit - weights)
  }

  /// The instruction set: `amx`, `avx512`, `avx2`, `neon` or `portable`.
  package var kernels: String { table.name }

  /// What is run, in order.
  package var steps: [StepDescription] { shared.descriptions }

  /// A session of this engine's plan, for one caller at a time.
  package func makeSession() -> Session { Session(self) }

  /// The instruction sets that this machine can run, best first.
  package static var availableKernels: [String] { Kernels.available.map(\.name) }
}
