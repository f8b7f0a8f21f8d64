import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

/// Computes the gradients of a network's weights, batch by batch.
///
///     let session = try TrainingSession(graph: graph, weights: weights, learning: slots, options: options)
///     let boundary = try session.boundaryValues(of: [pictures])
///     try session.gradients(of: boundary, step: 0) { range, logits in slopes(range, logits) }
///     session.withWeights { weights, gradients in
///       optimizer.step(weights, rate: 0.01, gradient: gradients.values)
///     }
///
/// Below the lowest layer that learns the engine of inference computes; above it every value that the
/// backward pass needs is kept. Results are the same bits for any number of threads. It has one caller at a
/// time.
package final class TrainingSession: @unchecked Sendable {
  package let graph: Graph
  /// The value whose gradient is given: the network's output without the softmax that ends it.
  package let logits: Value
  /// The values at which the part that is trained begins: those that layers which learn read from layers
  /// that don't.
  package let boundary: [Value]
  /// The weights that learn, in the order of the buffers of weights and gradients; each row-major in its
  /// shape.
  package let slots: [WeightSlot]
  /// How many numbers learn.
  package let parameterCount: Int

  let plan: TrainingPlan
  let run: TrainingRun
  private let gradient: TrainingGradient
  private let options: TrainingOptions
  private let pool: OpaquePointer?
  private let memory: [FloatArena]
  /// What computes the boundary; nil where that is the network's input.
  private let prefix: Session?
  private let prefixWeights: SharedWeights
  private var isPrepared = false

  /// Plans the network and reads its weights.
  ///
  /// - Parameters:
  ///   - learning: the weights whose gradients are wanted.
  ///   - output: what is trained; nil: the network's only output.
  /// - Throws: `ZooError` where a layer can't be trained, which it names, or the options are impossible; and
  ///   whatever `weights` throws.
  package init(
    graph: Graph, weights: any WeightSource, learning: Set<WeightSlot>, output: Value? = nil,
    options: TrainingOptions = TrainingOptions()
  ) throws {
    let (plan, kernels) = try TrainingSession.plan(graph, learning, output, options)
    self.graph = graph
    self.plan = plan
    self.options = options
    logits = plan.target
    boundary = plan.boundary
    slots = Array(plan.slots.prefix(plan.learningCount))
    parameterCount = plan.parameterCount
    let sizes = plan.sizes
    memory = try plan.arenas.map { (floats) throws(ZooError) in
      try FloatArena(floats: floats, for: "the training")
    }
    let arena = memory[0].base
    pool = options.threads > 1 ? zoo_pool_create(Int32(options.threads)) : nil
    run = TrainingRun(
      kernels: kernels, pool: pool, threads: options.threads,
      values: plan.buffers.map { arena + $0.arenaOffset }, weights: memory[1].base,
      gradients: memory[2].base, factors: memory[3].base, spare: memory[4].base, packed: memory[5].base,
      transient: memory[6].base, scratch: memory[7].base, zeros: UnsafePointer(memory[8].base),
      sums: UnsafeMutableRawPointer(memory[9].base).bindMemory(to: Double.self, capacity: sizes.sums + 8))
    gradient = TrainingGradient(plan, run)
    let shared = SharedWeights()
    prefix = try TrainingSession.prefix(of: graph, below: plan.boundary).map {
      try Engine(
        graph: $0, weights: weights, options: TrainingSession.prefixOptions(options), sharing: shared)
    }?.makeSession()
    prefixWeights = shared
    for slot in plan.slots {
      guard let place = plan.weights[slot] else { continue }
      let tensor = try weights.tensor(for: slot)
      guard tensor.shape.elementCount == place.count else {
        throw ZooError(.doesNotFit, what: "cannot use weights", at: slot.name, "the tensor has another size")
      }
      var target = run.weights + place.offset
      tensor.forEachPart(length: 1 << 18) { part in
        let values = part.floats()
        target.update(from: values, count: values.count)
        target += values.count
      }
      // There is a copy now.
      tensor.bytes.letGo()
    }
  }

  deinit { zoo_pool_destroy(pool) }

  /// The instruction set: `avx512`, `avx2`, `neon` or `portable`.
  package var kernels: String { run.kernels.name }

  /// The most that its threads compute together in registers alone, in GFLOP/s.
  package func measurePeak() -> Double { run.kernels.measurePeak(threads: run.threads, pool: pool) }

  /// The memory that it holds, in bytes.
  package var memoryBytes: Int {
    memory.reduce((prefix?.activationBytes ?? 0) + prefixWeights.byteCount) { $0 + $1.byteCount }
  }

  // MARK: Weights

  /// Lets `body` read and change the weights that learn and read their gradients, both in the order of
  /// ``slots``. Gradients do not depend on weights any more.
  package func withWeights<Result, Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>, TrainingGradient) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    isPrepared = false
    return try body(UnsafeMutableBufferPointer(start: run.weights, count: parameterCount), gradient)
  }

  /// The present values of a weight of the part that is trained, row-major in its shape; nil for other
  /// weights. Batch norms that normalize by the batch move their stored statistics.
  package func values(of slot: WeightSlot) -> [Float]? {
    plan.weights[slot].map { Array(UnsafeBufferPointer(start: run.weights + $0.offset, count: $0.count)) }
  }

  /// The gradient of a weight, row-major in its shape; nil for those that don't learn.
  package func gradient(of slot: WeightSlot) -> [Float]? {
    guard let place = plan.weights[slot], place.learns else { return nil }
    return gradient.floats(place)
  }

  /// All weights that the part that is trained reads: ``slots``, and then those that don't learn, such as the
  /// statistics of batch norms.
  package var allSlots: [WeightSlot] { plan.slots }

  /// Lets `body` read and change all weights of the part that is trained, in the order of ``allSlots``, each
  /// row-major in its shape.
  package func withAllWeights<Result, Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    isPrepared = false
    return try body(UnsafeMutableBufferPointer(start: run.weights, count: plan.weightCount))
  }

  private func prepare(_ profile: inout [LayerTime]?) {
    guard !isPrepared else { return }
    for index in plan.layers.indices { time(index, \.rest, &profile) { plan.layers[index].prepare(run) } }
    isPrepared = true
  }

  // MARK: Times

  /// The time that a layer takes in a step.
  package struct LayerTime: Sendable {
    /// The name of the layer, the first one of those that are computed together.
    package let layer: String
    package var forward = Duration.zero
    package var backward = Duration.zero
    /// Preparing its weights and completing their gradients.
    package var rest = Duration.zero
  }

  /// How often a step goes through the products of each layer, in their order: forward, and for the gradients of
  /// its input and of its weights.
  package var layerPasses: [(layer: String, passes: Int)] {
    plan.layers.map { layer in
      let hasInput = layer.links.inputGradients.contains { $0 != nil }
      return (layer.name, 1 + (hasInput ? 1 : 0) + (layer.learns ? 1 : 0))
    }
  }

  private func time(
    _ index: Int, _ part: WritableKeyPath<LayerTime, Duration>, _ profile: inout [LayerTime]?,
    _ body: () -> Void
  ) {
    guard profile != nil else { return body() }
    let time = ContinuousClock().measure(body)
    profile?[index][keyPath: part] += time
  }

  // MARK: Batches

  /// The values at which the part that is trained begins, which may be kept as long as the weights below
  /// don't change.
  ///
  /// - Parameter inputs: (N, …) for each of the graph's inputs, in its order; images (N, H, W, C).
  /// - Returns: (N, …) for each of ``boundary``.
  /// - Throws: `ZooError` for inputs that don't fit.
  package func boundaryValues(of inputs: [Tensor]) throws -> [Tensor] {
    if let prefix { return try prefix.run(inputs) }
    guard inputs.count == graph.inputs.count else {
      throw ZooError(
        .doesNotFit, what: "inputs do not fit", at: "the batch",
        "\(inputs.count) inputs, expected \(graph.inputs.count)")
    }
    return boundary.compactMap { value in graph.inputs.firstIndex(of: value).map { inputs[$0] } }
  }

  /// The logits of a batch, as at inference.
  ///
  /// - Parameter values: what ``boundaryValues(of:)`` returns.
  /// - Returns: (N, …) in the shape of ``logits``.
  /// - Throws: `ZooError` for values that don't fit, and where the task was cancelled.
  package func evaluate(_ values: [Tensor]) throws(ZooError) -> Tensor {
    let count = try check(values)
    var profile: [LayerTime]?
    prepare(&profile)
    run.isTraining = false
    var result: [Float] = []
    try forEachPart(of: count, values) { (range) throws(ZooError) in
      for layer in plan.layers { layer.forward(run) }
      result += logits(range.count)
    }
    return Tensor(shape: Shape([count] + graph[logits].shape.dimensions), values: result)
  }

  /// Computes the gradients of a loss, which ``withWeights(_:)`` and ``gradient(of:)`` give.
  ///
  /// - Parameters:
  ///   - values: what ``boundaryValues(of:)`` returns.
  ///   - step: the number of the training step, which the noise of layers depends on.
  ///   - lossGradient: takes some examples of the batch, in order, and their logits (examples, …),
  ///     row-major; returns how the loss of the whole batch changes with each of these.
  /// - Throws: `ZooError` for values that don't fit, and where the task was cancelled; whatever
  ///   `lossGradient` throws.
  package func gradients(
    of values: [Tensor], step: Int = 0, lossGradient: (Range<Int>, [Float]) throws -> [Float]
  ) throws {
    var profile: [LayerTime]?
    try gradients(of: values, step: step, profile: &profile, lossGradient: lossGradient)
  }

  /// The same, with the time that each layer takes.
  ///
  /// - Parameter profile: if not nil, becomes the times of the layers in their order.
  package func gradients(
    of values: [Tensor], step: Int = 0, profile: inout [LayerTime]?,
    lossGradient: (Range<Int>, [Float]) throws -> [Float]
  ) throws {
    let count = try check(values)
    if profile != nil { profile = plan.layers.map { LayerTime(layer: $0.name) } }
    prepare(&profile)
    run.isTraining = true
    run.step = step
    run.total = count
    run.clear(run.gradients, plan.sizes.gradients)
    run.clear(run.spare, plan.sizes.spare)
    run.sums.update(repeating: 0, count: plan.sizes.sums)
    try forEachPart(of: count, values) { range in
      defer { for repeated in plan.repeats.values.joined() { place(repeated.buffer, as: repeated.buffer) } }
      for index in plan.layers.indices {
        try Cancellation.check()
        time(index, \.forward, &profile) { plan.layers[index].forward(run) }
      }
      let slopes = try lossGradient(range, logits(range.count))
      try setLogitsGradient(slopes, range.count)
      for index in plan.layers.indices.reversed() {
        try Cancellation.check()
        time(index, \.backward, &profile) {
          for repeated in plan.repeats[index] ?? [] {
            place(repeated.buffer, as: repeated.later)
            plan.layers[repeated.layer].repeatForward(run)
          }
          plan.layers[index].backward(run)
        }
      }
    }
    for index in plan.layers.indices { time(index, \.rest, &profile) { plan.layers[index].finish(run) } }
  }

  private func place(_ buffer: Int, as other: Int) {
    run.values[buffer] = memory[0].base + plan.buffers[other].arenaOffset
  }

  private func logits(_ count: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: run.values(plan.logits), count: count * plan.logits.floats))
  }

  private func setLogitsGradient(_ slopes: [Float], _ count: Int) throws(ZooError) {
    guard slopes.count == count * plan.logits.floats else {
      throw ZooError(
        .doesNotFit, what: "gradient does not fit", at: "layer '\(graph[logits].name)'",
        "\(slopes.count) values, expected \(count) x \(plan.logits.floats)")
    }
    let target = run.values[plan.logitsGradient]
    let values = run.values(plan.logits)
    for (index, slope) in slopes.enumerated() {
      let passes = plan.logitsLimit.map { values[index] > 0 && values[index] < $0 } ?? true
      target[index] = passes ? slope : 0
    }
  }

  private func forEachPart<Failure: Error>(
    of count: Int, _ values: [Tensor], _ body: (Range<Int>) throws(Failure) -> Void
  ) throws(Failure) {
    zoo_pool_enter()
    defer { zoo_pool_leave() }
    for first in stride(from: 0, to: count, by: plan.part) {
      let range = first..<min(count, first + plan.part)
      (run.first, run.count) = (first, range.count)
      try withBoundary(values[...], at: 0, first) { () throws(Failure) in try body(range) }
    }
  }

  /// Points the boundary's buffers to the caller's values.
  private func withBoundary<Failure: Error>(
    _ values: ArraySlice<Tensor>, at position: Int, _ first: Int, _ body: () throws(Failure) -> Void
  ) throws(Failure) {
    guard let tensor = values.first else { return try body() }
    let place = plan.boundaryPlaces[position]
    try tensor.values.withUnsafeBufferPointer { (pointer) throws(Failure) in
      if let base = pointer.baseAddress {
        run.values[place.buffer] = UnsafeMutablePointer(mutating: base) + first * place.floats
      }
      try withBoundary(values.dropFirst(), at: position + 1, first, body)
    }
  }

  /// The number of examples of a batch that fits.
  private func check(_ values: [Tensor]) throws(ZooError) -> Int {
    guard values.count == boundary.count, let count = values.first?.shape.dimensions.first, count >= 1 else {
      throw ZooError(
        .doesNotFit, what: "values do not fit", at: "the batch",
        "\(values.count) values, expected \(boundary.count)")
    }
    for (tensor, value) in zip(values, boundary) {
      let node = graph[value]
      guard tensor.shape.dimensions == [count] + node.shape.dimensions else {
        throw ZooError(
          .doesNotFit, what: "values do not fit", at: "layer '\(node.name)'",
          "\(tensor.shape), expected \(count) x \(node.shape)")
      }
    }
    guard count <= options.batch else {
      throw ZooError(
        .doesNotFit, what: "values do not fit", at: "the batch",
        "\(count) examples, at most \(options.batch) were planned")
    }
    return count
  }
}
