import ZooFormat
import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// A file that a network can have: what it takes and what it costs.
package struct FrontierPoint: Sendable {
  package var bytes: Int
  /// How far the outputs move, as ``FitTarget/error(_:)`` has it.
  package var error: Double
  /// What a picture takes, the least of some runs.
  package var milliseconds: Double
  /// How many weights are stored in which form, by its name.
  package var forms: [String: Int]
  package var isCompressed: Bool
  /// Whether activations have 8 bits, too.
  package var hasIntegerActivations = false
  package var isChosen = false
}

/// Files to choose from, with their sizes and speeds.
struct FrontierTable {
  let preprocessing: Preprocessing
  let threads: Int
  /// The bytes that are no tensors.
  let headerAllowance: Int
  private(set) var points: [FrontierPoint] = []
  /// What decides over the speed: the kernels that are read as codes where they lie, and whether activations are codes
  /// too.
  private struct Arithmetic: Hashable {
    let codes: Set<WeightSlot>
    let hasIntegers: Bool
  }
  private var times: [Arithmetic: Double] = [:]

  /// Sizes that differ by less are not shown twice.
  private static let leastDifference = 0.02

  init(preprocessing: Preprocessing, threads: Int, headerAllowance: Int) {
    self.preprocessing = preprocessing
    self.threads = threads
    self.headerAllowance = headerAllowance
  }

  /// Adds the file of a plan, unless there is one of nearly its size already.
  ///
  /// - Throws: what the engine and `weights` throw.
  mutating func add(
    _ plan: StoragePlan, of graph: Graph, error: @autoclosure () throws -> Double,
    _ weights: some WeightSource,
    integers: IntegerRecord? = nil, isChosen: Bool = false
  ) throws {
    let bytes = try plan.byteCount(of: graph.weightSlots, weights: weights) + headerAllowance
    let isKnown = points.contains {
      !$0.hasIntegerActivations && integers == nil
        && abs(Double($0.bytes - bytes)) < Self.leastDifference * Double(bytes)
    }
    guard !isKnown else { return }
    var forms: [String: Int] = [:]
    for slot in graph.weightSlots { forms[plan.form(of: slot).name, default: 0] += slot.shape.elementCount }
    points.append(
      FrontierPoint(
        bytes: bytes, error: try error(), milliseconds: try milliseconds(plan, graph, weights, integers),
        forms: forms, isCompressed: plan.frames != nil, hasIntegerActivations: integers != nil,
        isChosen: isChosen))
  }

  private mutating func milliseconds(
    _ plan: StoragePlan, _ graph: Graph, _ weights: some WeightSource, _ integers: IntegerRecord?
  ) throws -> Double {
    let dense = graph.nodes.filter { if case .dense = $0.operation { true } else { false } }
    let codes = dense.flatMap(\.weights).filter { if case .codes = plan.form(of: $0) { true } else { false } }
    let arithmetic = Arithmetic(codes: Set(codes), hasIntegers: integers != nil)
    if let known = times[arithmetic] { return known }
    let stored = CachedWeights(PlannedWeights(source: weights, plan: plan))
    let form = try integers?.form(of: graph, weights: stored)
    let session = try Engine(
      graph: graph, weights: stored, options: PlanOptions(threads: threads, integers: form)
    ).makeSession()
    let inputs = try TestInput.make(for: graph, preprocessing: preprocessing, seed: 1)
    let clock = ContinuousClock()
    let start = clock.now
    var (least, runs) = (Double.infinity, 0)
    while runs < 3 || runs < 50 && (clock.now - start).seconds < 0.5 {
      try Cancellation.check()
      let begin = clock.now
      _ = try session.run(inputs)
      least = min(least, (clock.now - begin).seconds)
      runs += 1
    }
    times[arithmetic] = least * 1000
    return least * 1000
  }
}
