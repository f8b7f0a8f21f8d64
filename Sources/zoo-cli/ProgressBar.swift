import ModelZooTools
import Synchronization
import ZooSystem

/// A bar on standard error, only where that is a terminal and only once the work has taken a second.
final class ProgressBar: Sendable {
  /// What is being done.
  private struct Work {
    let name: String
    let label: String
    let since: ContinuousClock.Instant
    /// How much is done, where that is known.
    var amounts: Amounts?
  }

  private struct Amounts {
    let done: Int
    let total: Int
    /// What was done before the work began, which says nothing of its rate.
    var start = 0
    /// Renders an amount, for what has a rate.
    var format: (@Sendable (Int) -> String)?
    /// What is counted, for what has none.
    var unit = ""

    var text: String {
      format.map { "\($0(done)) of \($0(total))" } ?? "\(unit) \(min(done + 1, total)) of \(total)"
    }
  }

  private struct State {
    var work: Work?
    var lastDrawn: ContinuousClock.Instant?
  }

  private let isShown: Bool
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  init(quiet: Bool) {
    isShown = !quiet && Terminal.standardErrorIsTerminal
    guard isShown else { return }
    // Draws what no call would draw in time: a phase that lasts.
    Task.detached { [weak self] in
      while true {
        try await Task.sleep(for: .milliseconds(200))
        guard let self else { return }
        self.draw()
      }
    }
  }

  /// Shows what is being done where the amount is unknown.
  func show(_ phase: String) { show(phase, amounts: nil) }

  /// Shows how much is done, the rate and the time left. `format` renders an amount.
  func show(_ label: String, done: Int, total: Int, format: @escaping @Sendable (Int) -> String) {
    show(label, amounts: total > 0 ? Amounts(done: done, total: total, format: format) : nil)
  }

  /// Shows which check runs, and where it is.
  func show(_ progress: Verifier.Progress) {
    show(
      progress.phase,
      amounts: progress.total > 0
        ? Amounts(done: progress.done, total: progress.total, unit: progress.unit) : nil)
  }

  /// Shows what a conversion is doing.
  func show(_ progress: Converter.Progress) {
    switch progress {
    case .phase(let name): show(name)
    case .verifying(let check): show(check)
    case .writing(let done, let total): show("writing", done: done, total: total, format: byteSize)
    }
  }

  /// Shows how much of a file is here.
  ///
  /// - Parameters:
  ///   - start: the bytes that were here before.
  ///   - total: of the whole file; nil where nobody says it.
  func showDownload(_ label: String, start: Int, done: Int, total: Int?) {
    if let total, total > 0 {
      show(label, amounts: Amounts(done: done, total: total, start: start, format: byteSize))
    } else {
      show("\(label), \(byteSize(done))", amounts: nil, as: label)
    }
  }

  /// Shows what a training is doing.
  func show(_ progress: HeadTrainer.Progress) {
    switch progress {
    case .phase(let name): show(name)
    case .pictures(let done, let total): show("features", done: done, total: total) { "\($0) pictures" }
    case .penalties(let done, let total):
      show("training the head", amounts: Amounts(done: done, total: total, unit: "penalty"))
    case .tuning(let tuning): show(tuning)
    case .verifying(let check): show(check)
    case .writing(let done, let total): show("writing", done: done, total: total) { byteSize($0) }
    }
  }

  /// Shows how far layers are trained, and how well.
  private func show(_ tuning: TuningProgress) {
    var label = "\(tuning.stage), epoch \(tuning.epoch)"
    if let loss = tuning.validationLoss { label += ", loss \(decimal(loss, 3))" }
    // The label changes with each epoch; the time left is of the whole stage.
    show(
      label, amounts: Amounts(done: tuning.step, total: tuning.steps, format: { "\($0) steps" }),
      as: tuning.stage)
  }

  /// - Parameter work: what counts as the same work, whose time goes on; nil: the label.
  private func show(_ label: String, amounts: Amounts?, as work: String? = nil) {
    guard isShown else { return }
    state.withLock { state in
      let name = work ?? label
      let same = state.work?.name == name ? state.work : nil
      state.work = Work(name: name, label: label, since: same?.since ?? .now, amounts: amounts)
    }
    draw()
  }

  /// Removes the bar.
  func finish() {
    state.withLock { state in
      state.work = nil
      StatusLine.erase()
    }
  }

  deinit { finish() }

  private func draw() {
    let now = ContinuousClock.now
    guard now - start > .seconds(1) else { return }
    state.withLock { state in
      guard let work = state.work else { return }
      if let last = state.lastDrawn, now - last < .milliseconds(100) { return }
      state.lastDrawn = now
      // A line that wraps could not be removed again, even with the ^C of an interruption at its end.
      let columns = Terminal.errorWidth - 3
      StatusLine.show(Self.line(for: work, at: now, columns: columns).fitting(columns: columns))
    }
  }

  private static func line(for work: Work, at now: ContinuousClock.Instant, columns: Int) -> String {
    let elapsed = now - work.since
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    guard let amounts = work.amounts else {
      return seconds < 1 ? work.label : "\(work.label), \(Int(seconds)) s"
    }
    let rate = Double(amounts.done - amounts.start) / max(1e-3, seconds)
    let left = rate > 0 ? ", \(Int((Double(amounts.total - amounts.done) / rate).rounded(.up))) s left" : ""
    let speed = amounts.format.map { ", \($0(Int(rate)))/s" } ?? ""
    // What a narrow terminal has no room for goes first: the rate, then the time, then the bar.
    for text in [amounts.text + speed + left, amounts.text + left, amounts.text] {
      let room = columns - work.label.count - text.count - 4
      guard room >= 10 || text == amounts.text else { continue }
      let share = Double(amounts.done) / Double(amounts.total)
      return "\(work.label) \(room >= 10 ? Self.bar(share: share, width: min(30, room)) + " " : "")\(text)"
    }
    return work.label
  }

  /// `[####....]`, with `width` columns between the brackets.
  private static func bar(share: Double, width: Int) -> String {
    let filled = Int(min(1, max(0, share)) * Double(width))
    return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "]"
  }
}
