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
public struct ConversionReport: Sendable, Codable {
  /// A weight slot of the network and the tensor that fills it.
  public struct TensorRow: Sendable, Codable {
    /// The weight slot of the network, `LAYER/ROLE`.
    public let slot: String
    /// The tensor's name in the file.
    public let source: String
    /// The shape that it has there.
    public let sourceShape: [Int]
    /// The element type that it has there, for example `f32`.
    public let sourceType: String
    /// The shape that it has in the network.
    public let shape: [Int]
    /// The element type that it was stored in.
    public let storedType: String
    /// What storing changed at most, of the largest value; nil where it changed nothing.
    public let storageError: Double?
    /// How its layout was changed, in words.
    public let transform: String
    /// By which rule it was matched.
    public let evidence: String
    /// Who spoke for the match: `names`, `order`, `shape`, `hash`, `testimony`.
    public let witnesses: [String]
    /// How many other slots of the network have this shape.
    public let alike: Int

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

    /// Writes the row with the keys of this version and of the one before.
    public func encode(to encoder: any Encoder) throws {
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

  /// How a layer whose weights had a choice is stored, and what that costs.
  public struct LayerRow: Sendable, Codable {
    /// The layer's name.
    public let layer: String
    /// The type of its largest weight: `i8`, `i4`, `f16`, `bf16` or `f32`.
    public let storedType: String
    /// What storing changed in that weight at most, of its largest value; nil where it is stored as floats.
    public let storageError: Double?
    /// Whether the mean of the error is taken off by a bias or a batch norm.
    public let isCorrected: Bool
    /// How far the farthest value behind the layer moves, of the largest, with all layers as they are stored; nil
    /// where that was not measured.
    public let moved: Double?

    enum CodingKeys: String, CodingKey {
      case layer
      case storedType = "stored_type"
      case storageError = "storage_error"
      case isCorrected = "is_corrected"
      case moved
    }

    init(_ layer: LayerPrecision) {
      self.layer = layer.layer
      storedType = layer.form.name
      storageError = layer.rounding?.relative
      isCorrected = layer.isCorrected
      moved = layer.move
    }
  }

  /// A file that a size or an error chose among.
  public struct FrontierRow: Sendable, Codable {
    /// Its size, to some kilobytes.
    public let bytes: Int
    /// How far its outputs move, as ``outputError`` has it.
    public let outputError: Double
    /// What computing one input takes, the least of some runs, with as many threads as verifying.
    public let milliseconds: Double
    /// How many weights are stored in which type.
    public let weights: [String: Int]
    /// Whether its bytes are coded without loss, as far as there was no room for them.
    public let isCompressed: Bool
    /// Whether activations have 8 bits, too.
    public let hasIntegerActivations: Bool
    /// Whether it is the one that was written.
    public let isChosen: Bool

    enum CodingKeys: String, CodingKey {
      case bytes
      case outputError = "output_error"
      case milliseconds, weights
      case isCompressed = "is_compressed"
      case hasIntegerActivations = "has_integer_activations"
      case isChosen = "is_chosen"
    }

    init(_ point: FrontierPoint) {
      bytes = point.bytes
      outputError = point.error
      milliseconds = point.milliseconds
      weights = point.forms
      isCompressed = point.isCompressed
      hasIntegerActivations = point.hasIntegerActivations
      isChosen = point.isChosen
    }
  }

  /// A tensor that was not used.
  public struct Omission: Sendable, Codable {
    /// The tensor's name in the file.
    public let name: String
    /// Why it was not used.
    public let reason: String
  }

  /// The file that was converted.
  public let source: String
  /// How the file names and orders its tensors, for example `Keras HDF5 model`.
  public let layout: String
  /// The program that wrote it, where the file says so.
  public let writer: String?
  /// The SHA-256 of the file, in hexadecimal digits.
  public let sha256: String
  /// The name of the published file that has these bytes, by SHA-256 or MD5.
  public let publishedFile: String?
  /// Where the model was written; nil for a dry run.
  public let output: String?
  /// The size of the output.
  public let outputBytes: Int?
  /// The catalogue's name of the network, or the model's name in its configuration.
  public let architecture: String
  /// Which member of the family, in words.
  public let variant: String
  /// Why this network and no other.
  public let explanation: String
  /// How kernels are stored in the file: axes, and whether they are rotated.
  public let kernelLayout: String
  /// The preprocessing that was stored, see `Preprocessing`.
  public let preprocessing: String
  /// Whether nothing says how pixels are preprocessed; `preprocessing` is then `unknown`.
  public let preprocessingIsAssumed: Bool
  /// Whether the batch-norm statistics alone say how.
  public let preprocessingIsFound: Bool
  /// Whether the network itself scales the pixels, so that they go in as they are.
  public let preprocessingIsInside: Bool
  /// By the layer's name, what was stated of layers with Python code.
  public let lambdas: [String: String]
  /// The file beside the input that the labels of the classes are from, where none were stated.
  public let labelsFile: String?
  /// The number of weights.
  public let parameters: Int
  /// The type that weights are stored in as far as they may be.
  public let storage: String
  /// The least largest error per layer with which all weights would be stored in the type that was asked for,
  /// where some are not.
  public let errorForAll: Double?
  /// How far the outputs move by how weights are stored: the root of the mean square over the values' deviation, of
  /// logits where the network ends in probabilities; nil where that was not measured.
  public let outputError: Double?
  /// With activations of 8 bits, how far the outputs move by all of it, on the pictures that were tried.
  public let integerOutputError: Double?
  /// With activations of 8 bits, the layers that are computed in 32-bit floats although they could be computed on codes.
  public let floatLayers: [String]?
  /// Where a size or an error was stated, the files that there would have been, from the largest to the smallest.
  public let frontier: [FrontierRow]?
  /// One row for each layer whose weights had a choice of types.
  public let layers: [LayerRow]
  /// One row for each weight slot of the network.
  public let tensors: [TensorRow]
  /// Tensors of the file that the network has no use for.
  public let unused: [Omission]
  /// What the network is computed in where it comes from, `float16`, `bfloat16` or `int8`; nil for 32 bits or more.
  public let precision: String?
  /// Weights whose values make outputs no numbers.
  public let faults: [WeightFault]
  /// What a person should know, one line each.
  public internal(set) var warnings: [String] = []
  /// What verifying found; nil where it was skipped.
  public let verification: VerificationReport?
  /// How long converting took, in seconds; no part of the JSON, so that equal conversions give equal reports.
  public internal(set) var seconds: Double?

  enum CodingKeys: String, CodingKey {
    case source, layout, writer, sha256
    case publishedFile = "published_file"
    case output
    case outputBytes = "output_bytes"
    case architecture, variant, explanation
    case kernelLayout = "kernel_order"
    case preprocessing
    case preprocessingIsAssumed = "preprocessing_is_assumed"
    case preprocessingIsFound = "preprocessing_is_found"
    case preprocessingIsInside = "preprocessing_is_inside"
    case lambdas
    case labelsFile = "labels_file"
    case parameters, storage
    case errorForAll = "error_for_all"
    case outputError = "output_error"
    case integerOutputError = "integer_output_error"
    case floatLayers = "float_layers"
    case frontier, layers, tensors, unused, precision, faults, warnings, verification
  }

  /// The keys of earlier versions, which are still written beside the others for one version.
  private enum FormerKeys: String, CodingKey {
    case publishedFile, outputBytes
    case kernelLayout = "kernelOrder"
    case preprocessingIsAssumed
    case errorForAll = "error_for_all_half"
  }

  /// Writes the report with the keys of this version and of the one before.
  public func encode(to encoder: any Encoder) throws {
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
    try container.encode(preprocessingIsFound, forKey: .preprocessingIsFound)
    try container.encode(preprocessingIsInside, forKey: .preprocessingIsInside)
    try container.encode(lambdas, forKey: .lambdas)
    try container.encodeIfPresent(labelsFile, forKey: .labelsFile)
    try container.encode(parameters, forKey: .parameters)
    try container.encode(storage, forKey: .storage)
    try container.encodeIfPresent(errorForAll, forKey: .errorForAll)
    try container.encodeIfPresent(outputError, forKey: .outputError)
    try container.encodeIfPresent(integerOutputError, forKey: .integerOutputError)
    try container.encodeIfPresent(floatLayers, forKey: .floatLayers)
    try container.encodeIfPresent(frontier, forKey: .frontier)
    try container.encode(layers, forKey: .layers)
    try container.encode(tensors, forKey: .tensors)
    try container.encode(unused, forKey: .unused)
    try container.encodeIfPresent(precision, forKey: .precision)
    try container.encode(faults, forKey: .faults)
    try container.encode(warnings, forKey: .warnings)
    try container.encodeIfPresent(verification, forKey: .verification)
    var former = encoder.container(keyedBy: FormerKeys.self)
    try former.encodeIfPresent(publishedFile, forKey: .publishedFile)
    try former.encodeIfPresent(outputBytes, forKey: .outputBytes)
    try former.encode(kernelLayout, forKey: .kernelLayout)
    try former.encode(preprocessingIsAssumed, forKey: .preprocessingIsAssumed)
    try former.encodeIfPresent(errorForAll, forKey: .errorForAll)
  }
}

extension ConversionReport {
  init(
    recipe: Recipe, source: SourceRecord, faults: [WeightFault], storage: StorageType,
    choice: PrecisionChoice, integers: IntegerSearch.Choice?, records: [TensorRecord], output: String?,
    verification: VerificationReport?,
    largestStorageError: Double
  ) {
    let stored = Dictionary(records.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.source = recipe.file.path
    layout = recipe.file.layout.rawValue
    writer = recipe.file.writer
    sha256 = source.sha256
    publishedFile =
      (recipe.publishedFile ?? Catalog.published(hash: .sha256(source.sha256)))?.fileName
    self.output = output
    // The header is all that a network without weights has.
    outputBytes = output.flatMap { try? MappedFile(path: $0).bytes.count }
    architecture = recipe.card.architecture
    variant = recipe.card.variant
    explanation = recipe.explanation
    kernelLayout = recipe.binding.kernelLayout.text
    preprocessing = recipe.card.preprocessing.rawValue
    preprocessingIsAssumed = recipe.preprocessingOrigin == .unknown
    preprocessingIsFound = recipe.preprocessingOrigin == .testimony
    preprocessingIsInside = recipe.graph.scalesPixels(as: recipe.card)
    lambdas = recipe.lambdas
    labelsFile = recipe.labelsFile
    parameters = recipe.graph.parameterCount
    self.storage = storage.rawValue
    outputError = choice.outputError
    integerOutputError = integers?.error
    floatLayers = integers?.givenBack
    frontier = choice.frontier.isEmpty ? nil : choice.frontier.map(FrontierRow.init)
    layers = choice.layers.map(LayerRow.init)
    errorForAll = choice.givenBack == 0 ? nil : choice.leastErrorForAll
    tensors = recipe.binding.assignments.map { assignment in
      TensorRow(
        slot: assignment.slot.name, source: assignment.entry.name,
        sourceShape: assignment.entry.shape.dimensions, sourceType: assignment.entry.elementType.rawValue,
        shape: assignment.slot.shape.dimensions,
        storedType: stored[assignment.slot.name]?.form.name
          ?? choice.plan.form(of: assignment.slot).name,
        storageError: stored[assignment.slot.name]?.storageError?.relative,
        transform: assignment.transformText, evidence: assignment.rule.rawValue,
        witnesses: Witness.allCases.filter(assignment.witnesses.contains).map(\.rawValue),
        alike: assignment.alike)
    }
    unused =
      recipe.binding.unused.map { Omission(name: $0.name, reason: recipe.reason(ofUnused: $0)) }
      + recipe.file.ignored.map { Omission(name: $0.name, reason: $0.reason) }
    precision = recipe.precision?.rawValue
    self.faults = faults
    self.verification = verification
    warnings = foundWarnings(largestError: largestStorageError)
  }

  /// Writes the report as JSON, whole or not at all.
  ///
  /// - Throws: `ZooError` where the file can't be made.
  public func write(to path: String, overwrite: Bool) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let file = try AtomicFile(path: path)
    try file.write([UInt8](try encoder.encode(self)), at: 0)
    try file.commit(overwrite: overwrite)
  }
}
