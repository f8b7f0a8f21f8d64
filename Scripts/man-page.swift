// Makes the man page of the command from its help, so that the two always agree:
//
//     zoo --experimental-dump-help | swift Scripts/man-page.swift VERSION > zoo.1

import Foundation

struct Help: Decodable {
  let command: Command
}

struct Command: Decodable {
  let commandName: String
  let abstract: String?
  let discussion: String?
  let arguments: [Argument]?
  let subcommands: [Command]?
  let shouldDisplay: Bool?
}

struct Argument: Decodable {
  struct Name: Decodable {
    let kind: String
    let name: String

    var spelling: String { (kind == "long" ? "--" : "-") + name }
  }

  let kind: String
  let abstract: String?
  let names: [Name]?
  let valueName: String?
  let allValues: [String]?
  let defaultValue: String?
  let isOptional: Bool
  let isRepeating: Bool
  let shouldDisplay: Bool

  /// `--help` and `--version`, which every command has.
  var isUniversal: Bool { names?.contains { ["help", "version"].contains($0.name) } ?? false }
}

/// Text in which roff sees no request and no escape, in ASCII.
func escaped(_ text: String) -> String {
  var ascii = ""
  for scalar in escapedLines(text).unicodeScalars {
    ascii += scalar.isASCII ? String(scalar) : "\\[u\(String(format: "%04X", scalar.value))]"
  }
  return ascii
}

func escapedLines(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
    let safe = line.replacingOccurrences(of: "\\", with: "\\e").replacingOccurrences(of: "-", with: "\\-")
    return safe.hasPrefix(".") || safe.hasPrefix("'") ? "\\&" + safe : safe
  }.joined(separator: "\n")
}

func bold(_ text: String) -> String { "\\fB\(escaped(text))\\fR" }
func italic(_ text: String) -> String { "\\fI\(escaped(text))\\fR" }

/// A discussion in its parts: paragraphs, and the lines under `Examples:`, `Exit codes:` and `Environment:`.
struct Discussion {
  var paragraphs: [String] = []
  var examples: [String] = []
  var exitCodes: [(code: String, meaning: String)] = []
  var environment: [(name: String, meaning: String)] = []

  init(_ text: String?) {
    for paragraph in (text ?? "").components(separatedBy: "\n\n") where !paragraph.isEmpty {
      let lines = paragraph.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      switch lines[0] {
      case "Examples:": examples += lines.dropFirst()
      case "Exit codes:": exitCodes += Self.pairs(lines.dropFirst())
      case "Environment:": environment += Self.pairs(lines.dropFirst())
      default: paragraphs.append(lines.joined(separator: " "))
      }
    }
  }
}

extension Discussion {
  /// Lines of a word and its meaning.
  private static func pairs(_ lines: ArraySlice<String>) -> [(String, String)] {
    lines.compactMap { line in
      guard let space = line.firstIndex(of: " ") else { return nil }
      return (String(line[..<space]), line[space...].trimmingCharacters(in: .whitespaces))
    }
  }
}

func printArgument(_ argument: Argument) {
  let value = argument.valueName ?? "value"
  print(".TP")
  if argument.kind == "positional" {
    print(italic(value.uppercased()) + (argument.isRepeating ? "..." : ""))
  } else {
    let names = (argument.names ?? []).map { bold($0.spelling) }.joined(separator: ", ")
    print(names + (argument.kind == "option" ? " " + italic(value) : ""))
  }
  var text = argument.abstract ?? ""
  if let values = argument.allValues, !values.isEmpty {
    text += " One of: \(values.joined(separator: ", "))."
  }
  if let value = argument.defaultValue { text += " Default: \(value)." }
  print(escaped(text))
}

func synopsis(_ command: Command) -> String {
  let positional = (command.arguments ?? []).filter { $0.kind == "positional" && $0.shouldDisplay }
  let values = positional.map { argument in
    let value = italic((argument.valueName ?? "").uppercased()) + (argument.isRepeating ? "..." : "")
    return argument.isOptional ? "[\(value)]" : value
  }
  return ([bold("zoo \(command.commandName)"), "[\\fIOPTIONS\\fR]"] + values).joined(separator: " ")
}

func printExamples(_ examples: [String]) {
  print(".PP\n.nf\n.RS 4")
  for example in examples { print(escaped(example)) }
  print(".RE\n.fi")
}

let version = CommandLine.arguments.dropFirst().first ?? ""
let input = FileHandle.standardInput.readDataToEndOfFile()
let root = try JSONDecoder().decode(Help.self, from: input).command
let commands = (root.subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay != false }
let about = Discussion(root.discussion)
let abstract = (root.abstract ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "."))

print(".TH ZOO 1 \"\" \"zoo \(version)\" \"User Commands\"")
print(".SH NAME\nzoo \\- \(escaped(abstract.prefix(1).lowercased() + abstract.dropFirst()))")
print(".SH SYNOPSIS")
for (index, command) in commands.enumerated() { print((index == 0 ? "" : ".br\n") + synopsis(command)) }
print(".SH DESCRIPTION")
for paragraph in about.paragraphs { print(".PP\n" + escaped(paragraph)) }

print(".SH COMMANDS")
for command in commands {
  let discussion = Discussion(command.discussion)
  print(".SS \(synopsis(command))")
  print(escaped(command.abstract ?? ""))
  for paragraph in discussion.paragraphs { print(".PP\n" + escaped(paragraph)) }
  for argument in command.arguments ?? [] where argument.shouldDisplay && !argument.isUniversal {
    printArgument(argument)
  }
  if !discussion.examples.isEmpty { printExamples(discussion.examples) }
}

print(".SH EXIT STATUS")
for (code, meaning) in about.exitCodes { print(".TP\n\(bold(code))\n\(escaped(meaning))") }

print(".SH ENVIRONMENT")
for (name, meaning) in about.environment { print(".TP\n\(bold(name))\n\(escaped(meaning))") }

print(".SH EXAMPLES")
printExamples(about.examples)
