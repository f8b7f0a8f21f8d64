import Foundation
import Testing

/// The README's library example, compiled and run as its reader would at first: in a package of its own that
/// depends on this one by path, for debugging.
@Suite("README")
struct ReadmeTests {
  @Test func theLibraryExampleCompilesAndRuns() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let readme = try String(contentsOf: ZooCommand.root.appendingPathComponent("README.md"), encoding: .utf8)
    let example = try #require(
      readme.components(separatedBy: "```swift\n").dropFirst().first?.components(separatedBy: "```").first)

    let package = zoo.folder.appendingPathComponent("example")
    let sources = package.appendingPathComponent("Sources/example")
    try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
    try example.write(to: sources.appendingPathComponent("main.swift"), atomically: true, encoding: .utf8)
    try """
    // swift-tools-version: 6.1
    import PackageDescription

    let package = Package(
      name: "example",
      platforms: [.macOS(.v15)],
      dependencies: [.package(name: "model-zoo", path: "\(ZooCommand.root.path)", traits: ["ImageFiles"])],
      targets: [.executableTarget(name: "example", dependencies: [.product(name: "ModelZoo", package: "model-zoo")])])
    """.write(to: package.appendingPathComponent("Package.swift"), atomically: true, encoding: .utf8)

    #expect(
      try zoo(
        "convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "--labels",
        ZooCommand.fixture("digits/labels.txt"), "--quiet"
      ).status == 0)
    try FileManager.default.copyItem(
      atPath: ZooCommand.fixture("digits/pictures/seven.jpg"), toPath: zoo.path("seven.jpg"))

    // The build folder stays between runs: only the first one compiles everything.
    let scratch = ZooCommand.root.appendingPathComponent(".build/readme-example").path
    let build = try run(
      "swift", ["run", "--package-path", package.path, "--scratch-path", scratch], in: zoo.folder)
    #expect(build.status == 0, "\(build.errors)")
    // What the command alone is made with costs nobody else a thing.
    let packages = try FileManager.default.contentsOfDirectory(atPath: scratch + "/checkouts")
    #expect(!packages.contains { $0.contains("http") || $0.contains("nio") }, "\(packages)")
    let lines = build.output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.first?.hasPrefix("seven ") == true)
    #expect(lines.last == "1x256")
  }

  private func run(
    _ program: String, _ arguments: [String], in folder: URL
  ) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = folder
    let names = ["stdout", "stderr"].map { folder.appendingPathComponent($0) }
    for name in names { try Data().write(to: name) }
    process.standardOutput = try FileHandle(forWritingTo: names[0])
    process.standardError = try FileHandle(forWritingTo: names[1])
    try process.run()
    process.waitUntilExit()
    let texts = try names.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return (process.terminationStatus, texts[0], texts[1])
  }
}
