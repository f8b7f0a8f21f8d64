import ArgumentParser
import ModelZooTools
import ZooSystem

/// Where a command that measures a model writes its report.
struct ReportOption: ParsableArguments {
  @Option(
    name: .customLong("report"),
    help: ArgumentHelp(
      "Write a report with charts and pictures: a web page if the name ends in .html, JSON otherwise.",
      valueName: "report.html|report.json"),
    completion: .file(extensions: ["html", "json"]))
  var path: String?

  var isPage: Bool { path.flatMap(GraphFormat.init(path:)) == .html }

  /// Checks, before the work begins, that the report can be written.
  func checkPossible(overwrite: Bool) throws {
    if let path { try AtomicFile.checkPossible(path, overwrite: overwrite) }
  }

  /// The command as it was typed, for the report.
  static var arguments: [String] { ["zoo"] + CommandLine.arguments.dropFirst() }
}
