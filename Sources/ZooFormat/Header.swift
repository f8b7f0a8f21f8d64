import ZooGraph

/// What the header of a `.zoo` file says. The tensors' offsets count from where the data start.
struct Header {
  var document: ZooDocument
  var tensors: [TensorRecord]

  /// The oldest version of the format that can say this.
  var version: UInt32 {
    document.integers != nil || document.card.pixels != nil || tensors.contains { $0.needsVersion3 } ? 3 : 2
  }

  /// The header's bytes. Their number does not depend on the tensors' checksums.
  var bytes: [UInt8] {
    var writer = CBORWriter()
    let (nodeIndex, version) = (nodeIndex, version)
    var entries: [(key: String, write: (inout CBORWriter) -> Void)] =
      graphEntries + [
        ("card", { $0.card(document.card) }),
        (
          "tensors",
          { $0.array(tensors) { $0.tensor($1, node: nodeIndex[$1.slot.layer] ?? 0, version: version) } }
        ),
        ("tool", { $0.text(document.tool) }),
      ]
    if !document.labels.isEmpty {
      entries.append(
        (
          "labels",
          {
            $0.array(document.labels) {
              $0.array(count: 2)
              $0.text($1.id)
              $0.text($1.name)
            }
          }
        ))
    }
    if !document.kerasPlaces.isEmpty {
      entries.append(("keras", { $0.array(document.kerasPlaces) { $0.kerasPlace($1) } }))
    }
    if let source = document.source { entries.append(("source", { $0.source(source) })) }
    if let testCase = document.testCase { entries.append(("test_case", { $0.testCase(testCase) })) }
    if let training = document.training { entries.append(("training", { $0.training(training) })) }
    let layerTraining = document.graph.nodes.enumerated().compactMap { index, node in
      document.layerTraining[node.name].map { (index, $0) }
    }
    if let integers = integersEntry { entries.append(integers) }
    if !layerTraining.isEmpty { entries.append(("layer_training", { $0.layerTraining(layerTraining) })) }
    if !document.verification.isEmpty {
      entries.append(
        ("verification", { $0.map(document.verification.map { (key, text) in (key, { $0.text(text) }) }) }))
    }
    writer.map(entries)
    return writer.bytes
  }

