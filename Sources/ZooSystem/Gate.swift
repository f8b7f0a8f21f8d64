import Dispatch
import Synchronization

/// Takes work that lasts off the threads that Swift's tasks share, and lets only so much of it run at once.
///
/// Those threads are as many as there are processors, and a task that computes for long on one of them keeps others
/// from going on. Here work runs on a thread of its own; a task that waits for it, or for its turn, is suspended and
/// holds no thread.
package final class Gate: Sendable {
  private struct State {
    var free: Int
    var nextTicket = 0
    /// In the order in which they came.
    var waiting: [(ticket: Int, continuation: CheckedContinuation<Bool, Never>)] = []
  }

  private let state: Mutex<State>

  /// - Parameter limit: how many calls may compute at once; at least one.
  package init(limit: Int) { state = Mutex(State(free: max(1, limit))) }

  /// Runs `body` when it is its turn, on a thread where it may take its time; ``Cancellation`` works there.
  ///
  /// - Throws: what `body` throws, and an error of the code `cancelled` where the task is cancelled before its turn.
  package func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws(ZooError) -> Result {
    let flag = Cancellation.Flag()
    let outcome: Swift.Result<Result, ZooError> = await withTaskCancellationHandler {
      guard await enter() else { return .failure(.cancelled) }
      return await withCheckedContinuation { continuation in
        // A serial queue gets a thread however busy the processors are. A concurrent one would share threads with
        // tasks on systems where these are Dispatch's.
        DispatchQueue(label: "model-zoo.compute").async {
          let outcome = Swift.Result { () throws(ZooError) in
            try ZooError.wrap { try Cancellation.observing(flag, body) }
          }
          self.leave()
          continuation.resume(returning: outcome)
        }
      }
    } onCancel: {
      flag.set()
    }
    return try outcome.get()
  }

  /// Waits for a turn; false where the task was cancelled before.
  private func enter() async -> Bool {
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = state.withLock { state in
          // A cancellation that comes later finds the task in the list.
          if Task.isCancelled { return false }
          guard state.free <= 0 else {
            state.free -= 1
            return true
          }
          state.waiting.append((ticket, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).continuation }
      }
      continuation?.resume(returning: false)
    }
  }

  private func leave() {
    let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }
}
