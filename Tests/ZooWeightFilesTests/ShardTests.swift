import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Weights spread over several files, and indices that lead elsewhere.
@Suite struct ShardTests {
  private let folder = URL(filePath: fixture("dialects/shards"))

  @Test func shardsAreOneStore() throws {
    let file = try WeightFiles.open(path: fixture("dialects/shards/resnet.weights.json"))
    #expect(file.layout == .kerasShards)
    #expect(file.tensors.count == 56)
    #expect(file.sourcePaths.count == 4)
    #expect(Set(file.tensors.map(\.name)).count == 56)
    for entry in file.tensors { #expect(try file.read(entry).shape == entry.shape) }
  }

  /// What is said of the shards after `change` has been made to a copy of them.
  private func refusal(_ change: (URL) throws -> Void) throws -> ZooError {
    let copy = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: folder, to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    try change(copy)
    return try #require(throws: ZooError.self) {
      try WeightFiles.open(path: copy.appending(path: "resnet.weights.json").path)
    }
  }

  private func replace(_ old: String, _ new: String) -> (URL) throws -> Void {
    { folder in
      let index = folder.appending(path: "resnet.weights.json")
      let text = try String(contentsOf: index, encoding: .utf8)
      #expect(text.contains(old))
      try text.replacing(old, with: new).write(to: index, atomically: true, encoding: .utf8)
    }
  }

  @Test func aMissingShardIsNamed() throws {
    let error = try refusal {
      try FileManager.default.removeItem(at: $0.appending(path: "resnet_00001.weights.h5"))
    }
    #expect(error.code == .malformed && error.why.contains("'resnet_00001.weights.h5' is missing"))
  }

  @Test(arguments: ["../x.h5", "/etc/passwd", "a/b.h5", "..", ""])
  func pathsOutOfTheFolderAreRefused(name: String) throws {
    let error = try refusal(replace("resnet_00001.weights.h5", name))
    #expect(error.code == .unsupported && error.why.contains("'\(name)'"))
  }

  @Test func aShardThatIsNoStoreIsRefused() throws {
    let text = try refusal {
      try Data("text".utf8).write(to: $0.appending(path: "resnet_00001.weights.h5"))
    }
    #expect(text.why.contains("not an HDF5 file"))
  }

  @Test func anIndexThatNamesWhatIsNotThereIsRefused() throws {
    let error = try refusal(replace("/layers/dense/vars", "/layers/dense_7/vars"))
    #expect(error.code == .malformed && error.why.contains("layers/dense"), "\(error)")
  }

  @Test func anIndexWithoutAMapIsRefused() throws {
    for map in [#"{"weight_map": {}}"#, #"{"weight_map": {"/layers/a/vars": 7}}"#, #"{"weight_map": "#] {
      let error = try refusal {
        try Data(map.utf8).write(to: $0.appending(path: "resnet.weights.json"))
      }
      #expect(error.code == .malformed)
    }
  }
}
