import Testing
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// A file put together byte by byte from docs/zoo-format.md, independently of the writer.
struct SpecifiedFile {
  var magic: [UInt8] = [0x89, 0x5a, 0x4f, 0x4f, 0x0d, 0x0a, 0x1a, 0x0a]
  var version: UInt32 = 2
  var reserved: UInt32 = 0
  var headerLength: UInt64?
  var fileLength: UInt64?
  var headerChecksum: [UInt8]?
  var entries: [(String, [UInt8])] = Self.entries()
  /// In place of what the entries make.
  var header: [UInt8]?
  var headerPadding: UInt8 = 0
  var data: [UInt8] = kernel + [UInt8](repeating: 0, count: 40) + bias

  /// A dense layer of 2 inputs and 3 units.
  static let kernel = [1, 2, 3, 4, 5, 6].flatMap { littleEndian(Float($0).bitPattern) }
  static let bias = [7, 8, 9].flatMap { littleEndian(Float($0).bitPattern) }
  /// As `xxhsum -H2` prints them.
  static let kernelChecksum = bytes("22f9f05544bb8065da5bf39245eec019")
  static let biasChecksum = bytes("b9f7dd4e10b7b75ad6932fb70a480749")

  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }

  var bytes: [UInt8] {
    let header = header ?? CBOR.map(entries)
    let start = (64 + header.count + 63) / 64 * 64
    let padding = [UInt8](repeating: headerPadding, count: start - 64 - header.count)
    return magic + littleEndian(version) + littleEndian(reserved)
      + littleEndian(headerLength ?? UInt64(header.count))
      + littleEndian(fileLength ?? UInt64(start + data.count))
      + (headerChecksum ?? sha256(header)) + header + padding + data
  }

  static func entries(
    card: [UInt8] = CBOR.map([
      ("variant", CBOR.text("3 units")), ("architecture", CBOR.text("dense")),
      ("preprocessing", CBOR.text("none")),
    ]),
    nodes: [[UInt8]] = [Self.node("x", 0), Self.node("d", 1, 0)],
    outputs: [[UInt8]] = [CBOR.head(0, 1)],
    tensors: [[UInt8]] = [Self.kernelRecord(), Self.biasRecord()],
    operations: [[UInt8]] = [
      Self.operation("input", [("shape", CBOR.ints([2]))]),
      Self.operation(
        "dense",
        [("units", CBOR.head(0, 3)), ("use_bias", [0xf5]), ("activation", CBOR.text("linear"))]),
    ]
  ) -> [(String, [UInt8])] {
    [
      ("card", card), ("tool", CBOR.text("by hand")), ("nodes", CBOR.array(nodes)),
      ("outputs", CBOR.array(outputs)), ("tensors", CBOR.array(tensors)),
      ("operations", CBOR.array(operations)),
    ]
  }

  static func operation(_ kind: String, _ attributes: [(String, [UInt8])]) -> [UInt8] {
    CBOR.array([CBOR.text(kind), CBOR.map(attributes)])
  }

  static func node(_ name: String, _ operation: UInt64, _ inputs: UInt64...) -> [UInt8] {
    CBOR.array([CBOR.text(name), CBOR.head(0, operation), CBOR.ints(inputs)])
  }

  static func kernelRecord(
    node: UInt64 = 1, role: UInt64 = 0, type: String = "f32", shape: [UInt64] = [2, 3],
    offset: UInt64 = 0, length: UInt64 = 24, checksum: [UInt8] = kernelChecksum
  ) -> [UInt8] {
    CBOR.array([
      CBOR.head(0, node), CBOR.head(0, role), CBOR.text(type), CBOR.ints(shape), CBOR.head(0, offset),
      CBOR.head(0, length), CBOR.head(2, UInt64(checksum.count)) + checksum,
    ])
  }

  static func biasRecord(offset: UInt64 = 64, checksum: [UInt8] = biasChecksum) -> [UInt8] {
    kernelRecord(role: 3, shape: [3], offset: offset, length: 12, checksum: checksum)
  }
}

/// The least of RFC 8949 that a header needs.
enum CBOR {
  static func head(_ type: UInt8, _ value: UInt64) -> [UInt8] {
    switch value {
    case 0..<24: [type << 5 | UInt8(value)]
    case 24..<256: [type << 5 | 24, UInt8(value)]
    case 256..<65536: [type << 5 | 25, UInt8(value >> 8), UInt8(value & 255)]
    default: [type << 5 | 27] + littleEndian(value).reversed()
    }
  }

