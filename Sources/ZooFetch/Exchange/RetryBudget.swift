/// How often and when a download is tried again.
struct RetryBudget: Sendable {
  /// Attempts without progress, after the first.
  let retries: Int
  /// Attempts that failed since there was progress.
  private(set) var failures = 0
  private var attempts = 0
  private var most = 0

  /// Bytes more than ever before that count as progress.
  private static let progress = 64 << 10
  /// Attempts altogether, whatever progress each of them makes.
  private static let attemptLimit = 100
  private static let longestPause = 30.0
  /// A server that asks for more patience gets none: a person may decide.
  static let longestWait = 120.0

  init(retries: Int) { self.retries = max(0, retries) }

  /// The seconds until the next attempt; nil: there is none.
  ///
  /// - Parameters:
  ///   - bytes: how many are here.
  ///   - wish: the seconds that the server asks for.
  ///   - jitter: at least 0, below 1.
  mutating func pause(bytes: Int, wish: Double?, jitter: Double) -> Double? {
    attempts += 1
    if bytes >= most + Self.progress { failures = 0 }
    most = max(most, bytes)
    failures += 1
    guard failures <= retries, attempts < Self.attemptLimit, (wish ?? 0) <= Self.longestWait else {
      return nil
    }
    let doubled = 0.5 * Double(1 << min(failures - 1, 10))
    return max(wish ?? 0, min(Self.longestPause, doubled * (0.75 + jitter / 2)))
  }
}
