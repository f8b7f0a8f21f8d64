import Foundation
import Testing

/// A short run of the fuzzer: the same cases every time.
@Suite("Fuzzing")
struct FuzzTests {
  @Test func everyParserSurvives() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let process = try zoo.process([
      "--cases", "60", "--fixtures", ZooCommand.root.appendingPathComponent("Fixtures").path,
    ])
    process.executableURL = try ZooCommand.executable.deletingLastPathComponent()
      .appendingPathComponent("zoo-fuzz")
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
    #expect(!text.contains("FOUND"), "\(text)")
    let targets = ["hdf5", "catalogue", "keras", "npz", "npy", "safetensors", "pytorch", "json", "zoo"]
    for target in targets + ["jpeg", "png", "webp", "gif", "bmp", "tiff", "csv", "cache", "training"] {
      #expect(text.contains("| \(target) | 60 |"), "\(text)")
    }
  }
}
