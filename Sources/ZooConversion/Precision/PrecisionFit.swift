import ZooCompression
import ZooFormat
import ZooGraph
import ZooImages
import ZooSystem
import ZooTensor
import ZooVerification

/// What a file with smaller weights has to keep to.
public enum FitTarget: Sendable, Hashable {
  /// The most bytes that the file may have; as little error as they allow.
  case bytes(Int)
  /// How far the outputs may move: the root of the mean square over the values' deviation, of logits where the network
  /// ends in probabilities; as few bytes as that allows.
  case error(Double)
}

/// Chooses how each tensor is stored so that a file keeps to a size or to an error.
struct PrecisionFit {
  let graph: Graph
  let preprocessing: Preprocessing
  let threads: Int
  /// Image files to try; synthetic pictures where there are none.
  let images: [String]
  let target: FitTarget
  /// The bytes that are no tensors.
  let headerAllowance: Int

  /// What is tried with each layer alone.
  private static let sensitivityCount = 4
  /// The files that are shown between the largest and the smallest one.
  private static let shownCount = 4
  /// What is aimed at, of the largest error, where pictures are synthetic: photographs move outputs by up to a tenth
  /// more.
  private static let margin = 0.8

  /// - Parameter progress: gets how many layers have been looked at, and of how many.
  /// - Throws: `ZooError` where the smallest file is too large, and what the engine and `weights` throw.
  func choose(
    weights: some WeightSource, progress: (Int, Int) -> Void
  ) throws -> PrecisionChoice {
    let ladder = ladder
    var candidates = try PrecisionCandidates(
      graph: graph, ladder: ladder, layers: ladder.layers(of: graph), weights: weights)
    let path = try path(&candidates, progress: progress)
    var files = Files(
      path: path, trials: try trials(weights, count: OutputTrials.syntheticCount), candidates: candidates)
    let chosen: [Int]
    switch target {
    case .bytes(let limit): chosen = try states(along: path, within: limit)
    case .error(let limit):
      chosen = try files.smallest(largestError: images.isEmpty ? Self.margin * limit : limit)
    }
    var choice = try choice(path.rungs(chosen), &files.candidates)
    choice.outputError = try files.error(chosen)
    choice.trials = files.trials.text
    choice.plan = try coded(choice.plan, weights)
    choice.frontier = try frontier(choice, &files)
    return choice
  }

  /// The files along the way.
  private struct Files<Weights: WeightSource> {
    let path: PrecisionPath
    let trials: OutputTrials
    var candidates: PrecisionCandidates<Weights>

    mutating func plan(_ states: [Int]) throws -> StoragePlan {
      var plan = try candidates.plan(path.rungs(states))
      plan.frames = Zstandard.shared
      return plan
    }

    mutating func error(_ states: [Int]) throws -> Double {
      let plan = try plan(states)
      guard !plan.forms.isEmpty else { return 0 }
      return try trials.error(with: CachedWeights(PlannedWeights(source: candidates.weights, plan: plan)))
    }

    /// The smallest file that errs by no more than `limit`.
    mutating func smallest(largestError limit: Double) throws -> [Int] {
      let last = path.states(after: path.length)
      if try error(last) <= limit { return last }
      // Exact weights have no error, so that a sufficient place exists.
      var (enough, tooFar) = (0, path.length)
      while tooFar - enough > 1 {
        let middle = (enough + tooFar) / 2
        if try error(path.states(after: middle)) <= limit { enough = middle } else { tooFar = middle }
      }
      return path.states(after: enough)
    }
  }

  /// 4 bits where the network bears them.
  private var ladder: PrecisionLadder {
    let small = PrecisionLadder(storage: .int4, graph: graph)
    if (try? small.check(graph)) != nil { return small }
    return PrecisionLadder(storage: .int8, graph: graph)
  }

  private func trials(_ weights: some WeightSource, count: Int) throws -> OutputTrials {
    try OutputTrials(
      graph: graph, preprocessing: preprocessing, threads: threads, images: images, weights: weights,
      count: count)
  }

  // MARK: The way

  private func path(
    _ candidates: inout PrecisionCandidates<some WeightSource>, progress: (Int, Int) -> Void
  ) throws -> PrecisionPath {
    let (ladder, weights) = (candidates.ladder, candidates.weights)
    let trials = try trials(weights, count: Self.sensitivityCount)
    let groups = PrecisionLadder.groups(of: ladder.layers(of: graph))
    var units: [PrecisionPath.Unit] = []
    for (index, group) in groups.enumerated() {
      progress(index, groups.count)
      var states: [PrecisionPath.State] = []
      for rung in (0..<ladder.rungs).reversed() {
        var plan = try candidates.plan(Dictionary(group.map { ($0, rung) }, uniquingKeysWith: { a, _ in a }))
        plan.frames = Zstandard.shared
        let bytes = try plan.byteCount(of: group.flatMap { graph[$0].weights }, weights: weights)
        guard states.last?.bytes != bytes else { continue }
        let error =
          states.isEmpty
          ? 0 : try trials.error(with: CachedWeights(PlannedWeights(source: weights, plan: plan)))
        states.append(PrecisionPath.State(rung: rung, bytes: bytes, cost: error * error))
      }
      units.append(PrecisionPath.Unit(layers: group, states: states))
    }
    let chosen = Set(groups.joined().flatMap { graph[$0].weights })
    var exact = StoragePlan()
    exact.frames = Zstandard.shared
    return PrecisionPath(
      units: units,
      otherBytes: try exact.byteCount(
        of: graph.weightSlots.filter { !chosen.contains($0) }, weights: weights))
  }

