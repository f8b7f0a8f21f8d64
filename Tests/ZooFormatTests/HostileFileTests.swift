import Foundation
import Testing
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

/// A file that breaks one rule, and what the error must say.
struct HostileFile: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let kind: ZooError.Code
  let says: String
  let bytes: [UInt8]

  init(
    _ name: String, _ kind: ZooError.Code, _ says: String, _ change: (inout SpecifiedFile) -> Void
  ) {
    var file = SpecifiedFile()
    change(&file)
    self.init(name, kind, says, bytes: file.bytes)
  }

  init(_ name: String, _ kind: ZooError.Code, _ says: String, bytes: [UInt8]) {
    testDescription = name
    self.kind = kind
    self.says = says
    self.bytes = bytes
  }

  /// A header in which the encoding of `entry` is replaced.
  init(_ name: String, _ kind: ZooError.Code, _ says: String, entry: String, _ encoded: [UInt8]) {
    self.init(name, kind, says) { file in
      file.entries = file.entries.map { $0.0 == entry ? (entry, encoded) : $0 }
    }
  }

  static let all: [HostileFile] = preambles + encodings + contents + tensors + layerTrainings

  private static func trainingRecord(tasks: Int, labels: Int = 3, kind: String = "classes") -> [UInt8] {
    let sum = CBOR.head(2, 32) + [UInt8](repeating: 7, count: 32)
    let names = (0..<labels).map { CBOR.text("l\($0)") }
    let task = CBOR.array([CBOR.text("task"), CBOR.text(kind), CBOR.array(names)])
    return CBOR.map([
      ("backbone", CBOR.text("a.zoo")), ("backbone_content", sum), ("layers", CBOR.array([])),
      ("data", CBOR.text("b")), ("data_sha256", sum), ("pictures", CBOR.head(0, 5)),
      ("tasks", CBOR.array([[UInt8]](repeating: task, count: tasks))),
      ("pixels", CBOR.map([("resampling", CBOR.text("bilinear")), ("upright", [0xf4])])),
      ("settings", CBOR.map([])), ("results", CBOR.map([])),
    ])
  }

  static let preambles: [HostileFile] = [
    HostileFile("empty", .malformed, "empty", bytes: []),
    HostileFile("only the magic", .malformed, "ends after 8 bytes", bytes: SpecifiedFile().magic),
    HostileFile("bad magic", .malformed, "does not start") { $0.magic[0] = 0x09 },
    HostileFile("newlines converted", .malformed, "does not start") { $0.magic.remove(at: 4) },
    HostileFile("newer version", .unsupported, "version is 4") { $0.version = 4 },
    HostileFile("checksums of another version", .malformed, "16 bytes") { $0.version = 1 },
    HostileFile("version 0", .malformed, "version is 0") { $0.version = 0 },
    HostileFile("reserved bytes", .malformed, "reserved") { $0.reserved = 1 },
    HostileFile("no header", .malformed, "0 bytes") { $0.headerLength = 0 },
    HostileFile("header beyond the cap", .malformed, "allowed are") { $0.headerLength = (64 << 20) + 1 },
    HostileFile("huge header", .malformed, "allowed are") { $0.headerLength = .max },
    HostileFile("header beyond the file", .malformed, "beyond its end") { $0.headerLength = 4096 },
    HostileFile("file length", .malformed, "preamble declares 1") { $0.fileLength = 1 },
    HostileFile("header checksum", .damaged, "checksum") { $0.headerChecksum = sha256([]) },
    HostileFile("header not followed by zeros", .malformed, "zeros") { $0.headerPadding = 1 },
    HostileFile("trailing bytes", .malformed, "its data has") { $0.data += [0] },
    HostileFile("missing bytes", .malformed, "its data has") { $0.data.removeLast() },
    HostileFile("no data", .malformed, "its data has") { $0.data = [] },
  ]

  static let encodings: [HostileFile] = [
    HostileFile("no map", .malformed, "expected a map") { $0.header = [0x80] },
    HostileFile("empty map", .malformed, "missing") { $0.header = [0xa0] },
    HostileFile("after the end", .malformed, "after the end") { $0.header = CBOR.map($0.entries) + [0] },
    HostileFile("cut off", .malformed, "header byte") { $0.header = CBOR.map($0.entries).dropLast() },
    HostileFile("indefinite map", .malformed, "indefinite") {
      $0.header = [0xbf] + CBOR.map($0.entries).dropFirst() + [0xff]
    },
    HostileFile("long integer", .malformed, "shortest form", entry: "outputs", [0x81, 0x18, 1]),
    HostileFile("huge array", .malformed, "beyond the header's end", entry: "outputs", CBOR.head(4, .max)),
    HostileFile("huge integer", .malformed, "2^63", entry: "outputs", CBOR.ints([.max])),
    HostileFile("negative integer", .malformed, "unsigned integer", entry: "outputs", [0x81, 0x20]),
    HostileFile("tag", .malformed, "expected", entry: "tool", [0xc0] + CBOR.text("a")),
    HostileFile("not UTF-8", .malformed, "UTF-8", entry: "tool", [0x61, 0xff]),
    HostileFile(
      "deep nesting", .malformed, "expected", entry: "nodes", [UInt8](repeating: 0x81, count: 1_000_000)),
    HostileFile("key given twice", .malformed, "given twice") {
      let encoded = CBOR.map($0.entries + [("card", CBOR.text(""))])
      $0.header = encoded
      // Valid up to the second `card`.
      $0.header = [0xa7] + CBOR.text("card") + $0.entries[0].1 + CBOR.text("card") + encoded
    },
    HostileFile("keys not in order", .malformed, "not in order") {
      $0.header = [0xa6] + $0.entries.reversed().flatMap { CBOR.text($0.0) + $0.1 }
    },
    HostileFile("unknown key", .unsupported, "'zebra'") { $0.entries.append(("zebra", [0])) },
    HostileFile("missing key", .malformed, "missing") { $0.entries.removeFirst() },
  ]

  private static func sharing(
    _ name: String, _ operation: UInt64, _ input: UInt64, with node: UInt64
  ) -> [UInt8] {
    CBOR.array([CBOR.text(name), CBOR.head(0, operation), CBOR.ints([input]), CBOR.head(0, node)])
  }

  private static func entries(
    _ name: String, _ kind: ZooError.Code, _ says: String, _ entries: [(String, [UInt8])]
  ) -> HostileFile {
    HostileFile(name, kind, says) { $0.entries = entries }
  }

  private static func dense(_ attributes: [(String, [UInt8])]) -> [[UInt8]] {
    [
      SpecifiedFile.operation("input", [("shape", CBOR.ints([2]))]),
      SpecifiedFile.operation("dense", attributes),
    ]
  }

  private static let linear: [(String, [UInt8])] = [
    ("activation", CBOR.text("linear")), ("use_bias", [0xf5]),
  ]

  static let contents: [HostileFile] = [
    entries(
      "unknown preprocessing", .unsupported, "'vgg'",
      SpecifiedFile.entries(
        card: CBOR.map([
          ("variant", CBOR.text("")), ("architecture", CBOR.text("")), ("preprocessing", CBOR.text("vgg")),
        ]))),
    entries("card lacks an entry", .malformed, "card", SpecifiedFile.entries(card: CBOR.map([]))),
    entries(
      "unknown kind", .unsupported, "'warp'",
      SpecifiedFile.entries(operations: [SpecifiedFile.operation("warp", [])])),
    entries(
      "missing attribute", .malformed, "layer 'd': the dense has no attribute 'units'",
      SpecifiedFile.entries(operations: dense(linear))),
    entries(
      "unknown attribute", .malformed, "unknown attribute 'colour'",
      SpecifiedFile.entries(
        operations: dense(linear + [("units", CBOR.head(0, 3)), ("colour", [0xf4])]))),
    entries(
      "attribute of the wrong type", .malformed, "not an integer",
      SpecifiedFile.entries(operations: dense(linear + [("units", CBOR.text("3"))]))),
    entries(
      "attribute that is no attribute", .malformed, "a type that attributes cannot have",
      SpecifiedFile.entries(operations: dense(linear + [("units", CBOR.map([]))]))),
    entries(
      "long float", .malformed, "shortest form",
      SpecifiedFile.entries(operations: dense(linear + [("units", [0xfa, 0x3f, 0x80, 0, 0])]))),
    entries(
      "infinite float", .malformed, "not finite",
      SpecifiedFile.entries(operations: dense(linear + [("units", [0xf9, 0x7c, 0])]))),
    entries(
      "huge layer", .malformed, "shape",
      SpecifiedFile.entries(operations: dense(linear + [("units", CBOR.head(0, 1 << 62))]))),
    entries(
      "operation that is not used", .malformed, "used by no layer",
      SpecifiedFile.entries(
        operations: dense(linear + [("units", CBOR.head(0, 3))]) + [SpecifiedFile.operation("add", [])])),
    entries(
      "operation that is not there", .malformed, "operation #7",
      SpecifiedFile.entries(nodes: [SpecifiedFile.node("x", 0), SpecifiedFile.node("d", 7, 0)])),
    entries(
      "node that reads itself", .malformed, "does not come before",
      SpecifiedFile.entries(nodes: [SpecifiedFile.node("x", 0), SpecifiedFile.node("d", 1, 1)])),
    entries(
      "node that shares its own weights", .malformed, "uses the weights of #1",
      SpecifiedFile.entries(nodes: [SpecifiedFile.node("x", 0), sharing("d", 1, 0, with: 1)])),
    entries(
      "node that shares with one that has no weights", .malformed, "do not fit",
      SpecifiedFile.entries(nodes: [SpecifiedFile.node("x", 0), sharing("d", 1, 0, with: 0)])),
    entries(
      "node that shares with one that is not there", .malformed, "uses the weights of #9",
      SpecifiedFile.entries(nodes: [SpecifiedFile.node("x", 0), sharing("d", 1, 0, with: 9)])),
    entries(
      "name given twice", .malformed, "two layers",
      SpecifiedFile.entries(nodes: [SpecifiedFile.node("x", 0), SpecifiedFile.node("x", 1, 0)])),
    entries(
      "output that is not there", .malformed, "output #5",
      SpecifiedFile.entries(outputs: [CBOR.head(0, 5)])),
    HostileFile("too few labels", .malformed, "1 for 3 classes") {
      $0.entries.append(("labels", CBOR.array([CBOR.array([CBOR.text("a"), CBOR.text("b")])])))
    },
    HostileFile("a training record of other outputs", .malformed, "2 tasks, the network 1") {
      $0.entries.append(("training", trainingRecord(tasks: 2)))
    },
    HostileFile("a training record of other classes", .malformed, "1 labels, its output 3") {
      $0.entries.append(("training", trainingRecord(tasks: 1, labels: 1)))
    },
    HostileFile("a training record without data", .malformed, "lacks an entry") {
      $0.entries.append(("training", CBOR.map([("backbone", CBOR.text("a"))])))
    },
    HostileFile("a training record of another kind", .malformed, "no such kind") {
      $0.entries.append(("training", trainingRecord(tasks: 1, kind: "dream")))
    },
    HostileFile("no labels", .malformed, "empty") { $0.entries.append(("labels", CBOR.array([]))) },
    HostileFile("source lacks an entry", .malformed, "source") {
      $0.entries.append(("source", CBOR.map([])))
    },
    HostileFile("no lambdas", .malformed, "empty") {
      $0.entries.append(("source", CBOR.map([("lambdas", CBOR.map([]))])))
    },
    HostileFile("unknown precision", .malformed, "no such precision") {
      $0.entries.append(("source", CBOR.map([("precision", CBOR.text("float8"))])))
    },
    HostileFile("test case lacks an entry", .malformed, "test case") {
      $0.entries.append(("test_case", CBOR.map([])))
    },
    place("place of no layer", "#9", node: 9),
    place("place of a layer without weights", "#0", node: 0),
    place("place outside", "not a group", group: "../d"),
    place("place without a name", "has no name", name: ""),
    place("place listed twice", "listed twice", count: 2),
    place("no places", "empty", count: 0),
    place("place in nothing", "in -1 models", depth: 0),
    place("place too deep", "0 to 17", depth: 18),
    HostileFile("places in version 1", .unsupported, "'keras'") {
      $0.version = 1
      $0.entries.append(("keras", CBOR.array([])))
    },
    testCase("sample beyond the output", "sample 3", samples: [(3, [0xf9, 0, 0])]),
    testCase("samples not in order", "sample 0", samples: [(1, [0xf9, 0, 0]), (0, [0xf9, 0, 0])]),
    testCase("no tolerance", "tolerance", samples: [], tolerance: [0xf9, 0, 0]),
    testCase("two outputs", "2 outputs", samples: [], outputs: 2),
  ]

  /// The only weights are those of the dense layer, node 1.
  private static func place(
    _ name: String, _ says: String, node: UInt64 = 1, name step: String = "d", group: String = "dense",
    depth: Int = 1, count: Int = 1
  ) -> HostileFile {
    let steps = CBOR.array(
      [[UInt8]](repeating: CBOR.array([CBOR.text(step), CBOR.text(group)]), count: depth))
    let place = CBOR.array([CBOR.head(0, node), steps, [0xf5]])
    return HostileFile(name, .malformed, says) {
      $0.entries.append(("keras", CBOR.array([[UInt8]](repeating: place, count: count))))
    }
  }

  private static func testCase(
    _ name: String, _ says: String, samples: [(UInt64, [UInt8])], tolerance: [UInt8] = [0xf9, 0x3c, 0],
    outputs: Int = 1
  ) -> HostileFile {
    let output = CBOR.map([
      ("largest", [0xf9, 0x3c, 0]),
      ("samples", CBOR.array(samples.map { CBOR.array([CBOR.head(0, $0.0), $0.1]) })),
    ])
    return HostileFile(name, .malformed, says) {
      $0.entries.append(
        (
          "test_case",
          CBOR.map([
            ("generator", CBOR.text("g")), ("seed", [0]), ("preprocessing", CBOR.text("tf")),
            ("tolerance", tolerance), ("outputs", CBOR.array([[UInt8]](repeating: output, count: outputs))),
          ])
        ))
    }
  }

  private static func tensors(
    _ name: String, _ kind: ZooError.Code, _ says: String, _ records: [[UInt8]]
  ) -> HostileFile {
    entries(name, kind, says, SpecifiedFile.entries(tensors: records))
  }

  private static let kernel = SpecifiedFile.kernelRecord()
  private static let bias = SpecifiedFile.biasRecord()

  static let tensors: [HostileFile] = [
    tensors("missing tensor", .malformed, "'d/bias': it is missing", [kernel]),
    tensors("extra tensor", .malformed, "tensor #2", [kernel, bias, bias]),
    tensors("tensor given twice", .malformed, "'d/kernel', expected 'd/bias'", [kernel, kernel]),
    tensors("tensors not in order", .malformed, "'d/bias', expected 'd/kernel'", [bias, kernel]),
    tensors("tensor of no layer", .malformed, "#9", [SpecifiedFile.kernelRecord(node: 9), bias]),
    tensors("wrong role", .malformed, "d/gamma", [SpecifiedFile.kernelRecord(role: 4), bias]),
    tensors("unknown role", .unsupported, "role 11", [SpecifiedFile.kernelRecord(role: 11), bias]),
    tensors("wrong shape", .malformed, "[3, 2]", [SpecifiedFile.kernelRecord(shape: [3, 2]), bias]),
    tensors(
      "huge shape", .malformed, "its shape",
      [SpecifiedFile.kernelRecord(shape: [1 << 62, 1 << 62]), bias]),
    tensors("later element type", .unsupported, "'bf16'", [SpecifiedFile.kernelRecord(type: "bf16"), bias]),
    tensors("unknown element type", .unsupported, "'f8'", [SpecifiedFile.kernelRecord(type: "f8"), bias]),
    tensors("length", .malformed, "need 24", [SpecifiedFile.kernelRecord(length: 20), bias]),
    tensors(
      "length of another type", .malformed, "need 12", [SpecifiedFile.kernelRecord(type: "f16"), bias]),
    tensors("misaligned", .malformed, "byte 24", [kernel, SpecifiedFile.biasRecord(offset: 24)]),
    tensors("overlapping", .malformed, "byte 0", [kernel, SpecifiedFile.biasRecord(offset: 0)]),
    tensors("gap", .malformed, "byte 128", [kernel, SpecifiedFile.biasRecord(offset: 128)]),
    tensors(
      "short checksum", .malformed, "15 bytes",
      [SpecifiedFile.kernelRecord(checksum: [UInt8](repeating: 0, count: 15)), bias]),
  ]
}

