import Synchronization
import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor

/// An engine with the sessions that its callers need: as many as there are callers at once.
final class Runner: Sendable {
  let model: Model
  private let engine: Engine
  private let taps: [Value]
  private let idle = Mutex<[Loan]>([])

  /// A session on its way between callers; the pool gives it to one caller at a time.
  private struct Loan: @unchecked Sendable {
    let session: Session
  }

  /// - Parameters:
  ///   - taps: the values to return, in this order.
  ///   - examples: how many will run in all, where that is known.
  init(model: Model, taps: [Value], threads: Int, examples: Int?) throws {
    self.model = model
    self.taps = taps
    self.engine = try Engine(
      graph: model.graph, weights: model.weights,
      options: PlanOptions(threads: threads, taps: taps, packing: .init(examples: examples)))
  }

  /// The tapped values for a batch (N, H, W, C) of preprocessed inputs, each (N, …).
  func run(_ input: Tensor) throws -> [Tensor] {
    let loan = idle.withLock { $0.popLast() } ?? Loan(session: engine.makeSession())
    defer { idle.withLock { $0.append(loan) } }
    let kept = try loan.session.run([input], keeping: taps).kept
    return try taps.map { tap in
      guard let tensor = kept[tap] else {
        throw ZooError(
          .missing, what: "no value", at: "layer '\(model.graph[tap].name)'", "the engine did not keep it")
      }
      return tensor
    }
  }

  /// Pictures brought to the input size by `fitting` and preprocessed as the model's card says, (N, H, W, C); in grey where
  /// the network takes one channel.
  func batch(of pictures: [Picture], fitting: PictureFitting) throws -> Tensor {
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
    return try model.preprocessing.batch(
      of: pictures.map(\.image), height: shape[0], width: shape[1], channels: shape[2], fitting: fitting)
  }
}
