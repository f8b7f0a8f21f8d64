import CZooKernels
import Synchronization
import ZooGraph
import ZooSystem
import ZooTensor

/// The memory and threads that run an ``Engine``'s plan.
///
/// It may go from thread to thread, but has one caller at a time. A batch with at least as many images as there
/// are threads is computed one image to a thread, in as many workspaces; what is left over, and a smaller
/// batch, one image after another by all threads.
package final class Session: @unchecked Sendable {
  /// The most images whose large dense layers are computed at once.
  private static let groupLimit = 32

  package let engine: Engine
  /// `nil` where the caller does all by itself.
  let pool: OpaquePointer?
  /// Made when they are first needed.
  private var shared: Workspace?
  private var workers: [Workspace] = []
  private var tails: FloatArena?
  /// What the workspaces copy out.
  private var wanted: [Value] = []

  init(_ engine: Engine) {
    self.engine = engine
    pool = engine.threads > 1 ? zoo_pool_create(Int32(engine.threads)) : nil
  }

  deinit { zoo_pool_destroy(pool) }

  /// Runs the network.
  ///
  /// - Parameter inputs: (N, …) for each of the graph's inputs, in its order; images (N, H, W, C).
  /// - Returns: (N, …) for each of the graph's outputs, in its order.
  /// - Throws: `ZooError` for inputs that don't fit, and, where weights are streamed, whatever their
  ///   source throws.
  package func run(_ inputs: [Tensor]) throws -> [Tensor] {
    try run(inputs, keeping: []).outputs
  }

  /// Runs the network and also returns inner values.
  ///
  /// Where ``Cancellation`` is requested, it ends before the next image.
  ///
  /// - Parameter keeping: values that the engine materializes: its taps among them.
  package func run(
    _ inputs: [Tensor], keeping: [Value]
  ) throws -> (outputs: [Tensor], kept: [Value: Tensor]) {
    for value in keeping where engine.shared.places[value] == nil {
      throw ZooError(
        .invalidArgument, what: "cannot return a value", at: layer(value),
        "the plan fuses it away; request it as a tap")
    }
    let batch = try validate(inputs)
    want(Set(engine.graph.outputs + keeping).sorted { $0.index < $1.index })
    var results = wanted.map {
      [Float](repeating: 0, count: batch * engine.graph[$0].shape.elementCount)
    }
    zoo_pool_enter()
    defer { zoo_pool_leave() }
    try withPointers(to: &results) { outputs in
      try withPointers(to: inputs) { inputs in try run(batch, inputs, outputs) }
    }
    var tensors: [Value: Tensor] = [:]
    for (value, values) in zip(wanted, results) {
      tensors[value] = Tensor(shape: Shape([batch] + engine.graph[value].shape.dimensions), values: values)
    }
    let outputs = engine.graph.outputs.compactMap { tensors[$0] }
    return (outputs, tensors.filter { keeping.contains($0.key) })
  }

  /// Runs the network and returns every value that is ever in memory.
  package func runAll(_ inputs: [Tensor]) throws -> [Value: Tensor] {
    try run(inputs, keeping: engine.materialized).kept
  }

  /// The memory that it holds for activations.
  package var activationBytes: Int {
    ([shared].compactMap(\.self) + workers).reduce(tails?.byteCount ?? 0) { $0 + $1.activationBytes }
  }

  /// The most memory that a session of an engine of these plans holds for activations.
  static func memory(_ plans: [Plan], threads: Int, batch: Int) -> Int {
    func arena(_ floats: Int) -> Int { FloatArena.byteCount(floats: floats + 64) }
    let tail = plans.map(\.tailFloats).max() ?? 0
    let workers = threads > 1 && batch >= threads ? threads * arena(plans[plans.count - 1].arenaFloats) : 0
    // A last batch of fewer examples runs in the shared workspace.
    return arena(plans[0].arenaFloats) + workers + arena(tail * min(batch, groupLimit))
  }

  // MARK: Sharing out a batch

  private func run(
    _ batch: Int, _ inputs: [UnsafeMutablePointer<Float>], _ outputs: [UnsafeMutablePointer<Float>]
  ) throws {
    let workers = try workers(for: batch)
    let group = group(with: workers)
    let whole = workers.isEmpty ? 0 : batch / workers.count * workers.count
    for first in stride(from: 0, to: whole, by: group) {
      let images = first..<min(whole, first + group)
      let arrays = try arrays(inputs, outputs, tails: images.count, of: engine.single)
      try run(images, in: workers, arrays)
    }
    guard whole < batch else { return }
    let workspace = try sharedWorkspace()
    for first in stride(from: whole, to: batch, by: group) {
      let images = first..<min(batch, first + group)
      let arrays = try arrays(inputs, outputs, tails: images.count, of: engine.shared)
      for image in images {
        try Cancellation.check()
        workspace.runHead(image, tail: image - first, arrays, pool: pool)
      }
      workspace.runTail(images, arrays, pool: pool, threads: engine.threads)
    }
    if let failure = workspace.failure { throw failure }
  }

  /// Each worker takes the next image until there are none; then all threads share the tails.
  private func run(
    _ images: Range<Int>, in workers: [Workspace], _ arrays: Workspace.Arrays
  ) throws(ZooError) {
    let next = Atomic(images.lowerBound)
    let stops = Atomic(false)
    share(workers.count, on: pool) { worker in
      while true {
        // Only the caller's thread knows.
        if Cancellation.isRequested { stops.store(true, ordering: .relaxed) }
        let image = next.add(1, ordering: .relaxed).oldValue
        guard image < images.upperBound, !stops.load(ordering: .relaxed) else { return }
        workers[worker].runHead(image, tail: image - images.lowerBound, arrays, pool: nil)
      }
    }
    if stops.load(ordering: .relaxed) { throw ZooError.cancelled }
    workers[0].runTail(images, arrays, pool: pool, threads: engine.threads)
  }

  // MARK: Memory

  /// Workspaces for a thread each; none where the threads share every step.
  private func workers(for batch: Int) throws(ZooError) -> [Workspace] {
    guard engine.threads > 1, batch >= engine.threads, case .packed = engine.weights else { return [] }
    // What is left over of the batch runs in the shared workspace.
    let needed = engine.shared.activationBytes + engine.threads * engine.single.activationBytes
    guard needed <= engine.activationLimit else { return [] }
    while workers.count < engine.threads {
      workers.append(
        try Workspace(engine.single, kernels: engine.table, wanted: wanted, streaming: nil))
    }
    return workers
  }

  /// As many images at once as memory allows, up to ``groupLimit``.
  private func group(with workers: [Workspace]) -> Int {
    let tail = max(engine.single.tailFloats, engine.shared.tailFloats) * MemoryLayout<Float>.size
    guard tail > 0 else { return Session.groupLimit }
    let arenas = workers.reduce(engine.shared.activationBytes) { $0 + $1.activationBytes }
    return max(1, min(Session.groupLimit, 1 + (engine.activationLimit - arenas) / tail))
  }

  func sharedWorkspace() throws(ZooError) -> Workspace {
    if let shared { return shared }
    var packer: WeightPacker?
    if case .streamed(let source) = engine.weights {
      packer = WeightPacker(kernels: engine.table, source: source, pool: pool)
    }
    let workspace = try Workspace(engine.shared, kernels: engine.table, wanted: wanted, streaming: packer)
    shared = workspace
    return workspace
  }

  /// Sets what workspaces copy out; they are made again where that is something else than before.
  func want(_ values: [Value]) {
    guard values != wanted else { return }
    wanted = values
    shared = nil
    workers = []
  }

  func arrays(
    _ inputs: [UnsafeMutablePointer<Float>], _ outputs: [UnsafeMutablePointer<Float>], tails count: Int,
    of plan: Plan
  ) throws(ZooError) -> Workspace.Arrays {
    // A kernel's vector may reach past the last value.
    let floats = plan.tailFloats * count + 64
    let memory: FloatArena
    if let tails, tails.byteCount >= floats * MemoryLayout<Float>.size {
      memory = tails
    } else {
      memory = try FloatArena(floats: floats, for: "the activations")
      tails = memory
    }
    return Workspace.Arrays(inputs: inputs, outputs: outputs, tails: memory.base)
  }

  // MARK: The caller's arrays

  func validate(_ inputs: [Tensor]) throws(ZooError) -> Int {
    let graph = engine.graph
    guard inputs.count == graph.inputs.count else {
      throw ZooError(
        .doesNotFit, what: "wrong input", at: "the network",
        "\(inputs.count) tensors, expected \(graph.inputs.count)")
    }
    let batch = inputs.first?.shape.dimensions.first ?? 0
    for (tensor, input) in zip(inputs, graph.inputs) {
      let expected = graph[input].shape
      guard tensor.shape.rank == expected.rank + 1,
        Array(tensor.shape.dimensions.dropFirst()) == expected.dimensions,
        tensor.shape[0] == batch
      else {
        throw ZooError(
          .doesNotFit, what: "wrong input", at: layer(input),
          "the shape \(tensor.shape), expected \(batch)x\(expected)")
      }
    }
    return batch
  }

  private func layer(_ value: Value) -> String {
    engine.graph.nodes.indices.contains(value.index)
      ? "layer '\(engine.graph[value].name)'" : "#\(value.index)"
  }

  /// Calls `body` with where the values of each tensor lie; nothing may be written there.
  func withPointers(
    to tensors: [Tensor], _ found: [UnsafeMutablePointer<Float>] = [],
    _ body: ([UnsafeMutablePointer<Float>]) throws -> Void
  ) throws {
    guard found.count < tensors.count else { return try body(found) }
    try tensors[found.count].values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      try withPointers(to: tensors, found + [UnsafeMutablePointer(mutating: base)], body)
    }
  }

  /// Calls `body` with where each array lies.
  private func withPointers(
    to arrays: inout [[Float]], _ found: [UnsafeMutablePointer<Float>] = [],
    _ body: ([UnsafeMutablePointer<Float>]) throws -> Void
  ) throws {
    guard found.count < arrays.count else { return try body(found) }
    // Taken out, so that it has one owner and is not copied.
    var values: [Float] = []
    swap(&values, &arrays[found.count])
    defer { swap(&values, &arrays[found.count]) }
    try values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      try withPointers(to: &arrays, found + [base], body)
    }
  }
}