@Suite struct HostileFileTests {
  @Test(arguments: HostileFile.all)
  func isRefused(file: HostileFile) {
    let error = #expect(throws: ZooError.self) { _ = try open(file.bytes) }
    #expect(error?.code == file.kind)
    #expect(error?.description.contains(file.says) == true, "\(error?.description ?? "no error")")
  }

  @Test func damageIsFoundByVerifying() throws {
    var damaged = SpecifiedFile()
    damaged.data[3] ^= 1
    let file = try open(damaged.bytes)
    let error = #expect(throws: ZooError.self) { try file.verifyChecksum(file.tensors[0]) }
    #expect(error?.code == .damaged && error?.location.contains("d/kernel") == true)
    try file.verifyChecksum(file.tensors[1])

    var dirty = SpecifiedFile()
    dirty.data[30] = 1
    let second = try open(dirty.bytes)
    #expect(errorCode { try second.verifyChecksum(second.tensors[0]) } == .malformed)
  }

  @Test func damageIsFoundOnFirstUse() throws {
    var damaged = SpecifiedFile()
    damaged.data[3] ^= 1
    try withTemporaryPath { path in
      try Data(damaged.bytes).write(to: URL(fileURLWithPath: path))
      let file = try ZooFile(path: path, verifyingOnUse: true)
      let slots = file.document.graph.weightSlots
      #expect(errorCode { try file.tensor(for: slots[0]) } == .damaged)
      #expect(errorCode { try file.tensor(for: slots[0]) } == .damaged)
      #expect(try file.tensor(for: slots[1]).floats() == [7, 8, 9])
    }
  }

