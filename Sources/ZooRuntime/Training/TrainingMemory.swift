import ZooGraph
import ZooSystem

// The plan of a training session, and what memory it takes, before there is any.

extension TrainingSession {
  /// The memory that a session of these options takes once it has run a batch, in bytes: values, weights and
  /// gradients, and the engine below the lowest layer that learns. Pictures, values at the boundary and what an
  /// optimizer keeps are the caller's and come on top.
  ///
  /// Nothing is allocated.
  ///
  /// - Parameters:
  ///   - learning: the weights whose gradients are wanted.
  ///   - output: what is trained; nil: the network's only output.
  /// - Throws: `ZooError` where a layer can't be trained, which it names, or the options are impossible.
  package static func memory(
    graph: Graph, learning: Set<WeightSlot>, output: Value? = nil,
    options: TrainingOptions = TrainingOptions()
  ) throws(ZooError) -> Int {
    let (plan, _) = try plan(graph, learning, output, options)
    let own = plan.arenas.reduce(0) { $0 + FloatArena.byteCount(floats: $1) }
    guard let lower = try prefix(of: graph, below: plan.boundary) else { return own }
    return own + (try Engine.memory(graph: lower, options: prefixOptions(options), batch: options.batch))
  }

  /// How many examples of a batch are best computed at once: as many as it takes for three times their values to be no fewer
  /// than the weights, which each part reads anew; a power of two and at least 2. More would leave the caches before they
  /// are read again, and take memory.
  package static func quickestPart(of graph: Graph, learning: Set<WeightSlot>, batch: Int) -> Int {
    let lowest = graph.nodes.firstIndex { !learning.isDisjoint(with: $0.weights) } ?? 0
    let layers = graph.nodes[lowest...].filter { node in node.weights.contains { $0.shape.rank > 1 } }
    let values = layers.reduce(0) { $0 + $1.shape.elementCount }
    let weights = layers.reduce(0) { $0 + $1.weights.reduce(0) { $0 + $1.shape.elementCount } }
    var part = 2
    while part < batch, 3 * part * values < weights { part *= 2 }
    return min(part, batch)
  }

  static func plan(
    _ graph: Graph, _ learning: Set<WeightSlot>, _ output: Value?, _ options: TrainingOptions
  ) throws(ZooError) -> (plan: TrainingPlan, kernels: Kernels) {
    try check(options, graph)
    let kernels = try Kernels.choose(options.kernels)
    guard let output = output ?? (graph.outputs.count == 1 ? graph.outputs[0] : nil) else {
      throw ZooError(.invalidArgument, what: "cannot train", at: "the network", "it has several outputs")
    }
    var planner = try TrainingPlanner(
      graph: graph, learning: learning, output: output, kernels: kernels, options: options)
    try planner.plan()
    let plan = try planner.finish()
    let limit = ReadingLimits.current.activations
    guard plan.arenaFloats <= limit / MemoryLayout<Float>.size else {
      throw ZooError(
        .tooLarge, what: "network too large", at: "the activations",
        "\(plan.arenaFloats) values at a time, more than \(limit) bytes",
        remedy: ReadingLimits.remedy("activations"))
    }
    return (plan, kernels)
  }

  private static func check(_ options: TrainingOptions, _ graph: Graph) throws(ZooError) {
    func refuse(_ why: String, at place: String = "the options") -> ZooError {
      ZooError(.invalidArgument, what: "cannot train", at: place, why)
    }
    guard (1...Engine.threadLimit).contains(options.threads) else {
      throw refuse("\(options.threads) threads, expected 1 to \(Engine.threadLimit)")
    }
    guard options.batch >= 1, options.part >= 1 else { throw refuse("a batch has at least one example") }
    for (name, momentum) in options.batchMomentum {
      guard let node = graph.node(named: name), case .batchNormalization = node.operation,
        (0...1).contains(momentum)
      else { throw refuse("no batch norm with the momentum \(momentum)", at: "layer '\(name)'") }
    }
    for (name, noise) in options.noise {
      guard let node = graph.node(named: name), case .identity = node.operation else {
        throw refuse("only a layer that does nothing at inference can make noise", at: "layer '\(name)'")
      }
      guard noise.isValid else {
        throw refuse("its \(noise.kind.rawValue) is of \(noise.amount)", at: "layer '\(name)'")
      }
    }
  }

  /// What lies below the boundary, as a network of its own; nil where nothing does.
  static func prefix(of graph: Graph, below boundary: [Value]) throws(ZooError) -> Graph? {
    guard !boundary.allSatisfy(graph.inputs.contains) else { return nil }
    let layers = graph.nodes.map {
      Graph.Layer(
        name: $0.name, operation: $0.operation, inputs: $0.inputs.map(\.index), sharing: $0.sharing?.index)
    }
    return try Graph(layers: layers, outputs: boundary.map(\.index))
  }

  static func prefixOptions(_ options: TrainingOptions) -> PlanOptions {
    PlanOptions(threads: options.threads, kernels: options.kernels)
  }
}

extension TrainingPlan {
  /// The sizes in floats of a session's blocks of memory: for values, weights, gradients, factors of gradients,
  /// gradients that nothing learns from, packed weights that stay and those that do not, scratch, zeros, and sums in
  /// double precision.
  var arenas: [Int] {
    [
      arenaFloats + 128, weightCount + 64, sizes.gradients + 64, sizes.factors + 64, sizes.spare + 64,
      sizes.packed + 64, sizes.transient + 64, sizes.scratch + 64, sizes.zeros, 2 * sizes.sums + 16,
    ]
  }
}

extension Engine {
  /// The memory that an engine and a session of it take for batches of `batch` examples, in bytes.
  static func memory(graph: Graph, options: PlanOptions, batch: Int) throws(ZooError) -> Int {
    let kernels = try Kernels.choose(options.kernels)
    let plans = try plans(graph, kernels, options)
    // Packed weights and zeros are a block each, of at least a page.
    return PackedWeights.byteCount(for: plans, kernels: kernels) + 2 * FloatArena.byteCount(floats: 64)
      + Session.memory(plans, threads: options.threads, batch: batch)
  }
}
