import ZooSystem

extension FetchConfiguration {
  /// Makes attempts, with pauses between them, until one succeeds or another would not help.
  ///
  /// - Parameters:
  ///   - partial: where bytes gather; more of them make up for failures before.
  ///   - progress: is told of each further attempt.
  /// - Throws: what the last attempt threw; final where the task is cancelled.
  func retrying<Result>(
    _ partial: PartialFile? = nil, progress: (FetchProgress) -> Void,
    _ attempt: () async throws(Setback) -> Result
  ) async throws(Setback) -> Result {
    var budget = RetryBudget(retries: retries)
    while true {
      do throws(Setback) {
        return try await attempt()
      } catch {
        guard case .passing(let passing) = error,
          let seconds = budget.pause(bytes: partial?.bytes ?? 0, wish: passing.wish, jitter: jitter())
        else { throw error }
        progress(.retrying(attempt: budget.failures, seconds: seconds, reason: passing.reason))
        do throws(ZooError) {
          try await pause(seconds: seconds)
        } catch {
          throw .final(error)
        }
      }
    }
  }
}