  static func text(_ text: String) -> [UInt8] { head(3, UInt64(text.utf8.count)) + Array(text.utf8) }
  static func array(_ items: [[UInt8]]) -> [UInt8] { head(4, UInt64(items.count)) + items.flatMap { $0 } }
  static func ints(_ values: [UInt64]) -> [UInt8] { array(values.map { head(0, $0) }) }

  static func map(_ entries: [(String, [UInt8])]) -> [UInt8] {
    let sorted = entries.map { (text($0.0), $0.1) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    return head(5, UInt64(entries.count)) + sorted.flatMap { $0.0 + $0.1 }
  }
}

@Suite struct SpecificationTests {
  @Test func aFileMadeByHandIsRead() throws {
    let file = try open(SpecifiedFile().bytes)
    #expect(file.document.card == ModelCard(architecture: "dense", variant: "3 units", preprocessing: .none))
    #expect(file.document.tool == "by hand")
    #expect(file.document.graph.nodes.map(\.name) == ["x", "d"])
    #expect(file.document.graph.outputs.map(\.index) == [1])
    #expect(file.tensors.map(\.name) == ["d/kernel", "d/bias"])
    #expect(file.tensors.map(\.byteCount) == [24, 12])
    for record in file.tensors {
      #expect(record.offset % 64 == 0)
      try file.verifyChecksum(record)
    }
    let slots = file.document.graph.weightSlots
    #expect(try file.tensor(for: slots[0]).floats() == [1, 2, 3, 4, 5, 6])
    #expect(try file.tensor(for: slots[1]).floats() == [7, 8, 9])
  }

  @Test func trainingOfLayersIsRead() throws {
    var specified = SpecifiedFile()
    let half: [UInt8] = [0xf9, 0x38, 0]
    let own = CBOR.map([
      ("frozen", [0xf5]), ("regularizers", CBOR.array([CBOR.array([[0], half, [0xf9, 0, 0]])])),
      (
        "initializers",
        CBOR.array([
          CBOR.array([
            [0], CBOR.text("variance_scaling"), CBOR.array([half]), CBOR.text("fan_in"),
            CBOR.text("truncated_normal"),
          ]), CBOR.array([[3], CBOR.text("constant"), CBOR.array([half])]),
        ])
      ),
    ])
    specified.entries.append(("layer_training", CBOR.array([CBOR.array([[1], own])])))
    var expected = LayerTraining()
    expected.isFrozen = true
    expected.regularizers = [.kernel: Regularizer(l1: 0.5)]
    expected.initializers = [
      .kernel: .varianceScaling(.init(0.5, .fanIn, .truncatedNormal)), .bias: .constant(0.5),
    ]
    #expect(try open(specified.bytes).document.layerTraining == ["d": expected])
  }

  /// Its tensors have SHA-256; written again it is of the current version.
  @Test func aFileOfVersion1IsRead() throws {
    var old = SpecifiedFile()
    old.version = 1
    old.entries = SpecifiedFile.entries(tensors: [
      SpecifiedFile.kernelRecord(checksum: sha256(SpecifiedFile.kernel)),
      SpecifiedFile.biasRecord(checksum: sha256(SpecifiedFile.bias)),
    ])
    let file = try open(old.bytes)
    for record in file.tensors { try file.verifyChecksum(record) }
    #expect(file.tensors.map(\.checksum.algorithm) == ["SHA-256", "SHA-256"])
    #expect(file.tensors.map(\.checksum.bytes) == [sha256(SpecifiedFile.kernel), sha256(SpecifiedFile.bias)])
    try withTemporaryPath { path in
      var document = file.document
      document.tool = "by hand"
      try ZooWriter(document: document, storage: .f32).write(to: path, overwrite: false, weights: file)
      #expect(try readBytes(path) == SpecifiedFile().bytes)
    }
    old.data[3] ^= 1
    let damaged = try open(old.bytes)
    let error = #expect(throws: ZooError.self) { try damaged.verifyChecksum(damaged.tensors[0]) }
    #expect(error?.code == .damaged)
    #expect(error?.why.hasPrefix("its SHA-256 is") == true)
  }

  @Test func theWriterMakesTheSameBytes() throws {
    let specified = SpecifiedFile().bytes
    let file = try open(specified)
    try withTemporaryPath { path in
      try ZooWriter(document: file.document, storage: .f32).write(to: path, overwrite: false, weights: file)
      #expect(try readBytes(path) == specified)
    }
  }

  @Test func recognition() {
    #expect(FileSignature.zoo.isStart(of: SpecifiedFile().bytes))
    #expect(!FileSignature.zoo.isStart(of: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]))
    #expect(!FileSignature.zoo.isStart(of: SpecifiedFile().bytes.prefix(7)))
  }
}