  private var nodeIndex: [String: Int] {
    Dictionary(
      document.graph.nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private var integersEntry: (key: String, write: (inout CBORWriter) -> Void)? {
    document.integers.map { record in ("integers", { $0.integers(record, document.graph) }) }
  }

  /// The entries that say what the network is.
  private var graphEntries: [(key: String, write: (inout CBORWriter) -> Void)] {
    let graph = document.graph
    var operations: [Operation] = []
    var operationIndex: [Operation: Int] = [:]
    for node in graph.nodes where operationIndex[node.operation] == nil {
      operationIndex[node.operation] = operations.count
      operations.append(node.operation)
    }
    return [
      ("operations", { $0.array(operations) { $0.operation($1) } }),
      (
        "nodes",
        {
          $0.array(graph.nodes) {
            $0.array(count: $1.sharing == nil ? 3 : 4)
            $0.text($1.name)
            $0.unsigned(operationIndex[$1.operation] ?? 0)
            $0.array($1.inputs) { $0.unsigned($1.index) }
            if let sharing = $1.sharing { $0.unsigned(sharing.index) }
          }
        }
      ),
      ("outputs", { $0.array(graph.outputs) { $0.unsigned($1.index) } }),
    ]
  }

  /// The SHA-256 of what the network computes: its graph, weights and preprocessing. What was converted,
  /// where and with which name has no part in it.
  var contentHash: Checksum {
    let nodeIndex = nodeIndex
    var writer = CBORWriter()
    writer.map(
      graphEntries + [integersEntry].compactMap(\.self) + [
        ("preprocessing", { $0.text(document.card.preprocessing.rawValue) }),
        (
          "tensors",
          {
            $0.array(tensors) {
              $0.array(count: 5)
              $0.unsigned(nodeIndex[$1.slot.layer] ?? 0)
              $0.unsigned($1.slot.role.number)
              $0.text($1.form.name)
              $0.array($1.shape.dimensions) { $0.unsigned($1) }
              $0.byteString(($1.plainChecksum ?? $1.checksum).bytes)
            }
          }
        ),
      ])
    return writer.bytes.withUnsafeBytes { Checksum(hashing: $0) }
  }
}

extension WeightRole {
  /// The roles by the numbers that files have for them.
  static let numbered: [WeightRole] = [
    .kernel, .depthwiseKernel, .pointwiseKernel, .bias, .gamma, .beta, .movingMean, .movingVariance, .alpha,
    .mean, .variance,
  ]

  var number: Int { WeightRole.numbered.firstIndex(of: self) ?? WeightRole.numbered.count }
}

extension CBORWriter {
  fileprivate mutating func card(_ card: ModelCard) {
    let texts: [(String, String?)] = [
      ("architecture", card.architecture), ("variant", card.variant),
      ("preprocessing", card.preprocessing.rawValue), ("training_data", card.trainingData),
      ("licence", card.licence), ("citation", card.citation), ("accuracy", card.accuracy),
      ("resampling", card.pixels?.resampling), ("crop", card.pixels?.crop),
    ]
    map(texts.compactMap { key, text in text.map { text in (key, { $0.text(text) }) } })
  }

  fileprivate mutating func operation(_ operation: Operation) {
    array(count: 2)
    text(operation.kind)
    map(
      operation.attributes.map { name, value in
        (
          name,
          {
            switch value {
            case .int(let value): $0.unsigned(value)
            case .double(let value): $0.float(value)
            case .bool(let value): $0.bool(value)
            case .string(let value): $0.text(value)
            case .ints(let values): $0.array(values) { $0.unsigned($1) }
            case .doubles(let values): $0.array(values) { $0.float($1) }
            }
          }
        )
      })
  }

  fileprivate mutating func kerasPlace(_ place: KerasPlace) {
    array(count: 3)
    unsigned(place.node)
    array(place.steps) {
      $0.array(count: 2)
      $0.text($1.name)
      $0.text($1.group)
    }
    bool(place.isTrainable)
  }

  fileprivate mutating func source(_ source: SourceRecord) {
    var entries: [(String, (inout CBORWriter) -> Void)] = [
      ("file", { $0.text(source.file) }),
      ("sha256", { $0.byteString(Checksum(hexadecimal: source.sha256)?.bytes ?? []) }),
      ("bytes", { $0.unsigned(source.bytes) }),
      ("writer", { $0.text(source.writer) }),
      ("layout", { $0.text(source.layout) }),
    ]
    if !source.lambdas.isEmpty {
      entries.append(("lambdas", { $0.map(source.lambdas.map { (key, text) in (key, { $0.text(text) }) }) }))
    }
    if let precision = source.precision { entries.append(("precision", { $0.text(precision.rawValue) })) }
    map(entries)
  }

  fileprivate mutating func testCase(_ testCase: TestCase) {
    map([
      ("generator", { $0.text(testCase.generator) }),
      ("seed", { $0.unsigned(testCase.seed) }),
      ("preprocessing", { $0.text(testCase.preprocessing.rawValue) }),
      ("tolerance", { $0.float(testCase.tolerance) }),
      (
        "outputs",
        {
          $0.array(testCase.outputs) { writer, output in
            writer.map([
              ("largest", { $0.float(output.largest) }),
              (
                "samples",
                {
                  $0.array(output.samples) {
                    $0.array(count: 2)
                    $0.unsigned($1.index)
                    $0.float($1.value)
                  }
                }
              ),
            ])
          }
        }
      ),
    ])
  }
}
