/// An error that a person can act on, printed as `WHAT in WHERE: WHY`.
///
/// Every module has its own error type; this is what they have in common, so that the command line
/// and a program that embeds the library can report any of them alike.
public protocol ZooError: Error, Sendable, CustomStringConvertible {
  /// What could not be done or what is wrong, for example `malformed HDF5 file`.
  var what: String { get }
  /// Where: a file, and inside it a tensor, layer or byte offset.
  var location: String { get }
  /// Why: what was expected and what was found.
  var why: String { get }
  /// What a person can do about it, if anything is known to help.
  var remedy: String? { get }
  /// Which kind of failure it is; the command line's exit code follows from it.
  var category: ErrorCategory { get }
}

extension ZooError {
  public var remedy: String? { nil }
  /// One line of readable length, whatever names a file has.
  public var description: String {
    (location.isEmpty
      ? "\(what.shortened): \(why.shortened)"
      : "\(what.shortened) in \(location.shortened): \(why.shortened)")
      .onOneLine
  }
}

extension String {
  /// The text, or where it is very long its start and its end.
  fileprivate var shortened: String {
    let limit = 4096
    return utf8.count <= limit ? self : "\(prefix(limit / 8)) … \(suffix(limit / 8))"
  }

  /// The text with blanks for control characters: names from files must not forge further lines or drive
  /// a terminal.
  package var onOneLine: String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? " " : $0 }))
  }
}

extension Unicode.Scalar {
  fileprivate var isControl: Bool {
    // C0, C1, and the separators of lines and paragraphs.
    value < 0x20 || (0x7f...0x9f).contains(value) || (0x2028...0x2029).contains(value)
  }
}

/// The kinds of failure, after `sysexits.h`.
public enum ErrorCategory: Sendable {
  /// The input is malformed, not supported, or does not fit.
  case badInput
  /// The input can't be opened.
  case cannotOpen
  /// The output can't be made.
  case cannotCreate
  /// Reading or writing failed midway.
  case inputOutput
  /// The request itself makes no sense.
  case usage
  /// A verification said no.
  case verificationFailed
}
