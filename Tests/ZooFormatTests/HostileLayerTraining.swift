import ZooSystem

// Wrong entries `layer_training`.
extension HostileFile {
  private typealias Bytes = [UInt8]

  /// One half, as a float.
  private static let half: Bytes = [0xf9, 0x38, 0]
  private static let yes: Bytes = [0xf5]

  /// A file whose entry says one thing of a layer; node 1 is the dense layer, node 0 the input.
  private static func layer(
    _ name: String, _ says: String, _ key: String, _ value: Bytes, node: UInt64 = 1,
    _ kind: ZooError.Code = .malformed
  ) -> HostileFile {
    let own: Bytes = CBOR.array([CBOR.head(0, node), CBOR.map([(key, value)])])
    return list(name, says, [own], kind)
  }

  private static func list(
    _ name: String, _ says: String, _ layers: [Bytes], _ kind: ZooError.Code = .malformed
  ) -> HostileFile {
    let entry: Bytes = CBOR.array(layers)
    return HostileFile(name, kind, says) { $0.entries.append(("layer_training", entry)) }
  }

  private static func noise(_ kind: String) -> Bytes { CBOR.array([CBOR.text(kind), half]) }

  private static func regularizer(_ role: UInt64, _ l1: Bytes) -> Bytes {
    CBOR.array([CBOR.head(0, role), l1, half])
  }

  private static func initializer(_ kind: String, numbers: Int, _ words: String...) -> Bytes {
    let floats: Bytes = CBOR.array([Bytes](repeating: half, count: numbers))
    let items: [Bytes] = [CBOR.head(0, 0), CBOR.text(kind), floats]
    return CBOR.array([CBOR.array(items + words.map(CBOR.text))])
  }

  static let layerTrainings: [HostileFile] = usage + values

  private static let usage: [HostileFile] = [
    layer("training of no layer", "#9", "frozen", yes, node: 9),
    layer("training of a layer without weights", "no weights", "frozen", yes, node: 0),
    layer("a layer that is not frozen", "not frozen", "frozen", [0xf4]),
    layer("training of an unknown kind", "'thaw'", "thaw", yes, .unsupported),
    layer("momentum of a dense layer", "no statistics", "momentum", half),
    layer("old statistics of a dense layer", "none of its own", "old_statistics", yes),
    layer("statistics that are not old", "without old statistics", "old_statistics", [0xf4]),
    layer("noise of a dense layer", "training only", "noise", noise("dropout")),
    layer("regularizer of no weight", "no gamma", "regularizers", CBOR.array([regularizer(4, half)])),
    list("training that is usual", "nothing is said", [CBOR.array([[1], CBOR.map([])])]),
    list("no training of layers", "empty", []),
    list(
      "training of a layer twice", "not in order",
      [Bytes](repeating: CBOR.array([[1], CBOR.map([("frozen", yes)])]), count: 2)),
    HostileFile("training of layers in version 1", .unsupported, "'layer_training'") {
      $0.version = 1
      let tensors: [Bytes] = [
        SpecifiedFile.kernelRecord(checksum: sha256(SpecifiedFile.kernel)),
        SpecifiedFile.biasRecord(checksum: sha256(SpecifiedFile.bias)),
      ]
      $0.entries = SpecifiedFile.entries(tensors: tensors)
      $0.entries.append(("layer_training", CBOR.array([])))
    },
  ]

  private static let values: [HostileFile] = [
    layer("momentum that is a whole number", "a float", "momentum", [1]),
    layer("unknown noise", "'hiss'", "noise", noise("hiss"), .unsupported),
    layer("no regularizers", "not in order", "regularizers", CBOR.array([])),
    layer(
      "regularizers of one weight", "not in order", "regularizers",
      CBOR.array([regularizer(0, half), regularizer(0, half)])),
    layer(
      "regularizer below 0", "below 0", "regularizers", CBOR.array([regularizer(0, [0xf9, 0xb8, 0])])),
    layer(
      "regularizer of an unknown role", "role 11", "regularizers", CBOR.array([regularizer(11, half)]),
      .unsupported),
    layer(
      "initializer without numbers", "'constant'", "initializers", initializer("constant", numbers: 0),
      .unsupported),
    layer(
      "unknown initializer", "'luck'", "initializers", initializer("luck", numbers: 1), .unsupported),
    layer(
      "initializer of an unknown mode", "'variance_scaling'", "initializers",
      initializer("variance_scaling", numbers: 1, "fan_up", "uniform"), .unsupported),
    layer(
      "initializer of too many numbers", "0 to 2", "initializers", initializer("uniform", numbers: 3)),
  ]
}
