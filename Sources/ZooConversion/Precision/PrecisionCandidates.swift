import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// The ways to store a network's weights that a search goes through: each layer on a step of the ladder.
struct PrecisionCandidates<Weights: WeightSource> {
  let graph: Graph
  let ladder: PrecisionLadder
  let weights: Weights
  /// Whether the factors and shifts of norms have 16 bits where what they follow has codes.
  private let areNormsHalved: Bool
  private let correction: BiasCorrection?
  private struct Key: Hashable {
    let slot: WeightSlot
    let form: TensorForm
  }

  /// What was found of a layer on a step.
  private struct Correction {
    var replaced: [WeightSlot: StoredTensor] = [:]
    var rounding: [WeightSlot: RoundingError] = [:]
    var isCorrected = false
  }
  /// By the layer's kernels on that step.
  private var corrections: [[Key]: Correction] = [:]

  init(
    graph: Graph, ladder: PrecisionLadder, layers: [Value], weights: Weights, areNormsHalved: Bool = false
  ) throws {
    self.graph = graph
    self.areNormsHalved = areNormsHalved
    self.ladder = ladder
    self.weights = weights
    correction =
      ladder.isQuantizing
      ? BiasCorrection(graph: graph, prediction: try ValuePrediction(graph: graph, weights: weights)) : nil
  }

  /// The plan with each layer on its step.
  mutating func plan(_ rungs: [Value: Int]) throws -> StoragePlan {
    var plan = StoragePlan()
    for (layer, rung) in rungs.sorted(by: { $0.key.index > $1.key.index }) {
      try add(layer, on: rung, to: &plan)
    }
    return plan
  }

  private mutating func add(_ layer: Value, on rung: Int, to plan: inout StoragePlan) throws {
    let node = graph[layer]
    for slot in node.weights {
      let form = ladder.form(of: slot, in: node, rung: rung)
      plan.forms[slot] = form == .values(.float32) ? nil : form
      if areNormsHalved, case .codes = form { halveNorms(behind: layer, in: &plan) }
    }
    guard let correction = try correction(of: layer, on: rung) else { return }
    plan.replaced.merge(correction.replaced) { _, new in new }
  }

  /// Stores the factors and shifts of a norm right behind a layer in 16 bits, whose errors are a thousandth of what codes
  /// change there. Its statistics keep 32: they witness what the network was trained on.
  private func halveNorms(behind layer: Value, in plan: inout StoragePlan) {
    for node in graph.nodes where node.inputs == [layer] && node.sharing == nil && node.isBatchNorm {
      for slot in node.weights where slot.role == .gamma || slot.role == .beta {
        plan.forms[slot] = .values(.float16)
      }
    }
  }

  /// What makes up for errors of a layer on a step; nil where it has no codes there.
  private mutating func correction(of layer: Value, on rung: Int) throws -> Correction? {
    guard ladder.isQuantizing else { return nil }
    let node = graph[layer]
    let codes = node.weights.compactMap { slot -> (WeightSlot, QuantizedForm)? in
      if case .codes(let form) = ladder.form(of: slot, in: node, rung: rung) { (slot, form) } else { nil }
    }
    guard !codes.isEmpty else { return nil }
    let key = codes.map { Key(slot: $0, form: .codes($1)) }
    if let known = corrections[key] { return known }
    var found = Correction()
    var stored: [WeightSlot: StoredTensor] = [:]
    for (slot, form) in codes {
      try Cancellation.check()
      let rounding = try rounding(of: slot, in: node, to: form)
      found.rounding[slot] = rounding.error
      let hasWindows = rounding.isBalanced
      guard hasWindows || correction?.applies(to: layer) == true else { continue }
      stored[slot] = StoredTensor(shape: slot.shape, values: rounding.tensor.floats())
      if hasWindows { found.replaced[slot] = stored[slot] }
    }
    if let correction, correction.applies(to: layer) {
      let replaced = try correction.replacements(for: layer, weights: weights) { [weights] slot in
        try stored[slot] ?? weights.tensor(for: slot)
      }
      found.isCorrected = !replaced.isEmpty
      found.replaced.merge(replaced) { _, new in new }
    }
    corrections[key] = found
    return found
  }

  /// The codes of a kernel. Those that are not the nearest ones have to be stored in place of its values.
  private func rounding(
    of slot: WeightSlot, in node: Node, to form: QuantizedForm
  ) throws -> (tensor: QuantizedTensor, error: RoundingError, isBalanced: Bool) {
    if let windows = ladder.windows(of: slot, in: node), try weights.quantizedTensor(for: slot) == nil {
      let rounding = try windows.rounding(of: weights.tensor(for: slot), to: form, name: slot.name)
      return (rounding.tensor, rounding.error, true)
    }
    let rounding = try PlannedWeights(source: weights, plan: StoragePlan()).rounding(of: slot, to: form)
    return (rounding.tensor, rounding.error, false)
  }

  // MARK: Results

  /// What the plan with each layer on its step is and costs.
  mutating func choice(
    _ rungs: [Value: Int], moves: PrecisionTrials.Moves?, trials: PrecisionTrials?
  ) throws -> PrecisionChoice {
    var choice = PrecisionChoice(plan: try plan(rungs))
    choice.error = moves?.largest
    choice.outputError = moves?.outputs.value
    choice.givenBack = rungs.values.count { $0 > 0 }
    let smaller = Set(
      rungs.keys.flatMap { layer in
        graph[layer].weights.filter { ladder.form(of: $0, in: graph[layer], rung: 0) != .values(.float32) }
      })
    choice.singleCount = smaller.count { choice.plan.forms[$0] == nil }
    for (layer, rung) in rungs.sorted(by: { $0.key.index < $1.key.index })
    where graph[layer].sharing == nil {
      let node = graph[layer]
      guard let slot = node.weights.max(by: { $0.shape.elementCount < $1.shape.elementCount }) else {
        continue
      }
      let correction = try correction(of: layer, on: rung)
      choice.layers.append(
        LayerPrecision(
          layer: node.name, form: choice.plan.form(of: slot), rounding: correction?.rounding[slot],
          isCorrected: correction?.isCorrected == true,
          move: moves.flatMap { trials?.move(of: layer, in: $0) }))
    }
    return choice
  }

  /// The layers in the order in which they matter: by `error` of the outputs with a layer alone as small as
  /// it can be. In a network of many layers, those that follow each other are looked at together.
  mutating func bySensitivity(
    _ layers: [Value], error: (StoragePlan) throws -> Double
  ) throws -> [Value] {
    var groups: [(layers: [Value], error: Double)] = []
    for group in PrecisionLadder.groups(of: layers) {
      let rungs = Dictionary(group.map { ($0, 0) }, uniquingKeysWith: { first, _ in first })
      groups.append((group, try error(try plan(rungs))))
    }
    // Equal ones keep their order.
    return groups.enumerated().sorted { a, b in
      a.element.error != b.element.error ? a.element.error > b.element.error : a.offset < b.offset
    }.flatMap(\.element.layers)
  }
}
