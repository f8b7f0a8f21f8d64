import Foundation
import Testing

@Suite("Version")
struct VersionTests {
  /// `## [0.1.0] - 2026-01-31` or `## [0.1.0] - Unreleased`.
  @Test func theChangelogsNewestHeadingIsTheVersion() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let version = try zoo("--version").output.trimmingCharacters(in: .whitespacesAndNewlines)
    let changelog = try String(
      contentsOf: ZooCommand.root.appendingPathComponent("CHANGELOG.md"), encoding: .utf8)
    let heading = try #require(changelog.split(separator: "\n").first { $0.hasPrefix("## ") })
    #expect(heading.hasPrefix("## [\(version)] - "), "\(heading)")
  }

  /// The Makefile names release archives and the man page by it.
  @Test func theMakefileReadsTheSameVersion() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let version = try zoo("--version").output
    let make = Process()
    let output = Pipe()
    make.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    make.arguments = ["make", "-s", "-C", ZooCommand.root.path, "--no-print-directory", "version"]
    make.standardOutput = output
    try make.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    make.waitUntilExit()
    #expect(text == version)
  }
}
