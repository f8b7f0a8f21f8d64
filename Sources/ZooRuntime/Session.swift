import CZooKernels
import ZooGraph
import ZooTensor

/// The memory and threads that run an ``Engine``'s plan.
///
/// It may go from thread to thread, but has one caller at a time.
package final class Session: @unchecked Sendable {
  package let engine: Engine
  /// Made by the first run.
  private var arena: FloatArena?
  /// `nil` where the caller does all by itself.
  private let pool: OpaquePointer?
  /// Where each buffer of the plan begins; inputs are filled in by each run.
  private var bases: [UnsafeMutablePointer<Float>] = []

  init(_ engine: Engine) {
    self.engine = engine
    pool = engine.threads > 1 ? zoo_pool_create(Int32(engine.threads)) : nil
  }

  deinit { zoo_pool_destroy(pool) }

  /// Runs the network.
  ///
  /// - Parameter inputs: (N, …) for each of the graph's inputs, in its order; images (N, H, W, C).
  /// - Returns: (N, …) for each of the graph's outputs, in its order.
  package func run(_ inputs: [Tensor]) throws(RuntimeError) -> [Tensor] {
    try run(inputs, keeping: []).outputs
  }

  /// Runs the network and also returns inner values.
  ///
  /// - Parameter keeping: values that the engine materializes: its taps among them.
  package func run(
    _ inputs: [Tensor], keeping: [Value]
  ) throws(RuntimeError) -> (outputs: [Tensor], kept: [Value: Tensor]) {
    for value in keeping where engine.places[value] == nil {
      throw RuntimeError(
        "cannot return a value", at: layer(value), "the plan fuses it away; it has to be a tap",
        category: .usage)
    }
    let batch = try prepare(inputs)
    let wanted = Set(engine.graph.outputs + keeping)
    var captured: [Value: [Float]] = [:]
    for value in wanted {
      captured[value] = [Float](repeating: 0, count: batch * engine.graph[value].shape.elementCount)
    }
    zoo_pool_enter()
    defer { zoo_pool_leave() }
    for example in 0..<batch {
      withInputs(inputs, example: example) {
        capture(engine.given, of: wanted, example: example, in: &captured)
        for step in engine.plannedSteps {
          run(step)
          if !step.produced.isEmpty { capture(step.produced, of: wanted, example: example, in: &captured) }
        }
      }
    }
    var tensors: [Value: Tensor] = [:]
    for (value, values) in captured {
      tensors[value] = Tensor(shape: Shape([batch] + engine.graph[value].shape.dimensions), values: values)
    }
    let outputs = engine.graph.outputs.compactMap { tensors[$0] }
    return (outputs, tensors.filter { keeping.contains($0.key) })
  }

  /// Runs the network and returns every value that is ever in memory.
  package func runAll(_ inputs: [Tensor]) throws(RuntimeError) -> [Value: Tensor] {
    try run(inputs, keeping: engine.materialized).kept
  }

  /// The median time of each step, in the order of ``Engine/steps``, over some runs of the first example.
  package func timeSteps(
    _ inputs: [Tensor], runs: Int = 15
  ) throws(RuntimeError) -> [(step: StepDescription, milliseconds: Double)] {
    let batch = try prepare(inputs)
    let clock = ContinuousClock()
    var times = [[Duration]](repeating: [], count: engine.plannedSteps.count)
    guard batch > 0 else { return [] }
    withInputs(inputs, example: 0) {
      for _ in 0..<max(1, runs) {
        for (index, step) in engine.plannedSteps.enumerated() {
          times[index].append(clock.measure { run(step) })
        }
      }
    }
    return zip(engine.steps, times).map { step, samples in
      let median = samples.sorted()[samples.count / 2].components
      return (step, Double(median.seconds) * 1e3 + Double(median.attoseconds) * 1e-15)
    }
  }

  @inline(__always)
  private func run(_ step: Step) {
    let bases = bases
    step.run(with: engine.table.table.pointee, pool: pool) { bases[$0.buffer] + $0.offset }
  }

  private func layer(_ value: Value) -> String {
    engine.graph.nodes.indices.contains(value.index)
      ? "layer '\(engine.graph[value].name)'" : "#\(value.index)"
  }

  /// Checks the inputs and sees that there is memory to run. Returns the number of examples.
  private func prepare(_ inputs: [Tensor]) throws(RuntimeError) -> Int {
    let batch = try validate(inputs)
    if arena == nil {
      // A kernel's vector may reach past the last value.
      let arena = try FloatArena(floats: engine.arenaFloats + 64, for: "the activations")
      bases = engine.buffers.map { arena.base + $0.arenaOffset }
      self.arena = arena
    }
    return batch
  }

  private func validate(_ inputs: [Tensor]) throws(RuntimeError) -> Int {
    let graph = engine.graph
    guard inputs.count == graph.inputs.count else {
      throw RuntimeError(
        "wrong input", at: "the network", "\(inputs.count) tensors, expected \(graph.inputs.count)")
    }
    let batch = inputs.first?.shape.dimensions.first ?? 0
    for (tensor, input) in zip(inputs, graph.inputs) {
      let expected = graph[input].shape
      guard tensor.shape.rank == expected.rank + 1,
        Array(tensor.shape.dimensions.dropFirst()) == expected.dimensions,
        tensor.shape[0] == batch
      else {
        throw RuntimeError(
          "wrong input", at: layer(input), "the shape \(tensor.shape), expected \(batch)x\(expected)")
      }
    }
    return batch
  }

  /// Points the plan's inputs to one example of the caller's tensors, which stay where they are.
  private func withInputs(_ inputs: [Tensor], example: Int, _ body: () -> Void) {
    func point(_ position: Int) {
      guard position < inputs.count else { return body() }
      inputs[position].values.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return body() }
        let count = engine.graph[engine.graph.inputs[position]].shape.elementCount
        for index in engine.buffers.indices where engine.buffers[index].input == position {
          // No step writes to an input.
          bases[index] = UnsafeMutablePointer(mutating: base + example * count)
        }
        point(position + 1)
      }
    }
    point(0)
  }

  private func capture(
    _ produced: [Value], of wanted: Set<Value>, example: Int, in captured: inout [Value: [Float]]
  ) {
    for value in produced where wanted.contains(value) {
      guard let place = engine.places[value] else { continue }
      let source = bases[place.buffer] + place.offset
      captured[value]?.withUnsafeMutableBufferPointer { target in
        guard let base = target.baseAddress else { return }
        let first = base + example * place.pixels * place.channels
        for pixel in 0..<place.pixels {
          (first + pixel * place.channels).update(from: source + pixel * place.pixel, count: place.channels)
        }
      }
    }
  }
}
