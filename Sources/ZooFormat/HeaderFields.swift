import ZooGraph
import ZooSystem
import ZooTensor

/// The header's entries as they stand, before they are checked against each other.
struct HeaderFields {
  typealias Failure = CBORReader.Failure

  struct RawOperation {
    let kind: String
    let attributes: [(String, AttributeValue)]
  }

  struct RawNode {
    let name: String
    let operation: Int
    let inputs: [Int]
    let sharing: Int?
  }

  var card: ModelCard?
  var operations: [RawOperation]?
  var nodes: [RawNode]?
  var outputs: [Int]?
  var tensors: [RawTensor]?
  var kerasPlaces: [KerasPlace] = []
  var labels: [ClassLabel] = []
  var source: SourceRecord?
  var testCase: TestCase?
  var tool: String?
  var verification: [String: String] = [:]
  var training: TrainingRecord?
  var layerTraining: [(node: Int, training: LayerTraining)] = []
  var integers: RawIntegers?

  // MARK: Entries

  init(_ reader: inout CBORReader, version: UInt32) throws(Failure) {
    var fields = HeaderFields()
    try reader.map { (reader, key) throws(Failure) in
      switch key {
      case "card": fields.card = try Self.card(&reader, version: version)
      case "operations":
        fields.operations = try reader.array(limit: Graph.nodeLimit, Self.operation)
      case "nodes":
        fields.nodes = try reader.array(limit: Graph.nodeLimit, Self.node)
      case "outputs":
        fields.outputs = try reader.array(limit: Graph.nodeLimit) { (reader) throws(Failure) in
          try reader.int()
        }
      case "tensors":
        fields.tensors = try reader.array(limit: 5 * Graph.nodeLimit) { (reader) throws(Failure) in
          try Self.tensor(&reader, version: version)
        }
      case "keras":
        guard version > 1 else { throw reader.unknown(key) }
        fields.kerasPlaces = try reader.array(limit: Graph.nodeLimit, Self.kerasPlace)
        guard !fields.kerasPlaces.isEmpty else { throw reader.failure("an empty list of places in Keras") }
      case "labels":
        fields.labels = try reader.array(limit: 1_000_000) { (reader) throws(Failure) in
          _ = try reader.arrayHead(2...2)
          return ClassLabel(id: try reader.text(), name: try reader.text())
        }
        guard !fields.labels.isEmpty else { throw reader.failure("an empty list of labels") }
      case "layer_training":
        guard version > 1 else { throw reader.unknown(key) }
        fields.layerTraining = try reader.array(limit: Graph.nodeLimit) { (reader) throws(Failure) in
          _ = try reader.arrayHead(2...2)
          return (try reader.int(), try LayerTraining(&reader))
        }
        guard !fields.layerTraining.isEmpty else { throw reader.failure("an empty list of layers") }
      case "integers":
        guard version > 2 else { throw reader.unknown(key) }
        fields.integers = try Self.integers(&reader)
      case "source": fields.source = try Self.source(&reader)
      case "test_case": fields.testCase = try Self.testCase(&reader)
      case "tool": fields.tool = try reader.text()
      case "training":
        guard version > 1 else { throw reader.unknown(key) }
        fields.training = try TrainingRecord(&reader)
      case "verification":
        try reader.map { (reader, key) throws(Failure) in
          fields.verification[key] = try reader.text()
        }
        guard !fields.verification.isEmpty else { throw reader.failure("an empty verification record") }
      default: throw reader.unknown(key)
      }
    }
    self = fields
  }

  private init() {}

  private static func card(_ reader: inout CBORReader, version: UInt32) throws(Failure) -> ModelCard {
    let start = reader.position
    var texts: [String: String] = [:]
    try reader.map { (reader, key) throws(Failure) in
      switch key {
      case "architecture", "variant", "preprocessing", "training_data", "licence", "citation", "accuracy":
        texts[key] = try reader.text()
      case "resampling", "crop":
        guard version > 2 else { throw reader.unknown(key) }
        texts[key] = try reader.text()
      default: throw reader.unknown(key)
      }
    }
    guard texts["crop"] == nil || texts["resampling"] != nil else {
      throw Failure(position: start, why: "the card has a crop without a resampling")
    }
    guard let architecture = texts["architecture"], let variant = texts["variant"],
      let preprocessing = texts["preprocessing"]
    else { throw Failure(position: start, why: "the card lacks an entry") }
    return ModelCard(
      architecture: architecture, variant: variant,
      preprocessing: try Self.preprocessing(preprocessing, at: start),
      trainingData: texts["training_data"], licence: texts["licence"], citation: texts["citation"],
      accuracy: texts["accuracy"],
      pixels: texts["resampling"].map {
        TrainingRecord.Pixels(resampling: $0, crop: texts["crop"], isUpright: false)
      })
  }

  private static func preprocessing(_ name: String, at position: Int) throws(Failure) -> Preprocessing {
    guard let preprocessing = Preprocessing(rawValue: name) else {
      throw Failure(position: position, code: .unsupported, why: "preprocessing '\(name)' is unknown")
    }
    return preprocessing
  }

