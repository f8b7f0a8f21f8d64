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

    enum CodingKeys: String, CodingKey {
      case slot, source
      case sourceShape = "source_shape"
      case sourceType = "source_type"
      case shape
      case storedType = "stored_type"
      case storageError = "storage_error"
      case transform, evidence, witnesses, alike
    }

    /// The keys of earlier versions, which are still written beside the others for one version.
    private enum FormerKeys: String, CodingKey {
      case sourceShape, sourceType, storedType, storageError
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(slot, forKey: .slot)
      try container.encode(source, forKey: .source)
      try container.encode(sourceShape, forKey: .sourceShape)
      try container.encode(sourceType, forKey: .sourceType)
      try container.encode(shape, forKey: .shape)
      try container.encode(storedType, forKey: .storedType)
      try container.encodeIfPresent(storageError, forKey: .storageError)
      try container.encode(transform, forKey: .transform)
      try container.encode(evidence, forKey: .evidence)
      try container.encode(witnesses, forKey: .witnesses)
      try container.encode(alike, forKey: .alike)
      var former = encoder.container(keyedBy: FormerKeys.self)
      try former.encode(sourceShape, forKey: .sourceShape)
      try former.encode(sourceType, forKey: .sourceType)
      try former.encode(storedType, forKey: .storedType)
      try former.encodeIfPresent(storageError, forKey: .storageError)
    }
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
  package let kernelLayout: String
  package let preprocessing: String
  /// Whether nothing says how pixels are preprocessed; `preprocessing` is then `none`.
  package let preprocessingIsAssumed: Bool
  package let parameters: Int
  package let storage: String
  package let tensors: [TensorRow]
  /// Tensors of the file that the network has no use for.
  package let unused: [Omission]
  package let verification: VerificationReport?

  enum CodingKeys: String, CodingKey {
    case source, layout, writer, sha256
    case publishedFile = "published_file"
    case output
    case outputBytes = "output_bytes"
    case architecture, variant, explanation
    case kernelLayout = "kernel_order"
    case preprocessing
    case preprocessingIsAssumed = "preprocessing_is_assumed"
    case parameters, storage, tensors, unused, verification
  }

  /// The keys of earlier versions, which are still written beside the others for one version.
  private enum FormerKeys: String, CodingKey {
    case publishedFile, outputBytes
    case kernelLayout = "kernelOrder"
    case preprocessingIsAssumed
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(source, forKey: .source)
    try container.encode(layout, forKey: .layout)
    try container.encodeIfPresent(writer, forKey: .writer)
    try container.encode(sha256, forKey: .sha256)
    try container.encodeIfPresent(publishedFile, forKey: .publishedFile)
    try container.encodeIfPresent(output, forKey: .output)
    try container.encodeIfPresent(outputBytes, forKey: .outputBytes)
    try container.encode(architecture, forKey: .architecture)
    try container.encode(variant, forKey: .variant)
    try container.encode(explanation, forKey: .explanation)
    try container.encode(kernelLayout, forKey: .kernelLayout)
    try container.encode(preprocessing, forKey: .preprocessing)
    try container.encode(preprocessingIsAssumed, forKey: .preprocessingIsAssumed)
    try container.encode(parameters, forKey: .parameters)
    try container.encode(storage, forKey: .storage)
    try container.encode(tensors, forKey: .tensors)
    try container.encode(unused, forKey: .unused)
    try container.encodeIfPresent(verification, forKey: .verification)
    var former = encoder.container(keyedBy: FormerKeys.self)
    try former.encodeIfPresent(publishedFile, forKey: .publishedFile)
    try former.encodeIfPresent(outputBytes, forKey: .outputBytes)
    try former.encode(kernelLayout, forKey: .kernelLayout)
    try former.encode(preprocessingIsAssumed, forKey: .preprocessingIsAssumed)
  }
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
    kernelLayout = recipe.binding.kernelLayout.text
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
