import Synchronization

/// Whether anybody still wants the result of what this thread computes.
package enum Cancellation {
  /// What knows it, where work runs on a thread apart from the task that asked for it.
  @TaskLocal private static var probe: (@Sendable () -> Bool)?

  /// Whether the task of this thread, or the one that this thread works for, was cancelled.
  package static var isRequested: Bool { Task.isCancelled || probe?() == true }

  /// Throws an error of the code `cancelled` where ``isRequested``.
  package static func check() throws(ZooError) {
    if isRequested { throw ZooError.cancelled }
  }

  /// Calls `body`, on any thread, while `flag` says whether its result is wanted.
  static func observing<Result>(_ flag: Flag, _ body: () throws -> Result) rethrows -> Result {
    try $probe.withValue({ flag.isSet }, operation: body)
  }

  /// Set once, by any thread.
  final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }
}
