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

/// All that a file is read as, or why it is refused.
struct Reading: Equatable {
  private(set) var entries: [TensorEntry] = []
  private(set) var bytes: [[UInt8]] = []
  private(set) var ignored: [String] = []
  private(set) var configuration: JSONValue?
  private(set) var refusal: String?
  /// What the file contradicts itself in, although it was accepted.
  private(set) var fault: String?

  init(_ path: String) {
    do throws(ZooError) {
      let file = try WeightFiles.open(path: path)
      entries = file.tensors
      ignored = file.ignored.map { "\($0.name): \($0.reason)" }
      configuration = file.modelConfiguration
      if Set(entries.map(\.name)).count < entries.count { fault = "two tensors have one name" }
      for entry in entries {
        let tensor = try file.read(entry)
        bytes.append(tensor.bytes.withUnsafeBytes(Array.init))
        if tensor.shape != entry.shape || tensor.elementType != entry.elementType
          || tensor.bytes.count != entry.shape.elementCount * entry.elementType.byteCount
        {
          fault = "tensor \(entry.name) is not as its entry says"
        }
      }
    } catch {
      refusal = error.description
    }
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