  private static func operation(_ reader: inout CBORReader) throws(Failure) -> RawOperation {
    let start = reader.position
    _ = try reader.arrayHead(2...2)
    let kind = try reader.text()
    guard Operation.kinds.contains(kind) else {
      throw Failure(position: start, code: .unsupported, why: "operation '\(kind)' is unknown")
    }
    var attributes: [(String, AttributeValue)] = []
    try reader.map { (reader, key) throws(Failure) in
      let value: AttributeValue
      switch try reader.nextType() {
      case .unsigned: value = .int(try reader.int())
      case .text: value = .string(try reader.text())
      case .array:
        value = try Self.numbers(&reader)
      case .simple:
        let initial = try reader.peek()
        value =
          initial == CBOR.true || initial == CBOR.false
          ? .bool(try reader.bool()) : .double(try reader.float())
      case .bytes, .map: throw reader.failure("attribute '\(key)' has a type that attributes cannot have")
      }
      attributes.append((key, value))
    }
    return RawOperation(kind: kind, attributes: attributes)
  }

  /// An array of integers or, if it begins with one, of floats.
  private static func numbers(_ reader: inout CBORReader) throws(Failure) -> AttributeValue {
    var ahead = reader
    let count = try ahead.arrayHead(0...Rescaling.countLimit)
    if count > 0, try ahead.nextType() == .simple {
      return .doubles(
        try reader.array(limit: Rescaling.countLimit) { (reader) throws(Failure) in try reader.float() })
    }
    return .ints(try reader.array(limit: 64) { (reader) throws(Failure) in try reader.int() })
  }

  private static func node(_ reader: inout CBORReader) throws(Failure) -> RawNode {
    let count = try reader.arrayHead(3...4)
    return RawNode(
      name: try reader.text(), operation: try reader.int(),
      inputs: try reader.array(limit: Graph.nodeLimit) { (reader) throws(Failure) in try reader.int() },
      sharing: count == 4 ? try reader.int() : nil)
  }

  private static func kerasPlace(_ reader: inout CBORReader) throws(Failure) -> KerasPlace {
    _ = try reader.arrayHead(3...3)
    return KerasPlace(
      node: try reader.int(),
      steps: try reader.array(limit: KerasPlace.depthLimit + 1) { (reader) throws(Failure) in
        _ = try reader.arrayHead(2...2)
        return KerasPlace.Step(name: try reader.text(), group: try reader.text())
      }, isTrainable: try reader.bool())
  }

  private static func source(_ reader: inout CBORReader) throws(Failure) -> SourceRecord {
    let start = reader.position
    var texts: [String: String] = [:]
    var checksum: Checksum?
    var bytes: Int?
    var lambdas: [String: String] = [:]
    var precision: SourcePrecision?
    try reader.map { (reader, key) throws(Failure) in
      switch key {
      case "precision":
        let position = reader.position
        let text = try reader.text()
        precision = SourcePrecision(rawValue: text)
        guard precision != nil else { throw Failure(position: position, why: "no such precision: '\(text)'") }
      case "lambdas":
        try reader.map { (reader, key) throws(Failure) in lambdas[key] = try reader.text() }
        guard !lambdas.isEmpty else { throw reader.failure("an empty list of lambdas") }
      case "file", "writer", "layout": texts[key] = try reader.text()
      case "sha256": checksum = Checksum(try reader.byteString(count: Checksum.byteCount))
      case "bytes": bytes = try reader.int()
      default: throw reader.unknown(key)
      }
    }
    guard let file = texts["file"], let writer = texts["writer"], let layout = texts["layout"],
      let checksum, let bytes
    else { throw Failure(position: start, why: "the source record lacks an entry") }
    return SourceRecord(
      file: file, sha256: checksum.hexadecimal, bytes: bytes, writer: writer, layout: layout,
      lambdas: lambdas,
      precision: precision
    )
  }

  private static func testCase(_ reader: inout CBORReader) throws(Failure) -> TestCase {
    let start = reader.position
    var generator: String?
    var seed: UInt64?
    var preprocessing: Preprocessing?
    var tolerance: Double?
    var outputs: [TestCase.Output]?
    try reader.map { (reader, key) throws(Failure) in
      switch key {
      case "generator": generator = try reader.text()
      case "seed": seed = try reader.unsigned()
      case "preprocessing":
        let position = reader.position
        preprocessing = try Self.preprocessing(try reader.text(), at: position)
      case "tolerance": tolerance = try reader.float()
      case "outputs": outputs = try reader.array(limit: TestCase.sampleLimit, Self.testOutput)
      default: throw reader.unknown(key)
      }
    }
    guard let generator, let seed, let preprocessing, let tolerance, let outputs else {
      throw Failure(position: start, why: "the test case lacks an entry")
    }
    guard tolerance > 0 else {
      throw Failure(position: start, why: "the test case's tolerance is \(tolerance)")
    }
    return TestCase(
      generator: generator, seed: seed, preprocessing: preprocessing, outputs: outputs, tolerance: tolerance)
  }

  private static func testOutput(_ reader: inout CBORReader) throws(Failure) -> TestCase.Output {
    let start = reader.position
    var largest: Double?
    var samples: [TestCase.Sample]?
    try reader.map { (reader, key) throws(Failure) in
      switch key {
      case "largest": largest = try reader.float()
      case "samples":
        samples = try reader.array(limit: TestCase.sampleLimit) { (reader) throws(Failure) in
          _ = try reader.arrayHead(2...2)
          return TestCase.Sample(index: try reader.int(), value: try reader.float())
        }
      default: throw reader.unknown(key)
      }
    }
    guard let largest, let samples else {
      throw Failure(position: start, why: "an output of the test case lacks an entry")
    }
    return TestCase.Output(largest: largest, samples: samples)
  }
}

extension CBORReader {
  func unknown(_ key: String) -> Failure {
    Failure(position: position, code: .unsupported, why: "entry '\(key)' is unknown")
  }
}
