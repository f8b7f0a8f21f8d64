import ArgumentParser
import ModelZooTools
import Synchronization
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Results on standard output, everything else on standard error.
///
/// Lines are wrapped and coloured only in a terminal, and coloured only where `NO_COLOR` is not set.
enum Terminal {
  /// Where lines go.
  enum Stream {
    case output, errors

    fileprivate var descriptor: Int32 {
      switch self {
      case .output: STDOUT_FILENO
      case .errors: STDERR_FILENO
      }
    }
  }

  /// What a coloured word means.
  enum Mark: String {
    case good = "32"
    case bad = "1;31"
    case doubtful = "33"
    case faint = "2"
  }

  /// Writes a line of results.
  ///
  /// - Parameters:
  ///   - indent: the blanks before the lines that follow where it is wrapped; nil where it is not to be wrapped.
  ///   - word: what is coloured where the line begins or ends with it.
  static func print(
    _ line: String = "", indent: Int? = 2, colouring word: String = "", as mark: Mark? = nil,
    on stream: Stream = .output
  ) throws {
    var text = lines(line, indent: indent, colouring: word, as: mark, on: stream)
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0), to: stream) }
  }

  /// Writes a value behind its label, wrapped under itself.
  ///
  /// - Parameters:
  ///   - width: the columns of the label and the blanks behind it.
  ///   - margin: the blanks before it.
  static func print(
    row label: String, _ value: String, width: Int = 15, margin: Int = 0, on stream: Stream = .output
  ) throws {
    func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
    try print(
      blanks(margin) + label + blanks(width - label.count) + value, indent: margin + width, on: stream)
  }

  /// Writes bytes of results.
  static func write(_ bytes: UnsafeRawBufferPointer, to stream: Stream = .output) throws {
    guard !writeAll(bytes, to: stream.descriptor) else { return }
    // Whoever reads has gone away and wants no more words.
    if errno == EPIPE { throw ExitCode(74) }
    throw ZooError.file(.write, stream == .output ? "standard output" : "standard error")
  }

  /// Whether a JSON document was printed, of which there is one at most.
  static var hasPrintedJSON: Bool { printedJSON.load(ordering: .relaxed) }
  private static let printedJSON = Atomic<Bool>(false)

  /// Writes one JSON document, its keys sorted so that equal results are equal bytes.
  static func print(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    let text = try encoder.encode(value) + Data("\n".utf8)
    printedJSON.store(true, ordering: .relaxed)
    try text.withUnsafeBytes { try write($0) }
  }

  static func warning(_ text: String) { diagnose("zoo: warning: \(text)", "zoo: warning:", .doubtful) }

  static func note(_ text: String) { diagnose("zoo: note: \(text)", "zoo: note:", .faint) }

  static func error(_ text: String, remedy: String? = nil) {
    diagnose("zoo: error: \(text)", "zoo: error:", .bad)
    if let remedy { continuation(remedy) }
  }

  /// Writes a line that goes on from an error.
  static func continuation(_ text: String) { diagnose(text) }

  static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// The columns of the terminal that standard error is; 80 where it does not say.
  static var errorWidth: Int { width(of: STDERR_FILENO) ?? 80 }

  /// The columns of the terminal that standard output is; nil where it is none.
  static var outputWidth: Int? { width(of: STDOUT_FILENO) }

  /// Whether standard output shows colours, and a person wants them.
  static var outputIsColoured: Bool { isColoured(STDOUT_FILENO) }

  private static func width(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }

  /// Whether a stream shows colours, and a person wants them: see no-color.org.
  private static func isColoured(_ descriptor: Int32) -> Bool {
    func value(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
    return isatty(descriptor) == 1 && value("NO_COLOR").isEmpty && !["", "dumb"].contains(value("TERM"))
  }

  private static func diagnose(_ line: String, _ word: String = "", _ mark: Mark? = nil) {
    StatusLine.erase()
    try? print(line, colouring: word, as: mark, on: .errors)
  }

  private static func lines(
    _ line: String, indent: Int?, colouring word: String, as mark: Mark?, on stream: Stream
  ) -> String {
    var lines = [line.onOneLine]
    if let indent, let width = width(of: stream.descriptor) {
      lines = lines[0].wrapped(columns: width, indent: indent)
    }
    if let mark, !word.isEmpty, isColoured(stream.descriptor) {
      let coloured = "\u{1b}[\(mark.rawValue)m\(word)\u{1b}[0m"
      let last = lines.count - 1
      if lines[0].hasPrefix(word) {
        lines[0] = coloured + lines[0].dropFirst(word.count)
      } else if lines[last].hasSuffix(word) {
        lines[last] = lines[last].dropLast(word.count) + coloured
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes all of `bytes`; false where that fails, with the reason in `errno`.
  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var rest = bytes
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
