import ZooSystem

/// Results for many pictures, one after another in their order: an asynchronous sequence.
///
///     for try await picture in classifier.predictionStream(of: paths, loading: { try Picture(path: $0) }) {
///       switch picture.result {
///       case .success(let predictions): print(picture.source, predictions[0].label)
///       case .failure(let error): print(picture.source, error)
///       }
///     }
///
/// A picture that can't be loaded has its error for a result, and the others go on. The loop ends with an error
/// where the model takes no pictures, or where its task is cancelled: that stops before the next picture.
///
/// Pictures are loaded a batch at a time, when the loop asks for the next result: memory does not grow with their
/// number, and a loop that ends early loads no more. Loading and computing take place on a thread that no task
/// needs.
public struct PictureStream<Sources: Sequence & Sendable, Output: Sendable>: AsyncSequence, Sendable
where Sources.Element: Sendable {
  /// What became of one picture.
  public struct Element: Sendable {
    /// Where it comes from.
    public let source: Sources.Element
    /// What the model made of it, or why it could not be loaded.
    public let result: Result<Output, ZooError>
  }

  /// What ends the loop early.
  public typealias Failure = ZooError

  /// Computes the results of a batch, in order.
  typealias Work = @Sendable ([Sources.Element]) async throws(ZooError) -> [Result<Output, ZooError>]

  private let sources: Sources
  private let batch: Int
  private let work: Work

  init(_ sources: Sources, batch: Int, work: @escaping Work) {
    self.sources = sources
    self.batch = Swift.max(1, batch)
    self.work = work
  }

  /// Loads pictures and runs `runner` on those that could be loaded.
  init(
    _ sources: Sources, batch: Int, runner: Runner,
    loading load: @escaping @Sendable (Sources.Element) throws -> Picture,
    outputs: @escaping @Sendable ([Picture]) throws -> [Output]
  ) {
    self.init(sources, batch: batch) { some async throws(ZooError) in
      try await runner.gate.run {
        let loaded = try some.map { source in
          try Cancellation.check()
          return Result { () throws(ZooError) in try ZooError.wrap { try load(source) } }
        }
        var computed = try outputs(loaded.compactMap { try? $0.get() })[...]
        return loaded.map { picture in
          picture.flatMap { _ in
            computed.popFirst().map { .success($0) }
              ?? .failure(ZooError(.missing, what: "no result", at: "the engine", "it gave too few"))
          }
        }
      }
    }
  }

  /// Starts with the first picture.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(sources: sources.makeIterator(), batch: batch, work: work)
  }

  /// Computes a batch whenever the one before is used up.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private var sources: Sources.Iterator
    private let batch: Int
    private let work: Work
    private var ready: ArraySlice<Element> = []

    init(sources: Sources.Iterator, batch: Int, work: @escaping Work) {
      self.sources = sources
      self.batch = batch
      self.work = work
    }

    /// The result for the next picture; nil after the last.
    ///
    /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
    public mutating func next() async throws(ZooError) -> Element? {
      if Task.isCancelled { throw ZooError.cancelled }
      if ready.isEmpty {
        var some: [Sources.Element] = []
        while some.count < batch, let source = sources.next() { some.append(source) }
        guard !some.isEmpty else { return nil }
        ready = zip(some, try await work(some)).map { Element(source: $0, result: $1) }[...]
      }
      return ready.popFirst()
    }
  }
}
