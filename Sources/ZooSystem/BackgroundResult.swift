import Dispatch
import Synchronization

/// A value that is being computed on a thread of its own.
package final class BackgroundResult<Value: Sendable>: Sendable {
  private let queue = DispatchQueue(label: "zoo.result")
  private let computed = Mutex<Value?>(nil)
  private let body: @Sendable () -> Value

  /// Begins at once.
  package init(_ body: @escaping @Sendable () -> Value) {
    self.body = body
    queue.async { [self] in _ = value }
  }

  /// The value; waits until it is there.
  package var value: Value {
    computed.withLock { computed in
      if let computed { return computed }
      let value = body()
      computed = value
      return value
    }
  }
}
