extension AsyncThrowingStream where Failure == any Error {
  /// What `work` tells while it runs, and then its result; where the loop ends early, the work's task is cancelled.
  ///
  /// The work runs whether or not the loop keeps up, which then misses some of the progress.
  static func events<Progress: Sendable, Report: Sendable>(
    of work: @escaping @Sendable (@escaping @Sendable (Progress) -> Void) async throws -> Report,
    progress: @escaping @Sendable (Progress) -> Element, finished: @escaping @Sendable (Report) -> Element
  ) -> AsyncThrowingStream<Element, any Error> where Element: Sendable {
    AsyncThrowingStream(bufferingPolicy: .bufferingNewest(64)) { continuation in
      let task = Task {
        do {
          let report = try await work { continuation.yield(progress($0)) }
          continuation.yield(finished(report))
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }
}
