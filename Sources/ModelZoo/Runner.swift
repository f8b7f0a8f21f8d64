import Synchronization
import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An engine with the sessions that its callers need: as many as there are callers at once.
final class Runner: Sendable {
  let model: Model
  /// Lets asynchronous callers in.
  let gate: Gate
  private let engine: Engine
  private let taps: [Value]
  private let idle = Mutex<[Loan]>([])

  private static let processors = ProcessInfo.processInfo.activeProcessorCount

  /// A session on its way between callers; the pool gives it to one caller at a time.
  private struct Loan: @unchecked Sendable {
    let session: Session
  }

  /// - Parameters:
  ///   - graph: the model's graph, or a variant of it with the same weights.
  ///   - taps: the values of it to return, in this order.
  init(model: Model, graph: Graph, taps: [Value], options: RunOptions) throws {
    self.model = model
    self.taps = taps
    gate = Gate(limit: options.concurrentCalls ?? Runner.processors / max(1, options.threads))
    var plan = options.planOptions(taps: taps)
    if !options.usesFloats { plan.integers = try model.integers?.form(of: graph, weights: model.weights) }
    engine = try Engine(graph: graph, weights: model.weights, options: plan, sharing: model.packed)
  }

  /// Runs the model as far as `taps` need it.
  convenience init(model: Model, endingAt taps: [Value], options: RunOptions) throws {
    try self.init(model: model, graph: model.graph.ending(at: taps), taps: taps, options: options)
  }

  /// The tapped values for a batch of each of the inputs, (N, …), each (N, …).
  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    let loan = idle.withLock { $0.popLast() } ?? Loan(session: engine.makeSession())
    defer { idle.withLock { $0.append(loan) } }
    let kept = try loan.session.run(inputs, keeping: taps).kept
    return try taps.map { tap in
      guard let tensor = kept[tap] else {
        throw ZooError(
          .missing, what: "no value", at: "layer '\(engine.graph[tap].name)'", "the engine did not keep it")
      }
      return tensor
    }
  }

  /// The tapped values for pictures, each (N, …): some pictures at a time, so that memory does not grow with their
  /// number.
  func run(on pictures: [Picture], fitting: PictureFitting) throws -> [Tensor] {
    // Each thread gets as many.
    let part = (32 + engine.threads - 1) / engine.threads * engine.threads
    guard pictures.count > part else {
      return try run([batch(of: pictures, fitting: fitting)])
    }
    var values = taps.map { _ in [Float]() }
    for (index, tap) in taps.enumerated() {
      values[index].reserveCapacity(pictures.count * engine.graph[tap].shape.elementCount)
    }
    for start in stride(from: 0, to: pictures.count, by: part) {
      let some = Array(pictures[start..<min(start + part, pictures.count)])
      let results = try run([batch(of: some, fitting: fitting)])
      for (index, result) in results.enumerated() { values[index] += result.values }
    }
    return zip(taps, values).map { tap, values in
      Tensor(shape: Shape([pictures.count] + engine.graph[tap].shape.dimensions), values: values)
    }
  }

  /// Pictures brought to the input size by `fitting` and preprocessed as the model's card says, (N, H, W, C); in grey where
  /// the network takes one channel.
  private func batch(of pictures: [Picture], fitting: PictureFitting) throws -> Tensor {
    let shape = model.inputShape
    guard model.graph.inputs.count == 1, shape.rank == 3, [1, 3].contains(shape[2]) else {
      throw ZooError(
        .unsuitable, what: "model takes no pictures", at: model.path,
        "its input is \(shape), expected height x width x 3, or x 1")
    }
    guard shape[2] == 3 || model.preprocessing.takesGrey else {
      throw ZooError(
        .unsuitable, what: "preprocessing does not fit", at: model.path,
        "'\(model.preprocessing.rawValue)' is for three channels, and its input is \(shape)")
    }
    try Cancellation.check()
    return try model.preprocessing.batch(
      of: pictures.map(\.image), height: shape[0], width: shape[1], channels: shape[2], fitting: fitting)
  }
}
