import Foundation
import Testing
import ZooData
import ZooSystem
import ZooTestSupport

/// The first bytes of a PNG file: enough to be listed.
let pngStart: [UInt8] = [
  0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0,
]

extension URL {
  /// Writes files inside this folder, with the folders that they are in.
  func fill(_ names: [String], with bytes: [UInt8] = pngStart) throws {
    for name in names {
      let file = URL(filePath: path + "/" + name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
    }
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: path + "/" + name), withIntermediateDirectories: true)
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path + "/" + name, withDestinationPath: target)
  }
}

/// The error that `body` throws, whose text has to be one line.
func failure<Result>(_ body: () throws -> Result) throws -> ZooError {
  do {
    _ = try body()
  } catch let error as ZooError {
    #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 })
    return error
  }
  throw Unexpected(text: "nothing was thrown")
}

struct Unexpected: Error { let text: String }

func expectOneLineEach(_ warnings: [String]) {
  for warning in warnings { #expect(!warning.contains { $0.isNewline }, "\(warning)") }
}
