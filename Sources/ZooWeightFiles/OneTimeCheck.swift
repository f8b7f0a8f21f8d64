import Synchronization
import ZooSystem

/// A check that succeeds once for all: later calls cost nothing, and a failure is reported every time.
final class OneTimeCheck: Sendable {
  private let passed = Mutex<Bool>(false)
  private let body: @Sendable () throws(ZooError) -> Void

  init(_ body: @escaping @Sendable () throws(ZooError) -> Void) { self.body = body }

  func run() throws(ZooError) {
    try passed.withLock { passed throws(ZooError) in
      if passed { return }
      try body()
      passed = true
    }
  }
}