  @Test func whatIsNoFile() {
    let missing = #expect(throws: ZooError.self) { try ZooFile(path: "/nonexistent/a.zoo") }
    #expect(missing?.code == .cannotOpen)
    #expect(errorCode { try ZooFile(path: "/tmp") } == .cannotOpen)
  }

  /// Cut anywhere, a file is refused.
  @Test func everyTruncation() throws {
    let whole = try written(try smallDocument())
    for length in 0..<whole.count {
      #expect(errorCode { try open(Array(whole.prefix(length))) } == .malformed)
    }
  }

  /// A flipped bit is refused, or changes nothing but tensors' data, where verifying finds it.
  @Test func everyByteFlipped() throws {
    let document = try smallDocument()
    let whole = try written(document)
    var random = UInt64(7)
    for index in whole.indices {
      random = random &* 6_364_136_223_846_793_005 &+ 1
      var bytes = whole
      bytes[index] ^= 1 << UInt8(random >> 61)
      do {
        let file = try open(bytes)
        #expect(file.document == document)
        let code = errorCode { for record in file.tensors { try file.verifyChecksum(record) } }
        // In a tensor, or between two.
        #expect(code == .damaged || code == .malformed)
      } catch is ZooError {}
    }
  }

  /// As above with the header's checksum made right: the parser has to cope alone. What it accepts, the
  /// writer writes back the same (tried for some: each is a synced file).
  @Test func everyHeaderByteFlippedWithItsChecksum() throws {
    let whole = try written(try smallDocument())
    let length = whole[16..<20].reversed().reduce(0) { $0 << 8 | Int($1) }
    for index in 64..<64 + length {
      for bit in [UInt8(index % 8), UInt8((index + 5) % 8)] {
        var bytes = whole
        bytes[index] ^= 1 << bit
        bytes.replaceSubrange(32..<64, with: sha256(Array(bytes[64..<64 + length])))
        do {
          let file = try open(bytes)
          guard index % 16 == 0 else { continue }
          let again = try written(file.document)
          #expect(try open(again).document == file.document)
        } catch is ZooError {}
      }
    }
  }

  private func written(_ document: ZooDocument) throws -> [UInt8] {
    try withTemporaryPath { path in
      try ZooWriter(document: document, storage: .f32)
        .write(to: path, overwrite: false, weights: InventedWeights())
      return try readBytes(path)
    }
  }
}
