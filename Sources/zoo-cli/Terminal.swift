import ArgumentParser
import ModelZooTools
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Results on standard output, everything else on standard error.
enum Terminal {
  /// Writes a line of results.
  static func print(_ line: String = "") throws { try write(line.onOneLine + "\n") }

  /// Writes one JSON document, its keys sorted so that equal results are equal bytes.
  static func print(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    try write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
  }

  static func warning(_ text: String) { diagnose("zoo: warning: \(text.onOneLine)") }

  static func note(_ text: String) { diagnose("zoo: note: \(text.onOneLine)") }

  static func error(_ text: String, remedy: String? = nil) {
    diagnose("zoo: error: \(text.onOneLine)")
    if let remedy { diagnose(remedy.onOneLine) }
  }

  static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// The columns of the terminal that standard error is; 80 where it does not say.
  static var errorWidth: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes raw text to standard error.
  static func writeError(_ text: String) {
    var text = text
    text.withUTF8 { _ = Terminal.writeAll($0, to: STDERR_FILENO) }
  }

  private static func diagnose(_ line: String) { writeError(line + "\n") }

  private static func write(_ text: String) throws {
    var text = text
    let written = text.withUTF8 { writeAll($0, to: STDOUT_FILENO) }
    // Whoever reads has gone away and wants no more words.
    if !written && errno == EPIPE { throw ExitCode(74) }
    guard written else { throw ZooError.file(.write, "standard output") }
  }

  private static func writeAll(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> Bool {
    var rest = UnsafeRawBufferPointer(bytes)
    while let start = rest.baseAddress, !rest.isEmpty {
      #if canImport(Darwin)
        let count = Darwin.write(descriptor, start, rest.count)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, start, rest.count)
      #else
        let count = Glibc.write(descriptor, start, rest.count)
      #endif
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
    return true
  }
}

/// Pads columns of text to a common width.
struct Table {
  private var rows: [[String]] = []
  /// The columns that are aligned at their right edge.
  let rightAligned: Set<Int>

  init(_ header: [String], rightAligned: Set<Int> = []) {
    rows = [header]
    self.rightAligned = rightAligned
  }

  mutating func add(_ row: String...) { rows.append(row) }

  func print() throws {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
    }
    for row in rows {
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += rightAligned.contains(column) ? padding + cell : cell + padding
        if column + 1 < row.count { line += "  " }
      }
      while line.last == " " { line.removeLast() }
      try Terminal.print(line)
    }
  }
}
