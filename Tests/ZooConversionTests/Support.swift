import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooWeightFiles

let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

func fixture(_ path: String) -> String { packageRoot.appending(path: "Fixtures/\(path)").path }

/// Trained files of other people, which lie beside the repository and are no part of it.
enum RealFiles {
  static let folder = packageRoot.deletingLastPathComponent().appending(path: "shared/real").path
  static let absence: Comment = "there is no ../shared/real"
  static let exist: Bool = {
    let exist = FileManager.default.fileExists(atPath: folder)
    if !exist { print("tests of trained files are left out: there is no \(folder)") }
    return exist
  }()

  static let mobileNet = folder + "/mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5"
  static let mobileNetFeatures = folder + "/mobilenet025-imagenet-notop/mobilenet_2_5_224_tf_no_top.h5"
}

/// Calls `body` with an empty folder, which is removed afterwards.
func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// Tensors in memory that say they come from a file: entry for entry what a reader would give.
struct MemoryFile: WeightFile {
  var path = "memory"
  var layout: WeightFileLayout
  var writer: String?
  var tensors: [TensorEntry]
  var ignored: [(name: String, reason: String)] = []
  var modelConfiguration: JSONValue?
  var values: [String: StoredTensor] = [:]

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    guard let tensor = values[entry.name] else {
      throw ZooError(.malformed, "memory", at: entry.name, "it has no values")
    }
    return tensor
  }
}

/// Weights that a closure gives.
struct ComputedWeights: WeightSource {
  let body: @Sendable (WeightSlot) throws -> StoredTensor
  func tensor(for slot: WeightSlot) throws -> StoredTensor { try body(slot) }
}

extension VerificationReport {
  func check(_ name: String) throws -> Check {
    try #require(checks.first { $0.name == name }, "no check '\(name)'")
  }

  /// All findings, for a failed expectation.
  var text: String {
    checks.map { "\($0.name): \($0.status.rawValue) at \($0.location ?? "-"), \($0.detail)" }.joined(
      separator: "\n")
  }
}
