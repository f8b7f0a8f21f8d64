import ZooSystem

/// A bar on standard error, only where that is a terminal and only once the work has taken a second.
final class ProgressBar {
  private let isShown: Bool
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastDrawn: ContinuousClock.Instant?
  private var hasDrawn = false
  /// What is being counted, and since when.
  private var counting: (label: String, since: ContinuousClock.Instant)?

  init(quiet: Bool) {
    isShown = !quiet && Terminal.standardErrorIsTerminal
    start = clock.now
  }

  /// Shows what is being done where the amount is unknown.
  func show(_ phase: String) {
    guard isDue else { return }
    draw(phase)
  }

  /// Shows how much is done, the rate and the time left. `format` renders an amount.
  func show(_ label: String, done: Int, total: Int, format: (Int) -> String) {
    guard isShown, total > 0 else { return }
    let since = counting?.label == label ? counting?.since ?? clock.now : clock.now
    counting = (label, since)
    guard isDue else { return }
    let elapsed = clock.now - since
    let seconds = max(
      1e-3, Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18)
    let share = Double(done) / Double(total)
    let filled = Int(share * 30)
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
    let rate = Double(done) / seconds
    let left = rate > 0 ? "\(Int((Double(total - done) / rate).rounded(.up))) s left" : ""
    draw("\(label) [\(bar)] \(format(done)) of \(format(total)), \(format(Int(rate)))/s, \(left)")
  }

  /// Removes the bar.
  func finish() {
    if hasDrawn { Terminal.writeError("\r\u{1b}[K") }
    hasDrawn = false
  }

  deinit { finish() }

  private var isDue: Bool {
    guard isShown, clock.now - start > .seconds(1) else { return false }
    guard let lastDrawn else { return true }
    return clock.now - lastDrawn > .milliseconds(100)
  }

  private func draw(_ line: String) {
    Terminal.writeError("\r\u{1b}[K\(line)")
    lastDrawn = clock.now
    hasDrawn = true
  }
}
