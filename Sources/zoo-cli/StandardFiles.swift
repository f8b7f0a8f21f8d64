import ArgumentParser
import ModelZooTools
import ZooSystem

/// A weight file that comes on standard input, in a temporary file: converters read where they like.
struct StandardInput {
  static let name = "standard input"
  /// What a `.zoo` file calls its source.
  static let fileName = "standard-input"

  private let file: TemporaryFile
  var path: String { file.path }

  /// Reads all of standard input.
  init() throws {
    guard isatty(STDIN_FILENO) == 0 else {
      throw ValidationError("- is standard input, but that is a terminal.")
    }
    file = try TemporaryFile(name: Self.fileName)
    try file.fill(from: STDIN_FILENO, name: Self.name, limit: ReadingLimits.current.input)
  }

  /// The text, with what a person knows in place of the temporary file.
  func naming(_ text: String) -> String { text.replacing(path, with: Self.name) }

  /// The same for an error.
  func naming(_ error: ZooError) -> ZooError {
    error.relocated(to: naming(error.location), why: naming(error.why))
  }
}

/// What goes to standard output once it is complete: until then, a temporary file.
struct StandardOutput {
  static let name = "standard output"

  private let file: TemporaryFile
  var path: String { file.path }

  init() throws { file = try TemporaryFile(name: "output.zoo") }

  /// Copies the file to standard output.
  func send() throws {
    let mapped = try MappedFile(path: path)
    defer { withExtendedLifetime(mapped) {} }
    try Terminal.write(mapped.bytes)
  }
}