  private func states(along path: PrecisionPath, within limit: Int) throws(ZooError) -> [Int] {
    guard let count = path.stepCount(to: limit - headerAllowance) else {
      let least = path.bytes(path.states(after: path.length)) + headerAllowance
      throw ZooError(
        .unsuitable, what: "cannot fit the network into \(byteSize(limit))", at: "",
        "the smallest file has \(byteSize(least))", remedy: "Allow \((least + 999) / 1000) KB or more.")
    }
    return path.states(after: count, filling: limit - headerAllowance)
  }

  // MARK: What is stored

  private func choice(
    _ rungs: [Value: Int], _ candidates: inout PrecisionCandidates<some WeightSource>
  ) throws -> PrecisionChoice {
    let weights = candidates.weights
    let trials = try PrecisionTrials(
      graph: graph.endingInLogits() ?? graph, preprocessing: preprocessing, threads: threads,
      weights: weights)
    let moves = try trials.moves(
      with: CachedWeights(PlannedWeights(source: weights, plan: candidates.plan(rungs))))
    var choice = try candidates.choice(rungs, moves: moves, trials: trials)
    // No limit was stated for layers, so that none is given back for it.
    choice.givenBack = 0
    return choice
  }

  /// The plan with its tensors coded. Where the size is what counts, and not all of them have to be, the largest stay as
  /// they are: they are used where the file is mapped.
  private func coded(_ plan: StoragePlan, _ weights: some WeightSource) throws -> StoragePlan {
    var coded = plan
    coded.frames = Zstandard.shared
    guard case .bytes(let limit) = target else { return coded }
    let sizes = try graph.weightSlots.map { slot in
      try (
        slot: slot, plain: plan.byteCount(of: slot, weights: weights),
        coded: coded.byteCount(of: slot, weights: weights)
      )
    }
    var room = limit - headerAllowance - sizes.reduce(0) { $0 + $1.coded }
    for size in sizes.sorted(by: { $0.plain > $1.plain }) where size.plain - size.coded <= room {
      room -= size.plain - size.coded
      coded.uncoded.insert(size.slot)
    }
    return coded.uncoded.count == sizes.count ? plan : coded
  }

  // MARK: What there is to choose from

  private func frontier(
    _ choice: PrecisionChoice, _ files: inout Files<some WeightSource>
  ) throws -> [FrontierPoint] {
    let weights = files.candidates.weights
    var table = FrontierTable(
      preprocessing: preprocessing, threads: threads, headerAllowance: headerAllowance)
    try table.add(choice.plan, of: graph, error: choice.outputError ?? 0, weights, isChosen: true)
    if choice.plan.frames != nil || !choice.plan.forms.isEmpty {
      try table.add(StoragePlan(), of: graph, error: 0, weights)
    }
    for states in shown(files.path) {
      let plan = try files.plan(states)
      try table.add(plan, of: graph, error: files.error(states), weights)
    }
    try addIntegers(to: &table, weights)
    return table.points.sorted { ($1.bytes, $0.error) < ($0.bytes, $1.error) }
  }

  /// The exact file, the smallest one, and some between, at equal ratios.
  private func shown(_ path: PrecisionPath) -> [[Int]] {
    let largest = Double(path.bytes(path.states(after: 0)))
    let ratio = Double(path.bytes(path.states(after: path.length))) / largest
    let counts = (0...Self.shownCount).compactMap { place in
      path.stepCount(to: Int(largest * pow(ratio, Double(place) / Double(Self.shownCount + 1))))
    }
    return (counts + [path.length]).map { path.states(after: $0) }
  }

  /// The file of `--activations int8`, where the network has such a form.
  private func addIntegers(to table: inout FrontierTable, _ weights: some WeightSource) throws {
    if SplitGraph.applies(to: graph) {
      let split = try SplitGraph(graph)
      let isAdded = try addIntegers(
        of: split.graph, split.weights(from: weights), to: &table, where: \.isMostlyOnCodes)
      if isAdded { return }
    }
    _ = try addIntegers(of: graph, weights, to: &table) { _ in true }
  }

  /// Returns whether there is one that is worth it.
  private func addIntegers(
    of graph: Graph, _ weights: some WeightSource, to table: inout FrontierTable,
    where isWorthIt: (IntegerSearch.Choice) -> Bool
  ) throws -> Bool {
    let plan = try PrecisionSearch(
      graph: graph, preprocessing: preprocessing, threads: threads, storage: .int8,
      largestError: .infinity, areActivationsCodes: true
    ).choose(weights: weights).plan
    do {
      let integers = try IntegerSearch(
        graph: graph, preprocessing: preprocessing, threads: threads, images: images,
        largestError: Tolerances.integerOutputs
      ).choose(weights: CachedWeights(PlannedWeights(source: weights, plan: plan)), original: weights)
      guard isWorthIt(integers) else { return false }
      try table.add(plan, of: graph, error: integers.error, weights, integers: integers.record)
      return true
    } catch let error as ZooError where error.code == .unsuitable {
      return false
    }
  }
}
