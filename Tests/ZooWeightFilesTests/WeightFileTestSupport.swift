import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

func fixture(_ path: String) -> String { packageRoot.appendingPathComponent("Fixtures/\(path)").path }

/// The names in a folder of fixtures with one of the given endings, sorted; never none.
func fixtures(_ folder: String, _ endings: String...) throws -> [String] {
  let names = try FileManager.default.contentsOfDirectory(atPath: fixture(folder))
    .filter { name in endings.contains { name.hasSuffix($0) } }
  try #require(!names.isEmpty, "no fixtures in \(folder)")
  return names.sorted()
}

/// Calls `body` with the path of a file of these bytes, which is removed afterwards.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString)").path
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

func bytes(of path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }

/// Opens the file and reads all of it; returns the error where it is refused.
@discardableResult
func refusal(_ path: String) -> ZooError? {
  do throws(ZooError) {
    let file = try WeightFiles.open(path: path)
    for entry in file.tensors { _ = try file.read(entry) }
    return nil
  } catch {
    return error
  }
}

extension WeightFile {
  /// Each layer's tensors, in the order of the file.
  func byLayer() throws -> [String: [[Float]]] {
    try Dictionary(
      grouping: tensors, by: { $0.layer ?? $0.storeKey.map { "\($0.className) \($0.ordinal)" } ?? "" }
    ).mapValues { try $0.map { try read($0).floats() } }
  }

  func entry(_ name: String) throws -> TensorEntry { try #require(tensors.first { $0.name == name }) }
}
