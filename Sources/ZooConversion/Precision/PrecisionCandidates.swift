import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// The ways to store a network's weights that a search goes through.
///
/// They are numbered: with layers in an order, number p has all of them on step p / count of the ladder, and
/// the first p % count of them one step further.
struct PrecisionCandidates<Weights: WeightSource> {
  /// The most groups of layers that are looked at apart, so that a deep network does not take longer than
  /// others.
  private static var sensitivityLimit: Int { 64 }

  let graph: Graph
  let ladder: PrecisionLadder
  let weights: Weights
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

  init(graph: Graph, ladder: PrecisionLadder, layers: [Value], weights: Weights) throws {
    self.graph = graph
    self.ladder = ladder
    self.weights = weights
    correction =
      ladder.isQuantizing
      ? BiasCorrection(graph: graph, prediction: try ValuePrediction(graph: graph, weights: weights)) : nil
  }

  /// The plan of a number.
  mutating func plan(_ number: Int, of order: [Value]) throws -> StoragePlan {
    var plan = StoragePlan()
    // A layer that is called twice has the form of its first call.
    for (place, layer) in order.enumerated().reversed() {
      try add(layer, on: rung(number, place, order.count), to: &plan)
    }
    return plan
  }

  private func rung(_ number: Int, _ place: Int, _ count: Int) -> Int {
    number / count + (place < number % count ? 1 : 0)
  }

  private mutating func add(_ layer: Value, on rung: Int, to plan: inout StoragePlan) throws {
    let node = graph[layer]
    for slot in node.weights {
      let form = ladder.form(of: slot, in: node, rung: rung)
      plan.forms[slot] = form == .values(.float32) ? nil : form
    }
    guard let correction = try correction(of: layer, on: rung) else { return }
    plan.replaced.merge(correction.replaced) { _, new in new }
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
    if let windows = WindowRounding(of: slot, in: node), try weights.quantizedTensor(for: slot) == nil {
      let rounding = try windows.rounding(of: weights.tensor(for: slot), to: form, name: slot.name)
      return (rounding.tensor, rounding.error, true)
    }
    let rounding = try PlannedWeights(source: weights, plan: StoragePlan()).rounding(of: slot, to: form)
    return (rounding.tensor, rounding.error, false)
  }

  // MARK: Results

  /// What the plan of a number is and costs.
  mutating func choice(
    _ number: Int, of order: [Value], moves: PrecisionTrials.Moves?, trials: PrecisionTrials?
  ) throws -> PrecisionChoice {
    var choice = PrecisionChoice(plan: try plan(number, of: order))
    choice.error = moves?.largest
    choice.outputError = moves?.outputs.value
    choice.givenBack = number == 0 ? 0 : min(number, order.count)
    let smaller = Set(
      order.flatMap { layer in
        graph[layer].weights.filter { ladder.form(of: $0, in: graph[layer], rung: 0) != .values(.float32) }
      })
    choice.singleCount = smaller.count { choice.plan.forms[$0] == nil }
    let places = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    for layer in order.sorted(by: { $0.index < $1.index }) where graph[layer].sharing == nil {
      let node = graph[layer]
      guard let slot = node.weights.max(by: { $0.shape.elementCount < $1.shape.elementCount }) else {
        continue
      }
      let correction = try correction(of: layer, on: rung(number, places[layer] ?? 0, order.count))
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
    let length = (layers.count + Self.sensitivityLimit - 1) / Self.sensitivityLimit
    var groups: [(layers: ArraySlice<Value>, error: Double)] = []
    for start in stride(from: 0, to: layers.count, by: length) {
      let group = layers[start..<min(start + length, layers.count)]
      var plan = StoragePlan()
      for layer in group { try add(layer, on: 0, to: &plan) }
      groups.append((group, try error(plan)))
    }
    // Equal ones keep their order.
    return groups.enumerated().sorted { a, b in
      a.element.error != b.element.error ? a.element.error > b.element.error : a.offset < b.offset
    }.flatMap(\.element.layers)
  }
}
