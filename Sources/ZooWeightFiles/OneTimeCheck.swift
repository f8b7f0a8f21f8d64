import Synchronization

/// A check that succeeds once for all: later calls cost nothing, and a failure is reported every time.
final class OneTimeCheck: Sendable {
  private let passed = Mutex<Bool>(false)
  private let body: @Sendable () throws(WeightFileError) -> Void

  init(_ body: @escaping @Sendable () throws(WeightFileError) -> Void) { self.body = body }

  func run() throws(WeightFileError) {
    try passed.withLock { passed throws(WeightFileError) in
      if passed { return }
      try body()
      passed = true
    }
  }
}
