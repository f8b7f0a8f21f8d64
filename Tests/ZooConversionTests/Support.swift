import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

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
