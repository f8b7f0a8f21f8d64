import Synchronization

/// The line of a terminal on standard error that shows what is being done.
package enum StatusLine {
  private static let isShown = Atomic<Bool>(false)
  /// To the line's start, and empty it.
  private static var eraser: StaticString { "\r\u{1b}[K" }

  /// Shows `text` in place of what the line showed; it has to fit into one line of the terminal.
  package static func show(_ text: String) {
    isShown.store(true, ordering: .relaxed)
    var line = "\(eraser)\(text)"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// Empties the line where it shows something. Safe in a signal handler, after ``prepare()``.
  package static func erase() {
    guard isShown.exchange(false, ordering: .relaxed) else { return }
    _ = write(STDERR_FILENO, eraser.utf8Start, eraser.utf8CodeUnitCount)
  }

  /// Makes what ``erase()`` needs, which a signal handler may not make itself.
  static func prepare() { _ = isShown.load(ordering: .relaxed) }
}
