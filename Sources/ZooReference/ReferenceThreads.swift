import Dispatch

/// Calls `body` with the parts of 0 ..< `count`, one on each thread.
///
/// What a part computes must not depend on where it begins or ends: then results are the same bit for bit for any
/// number of threads.
func split(_ count: Int, threads: Int, _ body: @Sendable (Range<Int>) -> Void) {
  let parts = min(threads, count)
  guard parts > 1 else {
    if count > 0 { body(0..<count) }
    return
  }
  DispatchQueue.concurrentPerform(iterations: parts) { part in
    body(count * part / parts..<count * (part + 1) / parts)
  }
}
