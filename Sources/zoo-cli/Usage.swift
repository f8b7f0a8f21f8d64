import ArgumentParser
import ModelZooTools

/// Arguments that make no sense: what is wrong, how the command that was meant is used, and where to read more.
struct UsageMessage {
  let error: String
  /// What the argument at fault is for, the command's usage, and its help.
  let notes: [String]

  /// What the parser says of its own error, or of one that a command threw while it ran.
  ///
  /// - Parameter command: the command that ran, where there was one.
  init(_ error: any Error, in command: (any ParsableCommand.Type)?) {
    self.error = Zoo.message(for: error)
    if let command {
      notes = [
        "Usage: \(Zoo.usageString(for: command))",
        "  See 'zoo \(command.configuration.commandName ?? "") --help' for more information.",
      ]
    } else {
      // The parser's text begins with the message, which may have several lines.
      let lines = Zoo.fullMessage(for: error).split(separator: "\n").map(String.init)
      notes = Array(lines.drop { !$0.hasPrefix("Help:") && !$0.hasPrefix("Usage:") })
    }
  }

  func print() {
    Terminal.error(error)
    for note in notes { Terminal.continuation(note) }
  }
}

/// The command that the arguments name, which the parser takes for one argument too many where it is misspelt.
enum CommandName {
  /// - Throws: a usage error where the first argument is no command, or `help` is asked for one that is none.
  static func check(_ arguments: [String]) throws {
    guard let first = arguments.first, !first.hasPrefix("-") else { return }
    let known = Zoo.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    let asked = first == "help" ? arguments.dropFirst().first { !$0.hasPrefix("-") } : first
    guard let asked, !known.contains(asked) else { return }
    let likely = known.map { (name: $0, distance: editDistance(asked.lowercased(), $0)) }
      .filter { $0.distance <= max(1, min(3, $0.name.count / 3)) }.min { $0.distance < $1.distance }
    throw ValidationError(
      "Unknown command '\(asked)'" + (likely.map { ". Did you mean '\($0.name)'?" } ?? ""))
  }
}
