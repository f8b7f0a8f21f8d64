import ZooFormat
import ZooModels
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a conversion did, as `--report` and `--json` write it.
package struct ConversionReport: Sendable, Codable {
  package struct TensorRow: Sendable, Codable {
    package let slot: String
    package let source: String
    package let sourceShape: [Int]
    package let sourceType: String
    package let shape: [Int]
    package let storedType: String
    /// What storing changed at most, of the largest value; nil where it changed nothing.
    package let storageError: Double?
    package let transform: String
    package let evidence: String
    /// Who spoke for the match: `names`, `order`, `shape`, `hash`, `testimony`.
    package let witnesses: [String]
    /// How many other slots of the network have this shape.
    package let alike: Int
  }

  package struct Omission: Sendable, Codable {
    package let name: String
    package let reason: String
  }

  package let source: String
  package let layout: String
  package let writer: String?
  package let sha256: String
  /// The name of the published file that has these bytes, by SHA-256 or MD5.
  package let publishedFile: String?
  /// Where the model was written; nil for a dry run.
  package let output: String?
  package let outputBytes: Int?
  package let architecture: String
  package let variant: String
  /// Why this network and no other.
  package let explanation: String
  /// How kernels are stored in the file: axes, and whether they are rotated.
  package let kernelOrder: String
  package let preprocessing: String
  /// Whether nothing says how pixels are preprocessed; `preprocessing` is then `none`.
  package let preprocessingIsAssumed: Bool
  package let parameters: Int
  package let storage: String
  package let tensors: [TensorRow]
  /// Tensors of the file that the network has no use for.
  package let unused: [Omission]
  package let verification: VerificationReport?
}

extension ConversionReport {
  init(
    recipe: Recipe, source: SourceRecord, storage: StorageType, records: [TensorRecord], output: String?,
    verification: VerificationReport?
  ) {
    let stored = Dictionary(records.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.source = recipe.file.path
    layout = recipe.file.layout.rawValue
    writer = recipe.file.writer
    sha256 = source.sha256
    publishedFile =
      (recipe.publishedFile ?? Catalog.published(hash: .sha256(source.sha256)))?.fileName
    self.output = output
    outputBytes = records.last.map { $0.offset + $0.byteCount }
    architecture = recipe.card.architecture
    variant = recipe.card.variant
    explanation = recipe.explanation
    kernelOrder = recipe.binding.kernelLayout.text
    preprocessing = recipe.card.preprocessing.rawValue
    preprocessingIsAssumed = recipe.assumesPreprocessing
    parameters = recipe.graph.parameterCount
    self.storage = storage.rawValue
    tensors = recipe.binding.assignments.map { assignment in
      TensorRow(
        slot: assignment.slot.name, source: assignment.entry.name,
        sourceShape: assignment.entry.shape.dimensions, sourceType: assignment.entry.elementType.rawValue,
        shape: assignment.slot.shape.dimensions,
        storedType: stored[assignment.slot.name]?.elementType.rawValue ?? storage.rawValue,
        storageError: stored[assignment.slot.name]?.storageError?.relative,
        transform: assignment.transform.text, evidence: assignment.rule.rawValue,
        witnesses: Witness.allCases.filter(assignment.witnesses.contains).map(\.rawValue),
        alike: assignment.alike)
    }
    unused =
      recipe.binding.unused.map { Omission(name: $0.name, reason: "the network has no such weight") }
      + recipe.file.ignored.map { Omission(name: $0.name, reason: $0.reason) }
    self.verification = verification
  }

  /// Writes the report as JSON, whole or not at all.
  package func write(to path: String, overwrite: Bool) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let file = try AtomicFile(path: path)
    try file.write([UInt8](try encoder.encode(self)), at: 0)
    try file.commit(overwrite: overwrite)
  }
}
