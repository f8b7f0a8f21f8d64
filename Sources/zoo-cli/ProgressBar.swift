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
    let rate = Double(done) / seconds
    let left = rate > 0 ? ", \(Int((Double(total - done) / rate).rounded(.up))) s left" : ""
    let amounts = "\(format(done)) of \(format(total))"
    let columns = Terminal.errorWidth - 1
    // What a narrow terminal has no room for goes first: the rate, then the time, then the bar.
    for text in ["\(amounts), \(format(Int(rate)))/s\(left)", amounts + left, amounts] {
      let room = columns - label.count - text.count - 4
      guard room >= 10 || text == amounts else { continue }
      let bar = room >= 10 ? Self.bar(share: Double(done) / Double(total), width: min(30, room)) + " " : ""
      return draw("\(label) \(bar)\(text)")
    }
  }

  /// `[####....]`, with `width` columns between the brackets.
  private static func bar(share: Double, width: Int) -> String {
    let filled = Int(min(1, max(0, share)) * Double(width))
    return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "]"
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

  /// A line that wraps could not be removed again.
  private func draw(_ line: String) {
    Terminal.writeError("\r\u{1b}[K\(line.fitting(columns: Terminal.errorWidth - 1))")
    lastDrawn = clock.now
    hasDrawn = true
  }
}

extension String {
  /// Its beginning that takes at most `columns` columns of a terminal, with … where something is left out.
  fileprivate func fitting(columns: Int) -> String {
    // Ideographs, kana, Hangul, full-width forms and pictographs take two columns.
    func width(_ character: Character) -> Int {
      guard let value = character.unicodeScalars.first?.value else { return 0 }
      let isWide =
        (0x1100...0x115f).contains(value) || (0x2e80...0xa4cf).contains(value)
        || (0xac00...0xd7a3).contains(value) || (0xf900...0xfaff).contains(value)
        || (0xfe30...0xfe6f).contains(value) || (0xff00...0xff60).contains(value)
        || (0x1f300...0x3fffd).contains(value)
      return isWide ? 2 : 1
    }
    guard reduce(0, { $0 + width($1) }) > columns else { return self }
    var used = 1
    return prefix { character in
      used += width(character)
      return used <= columns
    } + "…"
  }
}
